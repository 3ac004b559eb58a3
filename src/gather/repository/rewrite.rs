//! An exact version in the place of a range, in the bytes of a file.
//!
//! Nothing here knows how a format is written: a place is proposed wherever the text that is asked for stands, and the readers of this
//! room say whether it was the right one. A proposal counts where the file, read again, asks for exactly the new version at that place and
//! says everything else as before. Where two places or none pass, nothing is certain and nothing is written. So bytes, line ends and
//! indentation stay as they are, and what the readers do not understand is never touched.

mod propose;

use super::pins::{LOCKS, locks_of};
use super::{Format, Reading, Source, formats_of, has_name, read_bytes};
use crate::catalogue::Catalogue;
use crate::digest::Digest;
use crate::evidence::{Directive, Mention, Request, Told, Trace};
use crate::tool::Ecosystem;
use crate::version::Version;
use propose::Reach;
use std::cell::Cell;
use std::path::Path;
use thiserror::Error;

/// Formats in which a version is written, by their names.
const WRITTEN: [&str; 14] = [
    "package.json",
    "requirements",
    "requirements to compile",
    "pyproject.toml",
    "workflow",
    "action",
    "GitLab CI",
    "pipeline",
    "script",
    "Makefile",
    "justfile",
    "Dockerfile",
    "devcontainer.json",
    "agent configuration",
];
/// The largest file that is rewritten, in bytes: it is read anew for every proposal.
pub const MAX_FILE: u64 = 1 << 20;
/// Bytes that one run reads anew; what is left over then is left to the next run.
const MAX_READ: u64 = 32 << 20;
/// What reading a file anew costs at least, counted in bytes.
const LEAST_READ: u64 = 4096;
/// What each mention in a file costs besides, counted in bytes.
const MENTION_READ: usize = 64;
/// Lines at the top of a file in which its maker says that it was made.
const HEAD: usize = 12;

/// A mention and the version to write in the place of what it asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// As it was read from these bytes.
    pub mention: &'a Mention,
    /// The version, as its ecosystem writes it.
    pub version: &'a str,
}

/// Why nothing is written at a place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Uncertain {
    /// It is a lock file.
    #[error("it is a lock file, which its package manager writes")]
    Lock,
    /// Another program made the file.
    #[error("another program wrote this file: change what it was made from, and have it made again")]
    Generated,
    /// The digests beside it are those of the version that stands there.
    #[error("the digests beside it are those of one version: have the file made again")]
    Pinned,
    /// Of this ecosystem nothing is written.
    #[error("only versions of npm and Python packages are written")]
    Ecosystem,
    /// The run has read as much as it may.
    #[error("there is too much to write at once: run it again when this is written and staged")]
    TooMuch,
    /// It lies in a folder of packages.
    #[error("it is part of an installed package")]
    Vendored,
    /// Nothing in the file is the version.
    #[error("something else brings it: {0}")]
    Brought(String),
    /// This version of the program writes no such files.
    #[error("a {0} is not changed by `--fix`")]
    Format(&'static str),
    /// What is asked for is no range and no tag, but an address or a variable.
    #[error("what stands there is no version, range or tag")]
    NoVersion,
    /// No place in the file is the one, as far as can be told.
    #[error("the place of its version cannot be told for certain")]
    NoPlace,
    /// More than one place may be the one.
    #[error("more than one place may be that of its version")]
    Ambiguous,
    /// A definition that is approved as it is would change.
    #[error("the definition of the server is approved as it is: approve the one with the version")]
    Definition,
}

/// How much of its work a run may still do.
#[derive(Debug)]
pub struct Budget {
    bytes: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: Cell::new(MAX_READ) }
    }
}

