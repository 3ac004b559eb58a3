//! Tools that repository content names: what would be installed by somebody who checks it out.
//!
//! Content is read from the index or from a commit, never from the work tree, because only the former is committed. One format
//! a file; another format is one more file here and one more line in `FORMATS`.

mod json;
mod lfs;
mod npm;
mod package_json;
mod package_lock;

use crate::catalogue::Catalogue;
use crate::evidence::{Coverage, CoverageOutcome, Mention, Oddity, Request};
use crate::source::Location;
use crate::tool::Package;
use crate::world::git::{BlobId, ChangeKind, Entry, GitError, Mode, Repository, Snapshot};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Every format that is read.
const FORMATS: [Format; 3] = [package_json::FORMAT, package_lock::FORMAT, lfs::FORMAT];

/// Files that name tools in formats this version does not read. They are said, so that nobody takes them for clean.
const NOT_READ: [&str; 10] = [
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "pylock.toml",
    "requirements.txt",
    ".gitmodules",
];

/// Lock files that say which version a range of `package.json` means.
const NPM_LOCKS: [&str; 6] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];

/// The largest file that is read, in bytes; the largest real lock files have a tenth of it.
const MAX_FILE: u64 = 64 << 20;

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
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Tools named.
    pub mentions: Vec<Mention>,
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
    matches: fn(&Path) -> bool,
    /// Read one file. Never fails: what cannot be read is an oddity.
    read: fn(&Source<'_>) -> Reading,
    /// What says which version a range in it means.
    pins: Pins,
    /// The largest file that is read, in bytes.
    largest: u64,
    /// Whether a path of it always means a file of this format: then one that cannot be read is an oddity, and else nothing.
    is_told_by_name: bool,
}

/// What says which version a range in a file means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pins {
    /// Nothing: it pins itself, or nothing does.
    Nothing,
    /// The nearest lock file of npm, pnpm, yarn or bun in its folder or above.
    ByNpmLock,
}

/// One file to read.
struct Source<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    catalogue: &'a Catalogue,
}

impl Source<'_> {
    fn at(&self, line: Option<u32>) -> Location {
        Location { path: self.path.to_owned(), line }
    }
}

/// What one file says.
#[derive(Default)]
struct Reading {
    mentions: Vec<Mention>,
    oddities: Vec<Oddity>,
}

impl Reading {
    fn unparsable(source: &Source<'_>, error: &json::JsonError) -> Self {
        let oddity =
            Oddity::Unparsable { location: source.at(error.line), why: format!("it is no JSON that can be relied on: {error}") };
        Self { mentions: Vec::new(), oddities: vec![oddity] }
    }
}

/// The tools that repository content names.
///
/// A path in conflict is read at every stage. Where a changed `package.json` asks for a range, the lock file of the same
/// snapshot is read with it, changed or not; where a lock file was removed, the `package.json` files it spoke for are read.
///
/// # Errors
/// [`GitError`] when the repository, its index or an object cannot be read: nothing can then be said of its content.
pub fn mentions(repository: &Repository, which: &Which, catalogue: &Catalogue) -> Result<Found, GitError> {
    let (source, snapshot) = match which {
        Which::Staged => ("staged-files", Snapshot::Index),
        Which::Index => ("repository-files", Snapshot::Index),
        Which::Range { head, .. } => ("range-files", Snapshot::Commit(head.clone())),
    };
    let place = repository.work_tree().unwrap_or(repository.git_dir()).to_owned();
    let mut found = Found::default();
    found.coverage.push(Coverage { source, place: Some(place), outcome: CoverageOutcome::Looked });

    let (entries, removed) = entries_of(repository, which)?;
    found.coverage.extend(not_read(&entries));
    let entries = with_orphans(repository, &snapshot, entries, &removed)?;
    let mut seen = HashSet::new();
    for entry in &entries {
        let Some(format) = format_of(&entry.path).filter(|_| seen.insert((entry.path.clone(), entry.id))) else { continue };
        let mut reading = read_entry(repository, entry, format, catalogue)?;
        found.oddities.append(&mut reading.oddities);
        found.mentions.append(&mut reading.mentions);
    }
    pin(repository, &snapshot, catalogue, &mut found)?;
    Ok(found)
}

