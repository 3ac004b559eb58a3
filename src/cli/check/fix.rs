//! `vetted check --fix`: exact versions written where the policy leaves no choice.
//!
//! What is planned is planned for the content that was judged, that of the index; nothing of the work tree is read for it. What is
//! written goes to the work tree, and only where that holds what was judged. Nothing is staged.

use super::super::change::shell_word;
use super::super::observe::Look;
use super::super::{Context, in_force};
use crate::digest::Digest;
use crate::error::Error;
use crate::evidence::{Evidence, Mention, Request};
use crate::gather::repository::rewrite::{self, Budget, Wanted};
use crate::policy::{Choice, Fixable, Pinning, Policy, Report, Unfit, unfit};
use crate::report::patch;
use crate::source::Location;
use crate::text::{printable, printable_path};
use crate::tool::{Package, ToolId};
use crate::world::files::{EntryKind, Files};
use crate::world::git::{Entry, GitError, Mode, Repository, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// So many different questions are answered in one run.
const MAX_ANSWERS: usize = 256;

/// What can be fixed, and what cannot.
#[derive(Debug, Default)]
pub(super) struct Plan {
    changes: Vec<Change>,
    left: Vec<Left>,
    /// Paths of the lock files in the index.
    locks: Vec<PathBuf>,
}

/// One file with exact versions in it.
#[derive(Debug)]
struct Change {
    /// Relative to the root of the repository.
    path: PathBuf,
    before: Vec<u8>,
    after: Vec<u8>,
    /// What is pinned, and to which version.
    pins: Vec<(Mention, String)>,
}

/// A place that stays as it is.
#[derive(Debug)]
struct Left {
    location: Location,
    subject: String,
    why: String,
}

/// A file of the work tree that holds what was judged.
struct Ready<'p> {
    change: &'p Change,
    /// Without links.
    path: PathBuf,
    /// What it holds and what it will hold.
    before: Vec<u8>,
    after: Vec<u8>,
    mode: u32,
}

/// What one answer is asked for: mentions that ask for the same are answered once.
type Key<'m> = (&'m ToolId, &'m Package, String, Option<&'m str>);

impl Plan {
    /// Plan what is certain for what was judged in the index.
    ///
    /// # Errors
    /// [`Error`] when the repository cannot be read.
    pub(super) fn make(
        look: &Look<'_>,
        policy: &Policy,
        repository: &Repository,
        (evidence, report): (&Evidence, &Report),
    ) -> Result<Self, Error> {
        let unfit = unfit(report, evidence);
        let mut plan = Self::default();
        if unfit.is_empty() {
            return Ok(plan);
        }
        let chosen = plan.choose(look, policy, &unfit);
        let (locks, chosen): (BTreeMap<_, _>, BTreeMap<_, _>) = chosen.into_iter().partition(|(path, _)| rewrite::is_lock(path));
        for (path, (mention, _)) in locks.into_iter().flat_map(|(path, pins)| pins.into_iter().map(move |pin| (path, pin))) {
            plan.left.push(Left::of(mention, why_not(path, &rewrite::Uncertain::Lock)));
        }
        if !chosen.is_empty() {
            plan.write_versions(look, policy, repository, chosen).map_err(|error| in_force::unread(&error))?;
        }
        plan.left.sort_by(|a, b| (&a.location.path, a.location.line).cmp(&(&b.location.path, b.location.line)));
        plan.left.dedup_by(|a, b| (&a.location, &a.subject, &a.why) == (&b.location, &b.subject, &b.why));
        Ok(plan)
    }

