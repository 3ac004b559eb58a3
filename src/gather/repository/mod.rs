//! Tools that repository content names: what would be installed by somebody who checks it out.
//!
//! Content is read from the index or from a commit, never from the work tree, because only the former is committed. One format
//! a file; another format is one more file here and one more line in `FORMATS`.

mod agent;
mod automation;
mod container;
mod document;
mod javascript;
mod languages;
mod model;
mod pins;
mod place;
mod python;
mod quote;
pub mod rewrite;
pub mod trailer;
mod ways;

use crate::catalogue::Catalogue;
use crate::evidence::{Coverage, CoverageOutcome, Directive, Mention, Oddity, Trace};
use crate::source::Location;
use crate::world::git::{ChangeKind, Entry, GitError, MAX_COMMITS, Mode, Repository, Snapshot};
use document::{Node, Unreadable, json};
use place::Place;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Every format that is read, a table a room. A path may be of several.
const FORMATS: [&[Format]; 7] = [
    javascript::FORMATS,
    python::FORMATS,
    languages::FORMATS,
    automation::FORMATS,
    container::FORMATS,
    agent::FORMATS,
    model::FORMATS,
];

/// Names repositories of their own, which are not looked into; that is said, so that nobody takes them for clean.
const SUBMODULES: &str = ".gitmodules";

/// The largest file that is read, in bytes; the largest real lock files have a tenth of it.
const MAX_FILE: u64 = 64 << 20;

/// The most mentions, and the most oddities, that one file may make.
const MAX_MENTIONS: usize = 10_000;

/// Which content is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// What the next commit changes.
    Staged,
    /// Everything the index holds.
    Index,
    /// What changed between two commits, as it is in the second. A base of zeros stands for nothing.
    Range {
        /// The commit before.
        base: String,
        /// The commit after.
        head: String,
    },
    /// The message of a commit that is being made, as git will record it.
    Message(String),
}

/// What is looked for besides tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest {
    /// Whether ids of models in configuration and code matter: only where something may be said of them. Every text file would have
    /// to be read for it.
    pub model_ids: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Tools named.
    pub mentions: Vec<Mention>,
    /// What tools are told to do.
    pub directives: Vec<Directive>,
    /// Words that say a tool or a model is used.
    pub traces: Vec<Trace>,
    /// Files that could not be read as what their name says.
    pub oddities: Vec<Oddity>,
    /// What was looked at, and what not.
    pub coverage: Vec<Coverage>,
}

/// A format of files that name tools.
struct Format {
    /// Its name in reports.
    name: &'static str,
    /// Whether a path is of this format.
    matches: fn(&Place<'_>) -> bool,
    /// Read one file. Never fails: what cannot be read is an oddity.
    read: fn(&Source<'_>) -> Reading,
    /// What says which version a range in it means.
    pins: Pins,
    /// The largest file that is read, in bytes.
    largest: u64,
    /// Whether a path of it always means a file of this format: then one that cannot be read is an oddity, and else nothing.
    is_told_by_name: bool,
    /// Whether it is read only where ids of models matter.
    is_for_model_ids: bool,
}

impl Format {
    /// A format whose files are told by their names, with limits that fit most.
    const fn named(name: &'static str, matches: fn(&Place<'_>) -> bool, read: fn(&Source<'_>) -> Reading) -> Self {
        Self { name, matches, read, pins: Pins::Nothing, largest: MAX_FILE, is_told_by_name: true, is_for_model_ids: false }
    }
}

/// What says which version a range in a file means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pins {
    /// Nothing: it pins itself, or nothing does.
    Nothing,
    /// The nearest of these lock files in its folder or above.
    By(&'static [&'static str]),
}

/// One file to read.
struct Source<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    catalogue: &'a Catalogue,
    /// The file as JSON, once a format asked for it: several may be of the same.
    json: OnceCell<Result<Node<'a>, Unreadable>>,
}

impl<'a> Source<'a> {
    fn new(path: &'a Path, bytes: &'a [u8], catalogue: &'a Catalogue) -> Self {
        Self { path, bytes, catalogue, json: OnceCell::new() }
    }

    /// The file as JSON.
    fn json(&self) -> Result<&Node<'a>, &Unreadable> {
        self.json.get_or_init(|| json::parse(self.bytes)).as_ref()
    }

    fn at(&self, line: Option<u32>) -> Location {
        Location { path: self.path.to_owned(), line }
    }
}

/// What one file says.
#[derive(Default)]
struct Reading {
    mentions: Vec<Mention>,
    directives: Vec<Directive>,
    traces: Vec<Trace>,
    oddities: Vec<Oddity>,
    coverage: Vec<Coverage>,
}

impl Reading {
    /// A file that cannot be relied on as what its name says, for example `JSON`.
    fn unreadable(source: &Source<'_>, syntax: &str, error: &Unreadable) -> Self {
        Self::odd(source.at(error.line), format!("it is no {syntax} that can be relied on: {error}"))
    }

    fn odd(location: Location, why: String) -> Self {
        Self { oddities: vec![Oddity::Unparsable { location, why }], ..Self::default() }
    }