impl Budget {
    /// Take off what reading so many bytes with so many mentions costs. Whether that much was left.
    fn spend(&self, length: usize, mentions: usize) -> bool {
        let cost = length.saturating_add(mentions.saturating_mul(MENTION_READ));
        let cost = u64::try_from(cost).unwrap_or(u64::MAX).max(LEAST_READ);
        let left = self.bytes.get().checked_sub(cost);
        self.bytes.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Write versions into the bytes of one file, those that can be written with certainty. `is_approved` says whether a definition is
/// approved by its digest: such a one is left alone.
///
/// Returns the new bytes, and for each wanted one whether it was written.
#[must_use]
pub fn pin(
    (path, bytes): (&Path, &[u8]),
    wanted: &[Wanted<'_>],
    (catalogue, budget): (&Catalogue, &Budget),
    is_approved: &dyn Fn(&Digest) -> bool,
) -> (Vec<u8>, Vec<Result<(), Uncertain>>) {
    let formats: Vec<&Format> = formats_of(path).collect();
    let mut file = File { path, bytes: bytes.to_vec(), catalogue, budget, formats, is_approved };
    let first = file.read(bytes);
    let mut taken = vec![false; first.mentions.len()];
    let mut results = Vec::with_capacity(wanted.len());
    for one in wanted {
        if budget.bytes.get() == 0 {
            results.push(Err(Uncertain::TooMuch));
            continue;
        }
        // Places do not move: every step leaves the other mentions as they are.
        let place = (0..taken.len()).find(|index| !taken[*index] && is_same(&first.mentions[*index], one.mention));
        results.push(match place {
            Some(index) => {
                taken[index] = true;
                file.pin(index, one.version)
            }
            None => Err(reason(path, one.mention).unwrap_or(Uncertain::NoPlace)),
        });
    }
    (file.bytes, results)
}

/// The bytes of a file after a proposal that says what it should.
struct Passing {
    bytes: Vec<u8>,
    /// Whether a definition that is approved as it was has another digest now.
    changes_approved: bool,
}

/// The bytes of a file on their way.
struct File<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    catalogue: &'a Catalogue,
    budget: &'a Budget,
    formats: Vec<&'static Format>,
    is_approved: &'a dyn Fn(&Digest) -> bool,
}

impl File<'_> {
    fn read(&self, bytes: &[u8]) -> Reading {
        read_bytes(&Source::new(self.path, bytes, self.catalogue), &self.formats)
    }

    /// Write a version in the place of what one mention asks for.
    fn pin(&mut self, index: usize, version: &str) -> Result<(), Uncertain> {
        let before = self.read(&self.bytes);
        if !self.budget.spend(self.bytes.len(), before.mentions.len()) {
            return Err(Uncertain::TooMuch);
        }
        let Some(mention) = before.mentions.get(index) else { return Err(Uncertain::NoPlace) };
        if let Some(reason) = reason(self.path, mention) {
            return Err(reason);
        }
        self.is_written(mention)?;
        for reach in [Reach::Line, Reach::Below] {
            match self.passing(&before, index, version, reach)?.as_mut_slice() {
                [] => {}
                [Passing { changes_approved: true, .. }] => return Err(Uncertain::Definition),
                [only] => {
                    self.bytes = std::mem::take(&mut only.bytes);
                    return Ok(());
                }
                _ => return Err(Uncertain::Ambiguous),
            }
        }
        Err(Uncertain::NoPlace)
    }

    /// The proposals after which the file says what it should and nothing else that is new.
    fn passing(&self, before: &Reading, index: usize, version: &str, reach: Reach) -> Result<Vec<Passing>, Uncertain> {
        let mut passing = Vec::new();
        for place in propose::places(&self.bytes, &before.mentions[index], version, reach) {
            let (head, tail) = (&self.bytes[..place.range.start], &self.bytes[place.range.end..]);
            let bytes = [head, place.form.as_bytes(), tail].concat();
            if !self.budget.spend(bytes.len(), before.mentions.len()) {
                return Err(Uncertain::TooMuch);
            }
            let after = self.read(&bytes);
            let swap = Swap { removed: &place.removed, inserted: &place.inserted() };
            if is_only_change((before, &after), index, version, swap) {
                let mut definitions =
                    before.directives.iter().zip(&after.directives).filter(|(old, new)| old.digest != new.digest);
                let changes_approved = definitions.any(|(old, _)| (self.is_approved)(&old.digest));
                passing.push(Passing { bytes, changes_approved });
            }
        }
        Ok(passing)
    }

    /// Whether every format that reads the mention from this file is one that is written.
    fn is_written(&self, mention: &Mention) -> Result<(), Uncertain> {
        let source = Source::new(self.path, &self.bytes, self.catalogue);
        let mut reads = self.formats.iter().filter(|format| (format.read)(&source).mentions.iter().any(|m| is_same(m, mention)));
        match reads.find(|format| !WRITTEN.contains(&format.name)) {
            Some(other) => Err(Uncertain::Format(other.name)),
            None if is_generated(&self.bytes) => Err(Uncertain::Generated),
            None => Ok(()),
        }
    }
}

/// What tells without reading the file that nothing is written there.
fn reason(path: &Path, mention: &Mention) -> Option<Uncertain> {
    if is_lock(path) {
        return Some(Uncertain::Lock);
    }
    if path.components().any(|part| ["node_modules", "site-packages"].iter().any(|name| part.as_os_str() == *name)) {
        return Some(Uncertain::Vendored);
    }
    if let Some(outermost) = mention.brought_by.first() {
        return Some(Uncertain::Brought(outermost.clone()));
    }
    if !mention.integrity.is_empty() {
        return Some(Uncertain::Pinned);
    }
    if !matches!(mention.package.ecosystem, Ecosystem::Npm | Ecosystem::Pypi) {
        return Some(Uncertain::Ecosystem);
    }
    (!propose::is_version(&mention.request)).then_some(Uncertain::NoVersion)
}

/// Whether a file is written by a package manager.
#[must_use]
pub fn is_lock(path: &Path) -> bool {
    let is_named = LOCKS.iter().flat_map(|names| names.iter()).any(|name| *name != "requirements.txt" && has_name(path, &[name]));
    let ends_in = |end: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(end));
    let is_pylock =
        ends_in("toml") && path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem.starts_with("pylock."));
    is_named || ends_in("lock") || ends_in("sum") || is_pylock
}