    /// The version for each mention where the policy leaves no choice, by file.
    fn choose<'m>(
        &mut self,
        look: &Look<'_>,
        policy: &Policy,
        unfit: &[Unfit<'m>],
    ) -> BTreeMap<&'m Path, Vec<(&'m Mention, String)>> {
        let mut asked: BTreeMap<Key<'m>, Unfit<'m>> = BTreeMap::new();
        for one in unfit {
            if asked.len() < MAX_ANSWERS {
                asked.entry(key(one)).or_insert(*one);
            }
        }
        let (catalogue, platform, clock) = (look.catalogue, look.platform, look.context.world.now);
        let pinning = Pinning { policy, catalogue, platform, clock };
        // What an approval has to show is verified before it counts.
        let possible = asked.values().flat_map(|one| pinning.possible(one.mention)).collect();
        let attested = look.attested(&Evidence { mentions: possible, ..Evidence::default() });
        let attested = policy.clone().with_attested(attested);
        let pinning = Pinning { policy: &attested, ..pinning };
        let answers: BTreeMap<Key<'m>, Choice> = asked.into_iter().map(|(key, one)| (key, pinning.choice(one))).collect();
        let mut chosen: BTreeMap<&Path, Vec<(&Mention, String)>> = BTreeMap::new();
        for one in unfit {
            let why = match answers.get(&key(one)) {
                Some(Choice::One(version)) => {
                    chosen.entry(&one.mention.location.path).or_default().push((one.mention, version.clone()));
                    continue;
                }
                Some(Choice::Several(versions)) => format!("several versions are approved: {}", versions.join(", ")),
                Some(Choice::Nothing) => "no version of it is approved here".to_owned(),
                None => rewrite::Uncertain::TooMuch.to_string(),
            };
            self.left.push(Left::of(one.mention, why));
        }
        chosen
    }

    /// Plan the bytes of each file.
    fn write_versions(
        &mut self,
        look: &Look<'_>,
        policy: &Policy,
        repository: &Repository,
        chosen: BTreeMap<&Path, Vec<(&Mention, String)>>,
    ) -> Result<(), GitError> {
        let approved: BTreeSet<[u8; 32]> = policy.manifest().directives.iter().filter_map(|directive| directive.sha256).collect();
        let is_approved = |digest: &Digest| <[u8; 32]>::try_from(digest.as_bytes()).is_ok_and(|bytes| approved.contains(&bytes));
        let budget = Budget::default();
        self.locks = paths_of_locks(repository)?;
        let mut entries = files(repository, &chosen.keys().copied().collect())?;
        for (path, pins) in chosen {
            let bytes = match content(repository, &entries.remove(path).unwrap_or_default())? {
                Ok(bytes) => bytes,
                Err(why) => {
                    self.left.extend(pins.iter().map(|(mention, _)| Left::of(mention, why.to_owned())));
                    continue;
                }
            };
            let wanted: Vec<Wanted<'_>> = pins.iter().map(|(mention, version)| Wanted { mention, version }).collect();
            let (after, results) = rewrite::pin((path, &bytes), &wanted, (look.catalogue, &budget), &is_approved);
            let mut written = Vec::new();
            for ((mention, version), result) in pins.into_iter().zip(results) {
                match result {
                    Ok(()) => written.push((mention.clone(), version)),
                    Err(why) => self.left.push(Left::of(mention, why_not(path, &why))),
                }
            }
            if !written.is_empty() {
                self.changes.push(Change { path: path.to_owned(), before: bytes, after, pins: written });
            }
        }
        Ok(())
    }

    /// The places where something is certain.
    pub(super) fn fixable(&self) -> Vec<Fixable> {
        let pins = self.changes.iter().flat_map(|change| &change.pins);
        pins.map(|(mention, version)| {
            let (tool, location, version) = (mention.tool.clone(), mention.location.clone(), version.clone());
            Fixable { tool, location, version }
        })
        .collect()
    }
}

impl Left {
    fn of(mention: &Mention, why: String) -> Self {
        Self { location: mention.location.clone(), subject: subject(mention), why }
    }
}

fn key<'m>(one: &Unfit<'m>) -> Key<'m> {
    let sign = if matches!(one.mention.request, Request::Exact(_)) { "=" } else { "" };
    (&one.mention.tool, &one.mention.package, format!("{sign}{}", asked_for(one.mention)), one.revocation)
}

fn asked_for(mention: &Mention) -> &str {
    match &mention.request {
        Request::Exact(version) => version.as_str(),
        Request::Floating { text, .. } => text,
    }
}

fn subject(mention: &Mention) -> String {
    format!("{} {}", mention.package.name, asked_for(mention)).trim_end().to_owned()
}

fn why_not(path: &Path, why: &rewrite::Uncertain) -> String {
    match rewrite::renewal(path).filter(|_| *why == rewrite::Uncertain::Lock) {
        Some(command) => format!("{why}: `{command}` renews it"),
        None => why.to_string(),
    }
}

fn paths_of_locks(repository: &Repository) -> Result<Vec<PathBuf>, GitError> {
    let locks = repository.files(&Snapshot::Index, &|path| rewrite::is_lock(path) || path.ends_with("requirements.txt"))?;
    Ok(locks.into_iter().map(|entry| entry.path).collect())
}