    /// One mention more, as long as they are not too many for one file: that is then said once.
    fn mention(&mut self, source: &Source<'_>, mention: Mention) {
        if self.mentions.len() < MAX_MENTIONS {
            self.mentions.push(mention);
        } else if self.oddities.len() <= MAX_MENTIONS {
            let why = format!("it names tools more than {MAX_MENTIONS} times");
            let odd = Oddity::Unparsable { location: source.at(None), why };
            if self.oddities.last() != Some(&odd) {
                self.oddities.push(odd);
            }
        }
    }

    /// One thing more that could not be read, as long as they are not too many for one file.
    fn oddity(&mut self, location: Location, why: String) {
        if self.oddities.len() < MAX_MENTIONS {
            self.oddities.push(Oddity::Unparsable { location, why });
        }
    }

    fn append(&mut self, mut other: Self) {
        self.mentions.append(&mut other.mentions);
        self.directives.append(&mut other.directives);
        self.traces.append(&mut other.traces);
        self.oddities.append(&mut other.oddities);
        self.coverage.append(&mut other.coverage);
    }
}

/// The tools that repository content names, and what else it says of tools.
///
/// A path in conflict is read at every stage. Where a changed file asks for a range, the lock file of the same snapshot is read with
/// it, changed or not; where a lock file was removed, the files it spoke for are read.
///
/// # Errors
/// [`GitError`] when the repository, its index or an object cannot be read: nothing can then be said of its content.
pub fn mentions(repository: &Repository, which: &Which, catalogue: &Catalogue, interest: Interest) -> Result<Found, GitError> {
    let (source, snapshot) = match which {
        Which::Message(text) => return Ok(message(repository, text, catalogue)),
        Which::Staged => ("staged-files", Snapshot::Index),
        Which::Index => ("repository-files", Snapshot::Index),
        Which::Range { head, .. } => ("range-files", Snapshot::Commit(head.clone())),
    };
    let place = repository.work_tree().unwrap_or(repository.git_dir()).to_owned();
    let mut found = Found::default();
    found.coverage.push(Coverage { source: source.into(), place: Some(place), outcome: CoverageOutcome::Looked });

    let (entries, removed) = entries_of(repository, which, interest)?;
    found.coverage.extend(not_read(&entries));
    let entries = pins::with_orphans(repository, &snapshot, entries, &removed)?;
    let mut seen = HashSet::with_capacity(entries.len());
    for entry in &entries {
        if seen.insert((&entry.path, entry.id)) {
            let reading = read_entry(repository, entry, catalogue, &|format| is_wanted(format, interest))?;
            found.take(reading);
        }
    }
    javascript::catalogs::answer(repository, &snapshot, catalogue, &mut found)?;
    pins::pin(repository, &snapshot, catalogue, &mut found)?;
    javascript::forget_spoken_for(repository, &snapshot, &mut found.oddities)?;
    if let Which::Range { base, head } = which {
        read_messages(repository, base, head, catalogue, &mut found)?;
    }
    Ok(found)
}

/// What the message of a commit that is being made says of tools.
fn message(repository: &Repository, text: &str, catalogue: &Catalogue) -> Found {
    let message = trailer::Message { commit: None, author: "", email: "", text };
    let place = Some(repository.git_dir().to_owned());
    Found {
        traces: trailer::Signs::of(catalogue).traces(&message),
        coverage: vec![Coverage { source: "commit-message".into(), place, outcome: CoverageOutcome::Looked }],
        ..Found::default()
    }
}

/// What the messages of the commits of a range say of tools that made them.
fn read_messages(
    repository: &Repository,
    base: &str,
    head: &str,
    catalogue: &Catalogue,
    found: &mut Found,
) -> Result<(), GitError> {
    let commits = repository.commits_between(base, head)?;
    let signs = trailer::Signs::of(catalogue);
    for commit in &commits.commits {
        let (author, email, text) = (commit.author.as_str(), commit.email.as_str(), commit.message.as_str());
        found.traces.extend(signs.traces(&trailer::Message { commit: Some(&commit.id), author, email, text }));
    }
    if commits.is_cut {
        let why = format!("of more than {MAX_COMMITS} commits the messages of the newest are read");
        let place = Some(repository.git_dir().to_owned());
        found.coverage.push(Coverage { source: "commit-messages".into(), place, outcome: CoverageOutcome::Unsupported(why) });
    }
    Ok(())
}

impl Found {
    fn take(&mut self, mut reading: Reading) {
        self.mentions.append(&mut reading.mentions);
        self.directives.append(&mut reading.directives);
        self.traces.append(&mut reading.traces);
        self.oddities.append(&mut reading.oddities);
        self.coverage.append(&mut reading.coverage);
    }
}

/// The formats of a path.
fn formats_of(path: &Path) -> impl Iterator<Item = &'static Format> {
    wanted_formats_of(path, &|_| true)
}

/// The formats of a path for which `wanted` answers yes.
fn wanted_formats_of<'w>(path: &Path, wanted: &'w dyn Fn(&Format) -> bool) -> impl Iterator<Item = &'static Format> {
    let place = Place::of(path);
    FORMATS.into_iter().flatten().filter(move |format| wanted(format) && (format.matches)(&place))
}

