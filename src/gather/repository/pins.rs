//! Which version a range means: the answer of the nearest lock file, read from the same snapshot.

use super::{Found, Pins, formats_of, has_name, javascript, read_entry};
use crate::catalogue::Catalogue;
use crate::evidence::{Mention, Oddity, Request, Role};
use crate::tool::Package;
use crate::world::git::{BlobId, Entry, GitError, Mode, Repository, Snapshot};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Lock files of npm, pnpm, yarn and bun.
pub(super) const NPM_LOCKS: &[&str] =
    &["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];
/// Lock files of Python projects; pip installs from a compiled file of requirements.
pub(super) const PYTHON_LOCKS: &[&str] = &["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "requirements.txt"];
/// The lock file of Pipenv.
pub(super) const PIPENV_LOCKS: &[&str] = &["Pipfile.lock"];
/// The lock file of cargo.
pub(super) const CARGO_LOCKS: &[&str] = &["Cargo.lock"];
/// The lock file of Bundler.
pub(super) const GEM_LOCKS: &[&str] = &["Gemfile.lock", "gems.locked"];

/// Every lock file.
pub(super) const LOCKS: [&[&str]; 5] = [NPM_LOCKS, PYTHON_LOCKS, PIPENV_LOCKS, CARGO_LOCKS, GEM_LOCKS];

/// The largest lock file of a format that is not read.
const MAX_FILE: u64 = super::MAX_FILE;

/// With a lock file gone, the files whose ranges it pinned ask for something else than before.
pub(super) fn with_orphans(
    repository: &Repository,
    snapshot: &Snapshot,
    mut entries: Vec<Entry>,
    removed: &[PathBuf],
) -> Result<Vec<Entry>, GitError> {
    if !removed.is_empty() {
        let is_orphan = |path: &Path| {
            locks_of(path).is_some_and(|locks| {
                let gone = removed.iter().filter(|gone| has_name(gone, locks));
                gone.filter_map(|gone| gone.parent()).any(|folder| path.starts_with(folder))
            })
        };
        entries.extend(repository.files(snapshot, &is_orphan)?);
    }
    Ok(entries)
}

/// What a lock file says of packages.
enum Lock {
    /// It was read.
    Mentions(Vec<Mention>),
    /// Its format is not read, or cannot be; whether it names a package can be told from its bytes.
    Bytes(Vec<u8>),
}

/// Mark the ranges that a lock file answers, and read the answer beside them.
pub(super) fn pin(
    repository: &Repository,
    snapshot: &Snapshot,
    catalogue: &Catalogue,
    found: &mut Found,
) -> Result<(), GitError> {
    let is_pinned = |mention: &Mention| {
        matches!(mention.request, Request::Floating { .. })
            && mention.role == Role::Dependency
            && locks_of(&mention.location.path).is_some()
    };
    if !found.mentions.iter().any(is_pinned) {
        return Ok(());
    }
    let is_lock = |path: &Path| LOCKS.iter().any(|names| has_name(path, names));
    let mut locks: HashMap<PathBuf, Vec<Entry>> = HashMap::new();
    for entry in repository.files(snapshot, &is_lock)? {
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
        let Some(names) = locks_of(&mention.location.path) else { continue };
        let nearest = mention.location.path.ancestors().skip(1).find_map(|folder| {
            let here: Vec<&Entry> = locks.get(folder)?.iter().filter(|entry| has_name(&entry.path, names)).collect();
            (!here.is_empty()).then_some(here)
        });
        let mut is_locked = false;
        for entry in nearest.into_iter().flatten() {
            let key = (entry.path.clone(), entry.id);
            if !read.contains_key(&key) {
                let lock = read_lock(repository, entry, catalogue, &mut found.oddities)?;
                read.insert(key.clone(), lock);
            }
            match &read[&key] {
                Lock::Mentions(mentions) => {
                    let before = answers.len();
                    let answers_it = |m: &&Mention| m.package == package && matches!(m.request, Request::Exact(_));
                    answers.extend(mentions.iter().filter(answers_it).cloned());
                    is_locked |= answers.len() > before;
                }
                Lock::Bytes(bytes) => is_locked |= holds_name(bytes, &package),
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
    if formats_of(&entry.path).next().is_some() {
        let reading = read_entry(repository, entry, catalogue, &|format| !format.is_for_model_ids)?;
        oddities.extend(reading.oddities.into_iter().filter(|odd| !oddities.contains(odd)).collect::<Vec<_>>());
        // One that cannot be looked into still tells whether it holds a name.
        if !javascript::is_binary_lock(&entry.path) {
            return Ok(Lock::Mentions(reading.mentions));
        }
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
fn holds_name(bytes: &[u8], package: &Package) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'@');
    memchr::memmem::find_iter(bytes, package.name.as_bytes()).any(|at| {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let after = bytes.get(at + package.name.len()).copied();
        // pnpm 5 writes `/name@version`; a scope's `@` begins a name.
        before.is_none_or(|b| b == b'/' || !is_part(b)) && after.is_none_or(|b| b == b'@' || !is_part(b))
    })
}

/// The lock files that say which version a range in this file means.
pub(super) fn locks_of(path: &Path) -> Option<&'static [&'static str]> {
    formats_of(path).find_map(|format| match format.pins {
        Pins::By(names) => Some(names),
        Pins::Nothing => None,
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
            assert!(holds_name(text.as_bytes(), &package), "{text}");
        }
        for text in ["@openai/codex-linux-x64@1", "x@openai/codex@1", "@openai/codexx", "openai/codex", "@openai/codex/lib"] {
            assert!(!holds_name(text.as_bytes(), &package), "{text}");
        }
    }
}