/// What the index has at some paths.
fn files(repository: &Repository, paths: &BTreeSet<&Path>) -> Result<BTreeMap<PathBuf, Vec<Entry>>, GitError> {
    let mut files: BTreeMap<PathBuf, Vec<Entry>> = BTreeMap::new();
    for entry in repository.files(&Snapshot::Index, &|path| paths.contains(path))? {
        files.entry(entry.path.clone()).or_default().push(entry);
    }
    Ok(files)
}

/// The bytes of the one file at a path, or why nothing is written there.
fn content(repository: &Repository, entries: &[Entry]) -> Result<Result<Vec<u8>, &'static str>, GitError> {
    match entries {
        [Entry { id, mode: Mode::File { .. }, .. }] => match repository.blob(*id, rewrite::MAX_FILE) {
            Err(GitError::TooLarge { .. }) => Ok(Err("the file is too large")),
            bytes => bytes.map(Ok),
        },
        [] | [_] => Ok(Err("it is no file of the index")),
        _ => Ok(Err("the file is in conflict: resolve it first")),
    }
}

/// Show what is certain and, where somebody agrees, write it. Returns whether everything that was to be written was.
///
/// # Errors
/// [`Error`] when it cannot be shown.
pub(super) fn offer(
    plan: &Plan,
    context: &Context,
    look: &Look<'_>,
    (repository, agreed): (&Repository, bool),
) -> Result<bool, Error> {
    let Some(root) = repository.work_tree() else { return Ok(true) };
    let files = context.world.files;
    let mut left: Vec<(String, String, String)> = Vec::new();
    let mut ready: Vec<Ready<'_>> = Vec::new();
    for change in &plan.changes {
        match prepare(files, look, root, change) {
            Ok(one) => ready.push(one),
            Err(why) => {
                left.extend(change.pins.iter().map(|(mention, _)| (place(&mention.location), subject(mention), why.clone())));
            }
        }
    }
    left.extend(plan.left.iter().map(|one| (place(&one.location), one.subject.clone(), one.why.clone())));
    let mut out = context.printer.stderr();
    super::super::written(show(&ready, &left, &mut out).and_then(|()| out.flush()))?;
    drop(out);
    if ready.is_empty() {
        return Ok(true);
    }
    if !agreed && !context.printer.can_ask() {
        context.printer.warn("nothing is changed: `--fix --yes` writes it without asking");
        return Ok(true);
    }
    let question = format!("write {}?", crate::report::words::count(u64::try_from(ready.len()).unwrap_or(u64::MAX), "file"));
    if !agreed && !context.printer.confirm(&question) {
        context.printer.say("nothing is changed");
        return Ok(true);
    }
    Ok(write(context, plan, (root, &ready)))
}

fn place(location: &Location) -> String {
    let path = printable_path(&location.path);
    location.line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"))
}

fn show(ready: &[Ready<'_>], left: &[(String, String, String)], out: &mut dyn Write) -> std::io::Result<()> {
    for one in ready {
        patch::render(&one.change.path, &one.before, &one.after, out)?;
    }
    if ready.is_empty() {
        writeln!(out, "vetted: no fix is certain")?;
    }
    if !left.is_empty() {
        writeln!(out, "not fixed:")?;
    }
    for (place, subject, why) in left {
        writeln!(out, "  {place}   {}\n    {}", printable(subject), printable(why))?;
    }
    Ok(())
}

/// The file of the work tree for a change, where it holds what was judged and may be written.
fn prepare<'p>(files: Files, look: &Look<'_>, root: &Path, change: &'p Change) -> Result<Ready<'p>, String> {
    let path = without_links(files, root, &change.path)?;
    let stat = files.lstat(&path).map_err(|error| error.to_string())?;
    if stat.kind != EntryKind::File {
        return Err("it is no regular file in the work tree".to_owned());
    }
    if cfg!(unix) && stat.mode & 0o222 == 0 {
        return Err("the file is read-only".to_owned());
    }
    let before = files.read(&path, rewrite::MAX_FILE * 2).map_err(|error| error.to_string())?;
    let after = if before == change.before {
        change.after.clone()
    } else if is_with_carriage_returns(&before, &change.before) {
        // Git took the carriage returns out (core.autocrlf): the same file in its form for this machine.
        let wanted: Vec<Wanted<'_>> = change.pins.iter().map(|(mention, version)| Wanted { mention, version }).collect();
        let (after, results) = rewrite::pin((&change.path, &before), &wanted, (look.catalogue, &Budget::default()), &|_| false);
        if results.iter().any(Result::is_err) || !is_with_carriage_returns(&after, &change.after) {
            return Err("the file in the work tree is not what was judged".to_owned());
        }
        after
    } else {
        let path = shell_word(&change.path);
        return Err(format!(
            "the file in the work tree is not what was judged, which is in the index: `git add {path}` or `git stash` first"
        ));
    };
    Ok(Ready { change, path, before, after, mode: stat.mode & 0o777 })
}

/// Whether a text is another one with a carriage return at the end of every line.
fn is_with_carriage_returns(with: &[u8], without: &[u8]) -> bool {
    let mut lines = with.split(|byte| *byte == b'\n').peekable();
    let mut plain = Vec::with_capacity(with.len());
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        match line.strip_suffix(b"\r") {
            Some(line) if !is_last => plain.extend_from_slice(line),
            None if is_last => plain.extend_from_slice(line),
            _ => return false,
        }
        if !is_last {
            plain.push(b'\n');
        }
    }
    with.contains(&b'\r') && !without.contains(&b'\r') && plain == without
}