fn is_wanted(format: &Format, interest: Interest) -> bool {
    !format.is_for_model_ids || interest.model_ids
}

/// Whether the last part of a path is one of these names. Case is ignored, because half of all file systems ignore it.
fn has_name(path: &Path, names: &[&str]) -> bool {
    path.file_name().is_some_and(|name| names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)))
}

/// The files to look at, and the paths of those that are gone.
fn entries_of(repository: &Repository, which: &Which, interest: Interest) -> Result<(Vec<Entry>, Vec<PathBuf>), GitError> {
    let is_wanted = |format: &Format| is_wanted(format, interest);
    let wanted = |path: &Path| wanted_formats_of(path, &is_wanted).next().is_some() || has_name(path, &[SUBMODULES]);
    let changes = match which {
        Which::Index => return Ok((repository.files(&Snapshot::Index, &wanted)?, Vec::new())),
        Which::Message(_) => return Ok((Vec::new(), Vec::new())),
        Which::Staged => repository.staged(&wanted)?,
        Which::Range { base, head } => repository.changed_between(base, head, &wanted)?,
    };
    let (mut entries, mut removed) = (Vec::new(), Vec::new());
    for change in changes {
        if let Some((id, mode)) = change.after {
            entries.push(Entry { path: change.path, id, mode });
        } else {
            debug_assert_eq!(change.kind, ChangeKind::Deleted, "only what is deleted is nothing afterwards");
            removed.push(change.path);
        }
    }
    Ok((entries, removed))
}

/// What is said where there are submodules.
fn not_read(entries: &[Entry]) -> Option<Coverage> {
    let entry = entries.iter().find(|entry| has_name(&entry.path, &[SUBMODULES]))?;
    let why = "submodules are repositories of their own and are not looked into".to_owned();
    Some(Coverage {
        source: "repository-files".into(),
        place: Some(entry.path.clone()),
        outcome: CoverageOutcome::Unsupported(why),
    })
}

/// Read one file as everything that its path says it is.
fn read_entry(
    repository: &Repository,
    entry: &Entry,
    catalogue: &Catalogue,
    wanted: &dyn Fn(&Format) -> bool,
) -> Result<Reading, GitError> {
    let formats: Vec<&Format> = wanted_formats_of(&entry.path, wanted).collect();
    let odd = |why: String| Reading::odd(Location { path: entry.path.clone(), line: None }, why);
    // What is said of a file that cannot be read is said once.
    let told_by_name = formats.iter().find(|format| format.is_told_by_name);
    match (entry.mode, told_by_name) {
        (Mode::File { .. }, _) => {}
        (Mode::Link, Some(format)) => {
            return Ok(odd(format!("it is a symbolic link, and the {} it leads to is not read", format.name)));
        }
        (Mode::Submodule, Some(format)) => {
            return Ok(odd(format!("it is a submodule where a {} is expected", format.name)));
        }
        (Mode::Link | Mode::Submodule, None) => return Ok(Reading::default()),
    }
    let largest = formats.iter().map(|format| format.largest).max().unwrap_or(0);
    let bytes = match repository.blob(entry.id, largest) {
        Ok(bytes) => bytes,
        Err(GitError::TooLarge { size, limit, .. }) if told_by_name.is_some() => {
            return Ok(odd(format!("it has {size} bytes; at most {limit} are read")));
        }
        Err(GitError::TooLarge { .. }) => return Ok(Reading::default()),
        Err(error) => return Err(error),
    };
    Ok(read_bytes(&Source::new(&entry.path, &bytes, catalogue), &formats))
}

/// Read the bytes of a file as some formats, as far as they are not too large for one.
fn read_bytes(source: &Source<'_>, formats: &[&Format]) -> Reading {
    let size = u64::try_from(source.bytes.len()).unwrap_or(u64::MAX);
    let mut reading = Reading::default();
    for format in formats {
        if size <= format.largest {
            reading.append((format.read)(source));
        } else if format.is_told_by_name {
            let why = format!("it has {size} bytes; at most {} are read", format.largest);
            reading.append(Reading::odd(source.at(None), why));
        }
    }
    if reading.mentions.len() > MAX_MENTIONS {
        reading.mentions.truncate(MAX_MENTIONS);
        let why = format!("it names tools more than {MAX_MENTIONS} times");
        let odd = Oddity::Unparsable { location: source.at(None), why };
        if !reading.oddities.contains(&odd) {
            reading.oddities.push(odd);
        }
    }
    quote::add(source.bytes, &mut reading);
    reading
}

/// Read one file as everything that its path says it is, for fuzz targets and tests alone: no other build has this.
#[cfg(any(fuzzing, test))]
#[must_use]
pub fn read_for_fuzzing(path: &Path, bytes: &[u8], catalogue: &Catalogue) -> Found {
    let formats: Vec<&Format> = formats_of(path).collect();
    let mut found = Found::default();
    found.take(read_bytes(&Source::new(path, bytes, catalogue), &formats));
    found
}