/// The names of the lock files that answer the ranges of a file.
#[must_use]
pub fn lock_names(path: &Path) -> &'static [&'static str] {
    locks_of(path).unwrap_or_default()
}

/// The command that renews a lock file and installs nothing, where its manager has one.
#[must_use]
pub fn renewal(lock: &Path) -> Option<&'static str> {
    Some(match lock.file_name()?.to_str()? {
        "package-lock.json" | "npm-shrinkwrap.json" => "npm install --package-lock-only",
        "pnpm-lock.yaml" => "pnpm install --lockfile-only",
        "yarn.lock" => "yarn install",
        "bun.lock" | "bun.lockb" => "bun install --lockfile-only",
        "uv.lock" => "uv lock",
        "poetry.lock" => "poetry lock",
        "pdm.lock" => "pdm lock",
        "Pipfile.lock" => "pipenv lock",
        "Cargo.lock" => "cargo update",
        "Gemfile.lock" | "gems.locked" => "bundle lock",
        _ => return None,
    })
}

/// Whether the first lines say that a program wrote the file, as pip-compile and uv do.
fn is_generated(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').take(HEAD).map(<[u8]>::to_ascii_lowercase);
    lines.any(|line| {
        let is_comment = line.trim_ascii_start().starts_with(b"#") || line.trim_ascii_start().starts_with(b"//");
        is_comment
            && ["autogenerated by", "automatically generated by"]
                .iter()
                .any(|said| memchr::memmem::find(&line, said.as_bytes()).is_some())
    })
}

/// What was taken out of a text and what was put there.
#[derive(Clone, Copy)]
struct Swap<'a> {
    removed: &'a str,
    inserted: &'a str,
}

impl Swap<'_> {
    /// Whether a text became another one by this swap at one place.
    fn makes(self, before: &str, after: &str) -> bool {
        before.match_indices(self.removed).any(|(at, _)| {
            let (head, tail) = (&before[..at], &before[at + self.removed.len()..]);
            after.len() == head.len() + self.inserted.len() + tail.len()
                && after.starts_with(head)
                && after.ends_with(tail)
                && after[head.len()..].starts_with(self.inserted)
        })
    }
}

/// Whether the second reading asks for exactly this version where the first asked for something else, and is the same otherwise.
/// The lines that are quoted do not count, and a command line has the new version too.
fn is_only_change((before, after): (&Reading, &Reading), index: usize, version: &str, swap: Swap<'_>) -> bool {
    let lengths = |r: &Reading| [r.mentions.len(), r.directives.len(), r.traces.len(), r.oddities.len(), r.coverage.len()];
    let is_pinned = |mention: &Mention| match &mention.request {
        Request::Exact(found) => *found == Version::parse(mention.package.ecosystem.scheme(), version),
        Request::Floating { .. } => false,
    };
    let mut mentions = before.mentions.iter().zip(&after.mentions).enumerate();
    lengths(before) == lengths(after)
        && before.oddities == after.oddities
        && before.coverage == after.coverage
        && mentions
            .all(|(at, (old, new))| if at == index { is_same_place(old, new) && is_pinned(new) } else { is_same(old, new) })
        && before.directives.iter().zip(&after.directives).all(|(old, new)| is_same_directive(old, new, swap))
        && before.traces.iter().zip(&after.traces).all(|(old, new)| is_same_trace(old, new))
}

/// Whether two mentions say the same. A lock file is no part of what the file itself says.
fn is_same(a: &Mention, b: &Mention) -> bool {
    let is_same_request = match (&a.request, &b.request) {
        (Request::Exact(a), Request::Exact(b)) => a.as_str() == b.as_str(),
        (Request::Floating { text: a, .. }, Request::Floating { text: b, .. }) => a == b,
        _ => false,
    };
    is_same_request && is_same_place(a, b)
}

fn is_same_place(a: &Mention, b: &Mention) -> bool {
    (&a.tool, &a.package, &a.location, &a.role) == (&b.tool, &b.package, &b.location, &b.role)
        && (&a.brought_by, &a.integrity) == (&b.brought_by, &b.integrity)
}

fn is_same_trace(a: &Trace, b: &Trace) -> bool {
    (&a.tool, &a.model, &a.vendor, &a.origin) == (&b.tool, &b.model, &b.vendor, &b.origin)
}

fn is_same_directive(a: &Directive, b: &Directive, swap: Swap<'_>) -> bool {
    if (&a.client, &a.location) != (&b.client, &b.location) {
        return false;
    }
    match (&a.what, &b.what) {
        (old, new) if old == new && a.digest == b.digest => true,
        (Told::Server { name: a, command: old }, Told::Server { name: b, command: new })
        | (Told::Command { event: a, command: old }, Told::Command { event: b, command: new }) => a == b && swap.makes(old, new),
        (Told::Endpoint { name: a, address: old }, Told::Endpoint { name: b, address: new }) => a == b && old == new,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