/// Where a path of the repository lies, with no link on the way: a link may lead out of the repository.
fn without_links(files: Files, root: &Path, relative: &Path) -> Result<PathBuf, String> {
    let mut path = files.canonical(root).map_err(|error| error.to_string())?;
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        let std::path::Component::Normal(part) = part else { return Err("its path leads out of the repository".to_owned()) };
        path.push(part);
        let kind = match files.lstat(&path) {
            Ok(stat) => stat.kind,
            Err(error) if error.is_not_found() => return Err("it is not in the work tree".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        if kind == EntryKind::Link {
            return Err("a symbolic link stands in its path in the work tree".to_owned());
        }
        if parts.peek().is_some() && kind != EntryKind::Folder {
            return Err("it is not in the work tree".to_owned());
        }
    }
    Ok(path)
}

/// Write the files, and say what is to be done next. Returns whether all of them were written.
fn write(context: &Context, plan: &Plan, (root, ready): (&Path, &[Ready<'_>])) -> bool {
    let (files, printer) = (context.world.files, context.printer);
    let mut is_whole = true;
    let mut next: Vec<String> = Vec::new();
    for one in ready {
        // Somebody may have written to it while the question was open.
        let is_there = without_links(files, root, &one.change.path).is_ok_and(|path| path == one.path);
        let is_as_shown = is_there && files.read(&one.path, rewrite::MAX_FILE * 2).is_ok_and(|bytes| bytes == one.before);
        let result = if is_as_shown {
            files.write_atomic(&one.path, &one.after, one.mode).map_err(|error| error.to_string())
        } else {
            Err("it has changed since it was shown".to_owned())
        };
        let shown = printable_path(&one.change.path);
        match result {
            Ok(()) => {
                let pins = one.change.pins.iter().map(|(mention, version)| format!("{} {version}", mention.package.name));
                printer.say(&format!("wrote {shown}: {}", pins.collect::<Vec<_>>().join(", ")));
                next.extend(plan.renewals(&one.change.path));
                next.push(format!("`git add {}`", shell_word(&one.change.path)));
            }
            Err(why) => {
                is_whole = false;
                printer.warn(&format!("cannot write `{shown}`: {why}"));
            }
        }
    }
    if !next.is_empty() {
        next.push("`vetted check` judges what is staged then; this answer is about what was there before".to_owned());
        let mut seen = BTreeSet::new();
        next.retain(|line| seen.insert(line.clone()));
        printer.say("next:");
        for line in next {
            printer.say(&format!("  {line}"));
        }
    }
    is_whole
}

impl Plan {
    /// What renews the nearest lock files of a file.
    fn renewals(&self, path: &Path) -> Vec<String> {
        let names = rewrite::lock_names(path);
        let of_folder = |folder: &Path| -> Vec<&PathBuf> {
            let is_named =
                |lock: &Path| lock.file_name().is_some_and(|name| names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)));
            self.locks.iter().filter(|lock| lock.parent() == Some(folder) && is_named(lock)).collect()
        };
        let nearest = path.ancestors().skip(1).map(of_folder).find(|locks| !locks.is_empty()).unwrap_or_default();
        let renew = |lock: &PathBuf| {
            let shown = shell_word(lock);
            match rewrite::renewal(lock) {
                Some(command) => format!("`{command}` in the folder of {shown} renews it; then `git add {shown}`"),
                None => format!("renew {shown} with what made it"),
            }
        };
        nearest.into_iter().map(renew).collect()
    }
}