fn format_of(path: &Path) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.matches)(path))
}

/// Whether the last part of a path is one of these names. Case is ignored, because half of all file systems ignore it.
fn has_name(path: &Path, names: &[&str]) -> bool {
    path.file_name().is_some_and(|name| names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)))
}

/// The files to look at, and the paths of those that are gone.
fn entries_of(repository: &Repository, which: &Which) -> Result<(Vec<Entry>, Vec<PathBuf>), GitError> {
    let wanted = |path: &Path| format_of(path).is_some() || has_name(path, &NOT_READ);
    let changes = match which {
        Which::Index => return Ok((repository.files(&Snapshot::Index, &wanted)?, Vec::new())),
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

/// One line for each format that is not read.
fn not_read(entries: &[Entry]) -> Vec<Coverage> {
    let mut files: BTreeMap<&str, (usize, PathBuf)> = BTreeMap::new();
    for entry in entries {
        if let Some(name) = NOT_READ.iter().find(|name| has_name(&entry.path, &[name])) {
            files.entry(name).and_modify(|(count, _)| *count += 1).or_insert_with(|| (1, entry.path.clone()));
        }
    }
    let row = |(name, (count, first)): (&str, (usize, PathBuf))| {
        let why = match (name, count) {
            (".gitmodules", _) => "submodules are repositories of their own and are not looked into".to_owned(),
            (_, 1) => format!("`{name}` is not read by this version"),
            (_, more) => format!("`{name}` is not read by this version; {more} such files"),
        };
        Coverage { source: "repository-files", place: Some(first), outcome: CoverageOutcome::Unsupported(why) }
    };
    files.into_iter().map(row).collect()
}

/// With a lock file gone, the files whose ranges it pinned ask for something else than before.
fn with_orphans(
    repository: &Repository,
    snapshot: &Snapshot,
    mut entries: Vec<Entry>,
    removed: &[PathBuf],
) -> Result<Vec<Entry>, GitError> {
    let folders: Vec<&Path> = removed.iter().filter(|path| has_name(path, &NPM_LOCKS)).filter_map(|path| path.parent()).collect();
    if !folders.is_empty() {
        let is_orphan = |path: &Path| {
            format_of(path).is_some_and(|format| format.pins == Pins::ByNpmLock)
                && folders.iter().any(|folder| path.starts_with(folder))
        };
        entries.extend(repository.files(snapshot, &is_orphan)?);
    }
    Ok(entries)
}

fn read_entry(repository: &Repository, entry: &Entry, format: &Format, catalogue: &Catalogue) -> Result<Reading, GitError> {
    let odd = |why: String| Reading {
        mentions: Vec::new(),
        oddities: vec![Oddity::Unparsable { location: Location { path: entry.path.clone(), line: None }, why }],
    };
    let odd = |why: String| if format.is_told_by_name { odd(why) } else { Reading::default() };
    match entry.mode {
        Mode::File { .. } => {}
        Mode::Link => return Ok(odd(format!("it is a symbolic link, and the {} it leads to is not read", format.name))),
        Mode::Submodule => return Ok(odd(format!("it is a submodule where a {} is expected", format.name))),
    }
    match repository.blob(entry.id, format.largest) {
        Ok(bytes) => Ok((format.read)(&Source { path: &entry.path, bytes: &bytes, catalogue })),
        Err(GitError::TooLarge { size, limit, .. }) => Ok(odd(format!("it has {size} bytes; at most {limit} are read"))),
        Err(error) => Err(error),
    }
}

/// What a lock file says of packages.
enum Lock {
    /// It was read.
    Mentions(Vec<Mention>),
    /// Its format is not read; whether it names a package can be told from its bytes.
    Bytes(Vec<u8>),
}

/// Mark the ranges that a lock file answers, and read the answer beside them.
fn pin(repository: &Repository, snapshot: &Snapshot, catalogue: &Catalogue, found: &mut Found) -> Result<(), GitError> {
    let is_pinned = |mention: &Mention| {
        matches!(mention.request, Request::Floating { .. })
            && format_of(&mention.location.path).is_some_and(|format| format.pins == Pins::ByNpmLock)
    };
    if !found.mentions.iter().any(is_pinned) {
        return Ok(());
    }
    let mut locks: HashMap<PathBuf, Vec<Entry>> = HashMap::new();
    for entry in repository.files(snapshot, &|path| has_name(path, &NPM_LOCKS))? {
        locks.entry(entry.path.parent().map(Path::to_owned).unwrap_or_default()).or_default().push(entry);
    }
    let mut read: HashMap<(PathBuf, BlobId), Lock> = HashMap::new();
    let mut answers: Vec<Mention> = Vec::new();
    for index in 0..found.mentions.len() {
        let mention = &found.mentions[index];
        if !is_pinned(mention) {
            continue;
        }
        let package = mention.package.clone();
        let Some(nearest) = mention.location.path.ancestors().skip(1).find_map(|folder| locks.get(folder)) else { continue };
        let mut is_locked = false;
        for entry in nearest {
            let key = (entry.path.clone(), entry.id);
            if !read.contains_key(&key) {
                let lock = read_lock(repository, entry, catalogue, &mut found.oddities)?;
                read.insert(key.clone(), lock);
            }
            match &read[&key] {
                Lock::Mentions(mentions) => {
                    let before = answers.len();
                    answers.extend(mentions.iter().filter(|m| m.package == package).cloned());
                    is_locked |= answers.len() > before;
                }
                Lock::Bytes(bytes) => is_locked |= names(bytes, &package),
            }
        }
        if let Request::Floating { locked, .. } = &mut found.mentions[index].request {
            *locked = is_locked;
        }
    }
    for answer in answers {
        if !found.mentions.contains(&answer) {
            found.mentions.push(answer);
        }
    }
    Ok(())
}

fn read_lock(
    repository: &Repository,
    entry: &Entry,
    catalogue: &Catalogue,
    oddities: &mut Vec<Oddity>,
) -> Result<Lock, GitError> {
    if let Some(format) = format_of(&entry.path) {
        let reading = read_entry(repository, entry, format, catalogue)?;
        oddities.extend(reading.oddities.into_iter().filter(|odd| !oddities.contains(odd)).collect::<Vec<_>>());
        return Ok(Lock::Mentions(reading.mentions));
    }
    // What is no file, or too large, answers nothing: the range stays unlocked.
    let bytes = match entry.mode {
        Mode::File { .. } => match repository.blob(entry.id, MAX_FILE) {
            Err(GitError::TooLarge { .. }) => Vec::new(),
            bytes => bytes?,
        },
        Mode::Link | Mode::Submodule => Vec::new(),
    };
    Ok(Lock::Bytes(bytes))
}

/// Whether a lock file that is not read names a package: its exact name, with nothing of a longer name around it.
fn names(bytes: &[u8], package: &Package) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'@');
    memchr::memmem::find_iter(bytes, package.name.as_bytes()).any(|at| {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let after = bytes.get(at + package.name.len()).copied();
        // pnpm 5 writes `/name@version`; a scope's `@` begins a name.
        before.is_none_or(|b| b == b'/' || !is_part(b)) && after.is_none_or(|b| b == b'@' || !is_part(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Ecosystem;

    #[test]
    fn a_name_in_a_lock_is_the_whole_name() {
        let package = Package::new(Ecosystem::Npm, "@openai/codex");
        for text in
            ["'@openai/codex@0.1.0':", "\"@openai/codex\": [", "/@openai/codex@0.1:", "@openai/codex", "\n@openai/codex@^1:"]
        {
            assert!(names(text.as_bytes(), &package), "{text}");
        }
        for text in ["@openai/codex-linux-x64@1", "x@openai/codex@1", "@openai/codexx", "openai/codex", "@openai/codex/lib"] {
            assert!(!names(text.as_bytes(), &package), "{text}");
        }
    }
}
