//! Answers that are kept for as long as everything they were made from is as it was.
//!
//! While an answer is worked out, the [journal](super::journal) writes down which paths and variables were asked for. Each path is
//! then taken apart into the folders, links and files on the way, and what the kernel says of each is kept with the answer: of a
//! file, a link and a folder whose names were listed device, inode, size, mtime and ctime; of a folder that was only passed through
//! device and inode; of the rest that nothing is there. The next run asks the kernel the same, in a fraction of the time, and takes
//! the answer if nothing differs, the bytes of this program included. A file that is overwritten in place has another ctime, a name
//! that comes or goes gives its folder one, and no program can set it back (threat T-13).
//!
//! The rules are those of the cache of digests ([`super::cache`]): nothing is kept that changed so shortly before the work began that
//! a further change might not show, or that lies on a file system whose stamps are not the kernel's own; the file belongs to this user
//! alone, and in CI nothing is read and nothing kept.

use super::World;
use super::cache::keeps_change_times_at;
use super::files::{EntryKind, FileError, Files, StatKey};
use super::index_cache::IndexCache;
use super::journal::{Answers, Asked, Notes};
use crate::digest::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// Of the file of an answer, of [`What`], and of the rules by which paths are taken apart.
const FORMAT: u32 = 1;
/// The most answers that are kept: one for each repository and policy that somebody works with.
const MAX_KEPT: usize = 32;
/// The most paths of one answer.
const MAX_WATCHED: usize = 100_000;
/// The most links of one path, as the kernel has it.
const MAX_LINKS: usize = 40;

/// The answer of `work`: the kept one where everything that it was made from is as it was, else a new one.
///
/// `inputs` are what the work depends on besides the file system, the environment, the working directory and this program.
pub fn remembered<A: Serialize + DeserializeOwned>(world: &World, inputs: &[Vec<u8>], work: impl FnOnce() -> A) -> A {
    let store = IndexCache::of_answers(world, MAX_KEPT);
    let Some(journal) = world.files.journal().filter(|_| store.is_on()) else { return work() };
    let name = name_of(world, inputs);
    if let Some(bytes) = store.load(world.files, &name, FORMAT)
        && let Some(answer) = recall(world, &bytes)
    {
        return answer;
    }
    journal.open();
    // Another build of this program may answer otherwise.
    let is_known = world.env.program().is_some_and(|program| world.files.stat(program).is_ok());
    let answer = work();
    let notes = journal.close();
    if is_known && let Some(bytes) = kept(world, &notes, &answer) {
        // What cannot be kept costs time in the next run and nothing else.
        let _ = store.store(world.files, &name, FORMAT, bytes);
    }
    answer
}

/// An answer with all that it was made from.
#[derive(Serialize, Deserialize)]
struct Kept<'a, A> {
    variables: Vec<&'a str>,
    prefixes: Vec<&'a str>,
    environment: [u8; 32],
    #[serde(borrow)]
    folders: Vec<Folder<'a>>,
    answer: A,
}

/// Paths that are looked at from one folder.
#[derive(Serialize, Deserialize)]
struct Folder<'a> {
    /// Ends in a NUL, as the kernel wants it.
    #[serde(borrow)]
    path: Cow<'a, [u8]>,
    #[serde(borrow)]
    watched: Vec<Watched<'a>>,
}

/// One path.
#[derive(Serialize, Deserialize)]
struct Watched<'a> {
    /// Relative to the folder; ends in a NUL.
    #[serde(borrow)]
    path: Cow<'a, [u8]>,
    what: What,
}

/// What stands at a path, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    Nothing,
    /// A folder on the way, by device and inode: what is in it does not matter.
    Folder(u64, u64),
    /// A file or link, or a folder of which the names matter.
    Unchanged(StatKey),
}

/// What an answer is kept under.
fn name_of(world: &World, inputs: &[Vec<u8>]) -> Digest {
    let mut hash = Sha256::new();
    let here = world.env.current_dir().as_os_str().as_encoded_bytes();
    for input in [here].into_iter().chain(inputs.iter().map(Vec::as_slice)) {
        hash.update((input.len() as u64).to_le_bytes());
        hash.update(input);
    }
    Digest::Sha256(hash.finalize().into())
}

/// What the variables are that were asked for, and those whose names begin in a way that was asked for.
fn environment(world: &World, variables: &[&str], prefixes: &[&str]) -> [u8; 32] {
    let is_asked_for = |name: &OsStr| {
        let begins = |prefix: &&str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        name.to_str().is_some_and(|name| variables.contains(&name)) || prefixes.iter().any(begins)
    };
    let mut hash = Sha256::new();
    for (name, value) in world.env.variables().filter(|(name, _)| is_asked_for(name)) {
        for part in [name, value] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_encoded_bytes());
        }
    }
    hash.finalize().into()
}

/// The answer, where all that it was made from is as it was.
fn recall<A: DeserializeOwned>(world: &World, bytes: &[u8]) -> Option<A> {
    // The answer itself owns what it holds, so it is read last and alone.
    let (Kept { variables, prefixes, environment: was, folders, answer: () }, rest) = postcard::take_from_bytes(bytes).ok()?;
    let is_same = environment(world, &variables, &prefixes) == was && folders.iter().all(is_as_it_was);
    is_same.then(|| postcard::from_bytes(rest).ok())?
}

/// The answer and all that it was made from; `None` where a change might not show.
fn kept<A: Serialize>(world: &World, notes: &Notes, answer: &A) -> Option<Vec<u8>> {
    let folders = by_folder(&watched(notes)?)?;
    let variables: Vec<&str> = notes.variables.iter().map(String::as_str).collect();
    let prefixes: Vec<&str> = notes.prefixes.iter().map(String::as_str).collect();
    let environment = environment(world, &variables, &prefixes);
    let head = Kept { variables, prefixes, environment, folders, answer: () };
    let bytes = postcard::to_allocvec(&head).ok()?;
    postcard::to_extend(answer, bytes).ok()
}

/// The paths by folder, in the form in which the kernel is asked. A folder with one path is not worth opening.
fn by_folder(watched: &BTreeMap<PathBuf, What>) -> Option<Vec<Folder<'static>>> {
    let mut sizes: BTreeMap<&Path, usize> = BTreeMap::new();
    for path in watched.keys() {
        *sizes.entry(path.parent()?).or_default() += 1;
    }
    let mut folders: BTreeMap<&Path, Vec<Watched<'static>>> = BTreeMap::new();
    for (path, what) in watched {
        let folder = path.parent().filter(|folder| sizes[folder] > 1).unwrap_or(Path::new("/"));
        let path = c_string(path.strip_prefix(folder).ok()?)?;
        folders.entry(folder).or_default().push(Watched { path, what: *what });
    }
    folders.into_iter().map(|(path, watched)| Some(Folder { path: c_string(path)?, watched })).collect()
}

fn c_string(path: &Path) -> Option<Cow<'static, [u8]>> {
    let text = CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
    Some(Cow::Owned(text.into_bytes_with_nul()))
}

#[cfg(unix)]
fn is_as_it_was(folder: &Folder<'_>) -> bool {
    use super::files::is_folder;
    use rustix::fs::{AtFlags, Mode, OFlags};
    let Ok(path) = CStr::from_bytes_with_nul(&folder.path) else { return false };
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    let flags = flags | OFlags::PATH;
    let Ok(open) = rustix::fs::open(path, flags, Mode::empty()) else { return false };
    folder.watched.iter().all(|watched| {
        let Ok(path) = CStr::from_bytes_with_nul(&watched.path) else { return false };
        let stat = rustix::fs::statat(&open, path, AtFlags::SYMLINK_NOFOLLOW);
        match (stat.as_ref().map(StatKey::from), &watched.what) {
            (Ok(key), What::Unchanged(was)) => key == *was,
            (Ok(key), What::Folder(device, inode)) => {
                (key.device, key.inode) == (*device, *inode) && stat.as_ref().is_ok_and(is_folder)
            }
            (Err(error), What::Nothing) => matches!(*error, rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR),
            _ => false,
        }
    })
}

#[cfg(not(unix))]
fn is_as_it_was(_: &Folder<'_>) -> bool {
    false
}

/// What has to stay as it is so that everything that was asked would be answered the same; `None` where that cannot be told.
fn watched(notes: &Notes) -> Option<BTreeMap<PathBuf, What>> {
    let mut ways = Ways::default();
    let mut listed = BTreeSet::new();
    for (path, asked) in &notes.paths {
        let Asked { followed, itself, names } = asked;
        if *followed != Answers::default() {
            let end = ways.follow(path, true)?;
            let seen = ways.is_as_told(&end, followed).then_some(end)?;
            if let (Some(key), End::At(real)) = (names, seen) {
                (ways.at(&real)?.key == *key).then(|| listed.insert(real))?;
            }
        }
        if *itself != Answers::default() {
            let end = ways.follow(path, false)?;
            ways.is_as_told(&end, itself).then_some(())?;
        }
    }
    let seen = without_implied(ways.0, &listed);
    if notes.is_torn || seen.len() > MAX_WATCHED {
        return None;
    }
    let mut devices = BTreeSet::new();
    let what = |(path, seen): (PathBuf, Option<Seen>)| {
        let what = match seen {
            None => What::Nothing,
            // What is in it is looked at by its own path; it only has to be the folder that was gone through.
            Some(Seen { kind: Kind::Folder, key }) if !listed.contains(&path) => What::Folder(key.device, key.inode),
            Some(Seen { kind, key }) => {
                // A link lies on the file system of its folder.
                let place = if kind == Kind::Link { path.parent()? } else { &path };
                let is_kept = !devices.insert(key.device) || keeps_change_times_at(place);
                (is_kept && notes.began.is_after(&key)).then_some(What::Unchanged(key))?
            }
        };
        Some((path, what))
    };
    seen.into_iter().map(what).collect()
}

/// Without what the times of a listed folder tell as well: a name that comes, a link that is removed or replaced. A folder in it, too,
/// where something is looked at in that one: what is mounted over it shows there.
fn without_implied(seen: BTreeMap<PathBuf, Option<Seen>>, listed: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Option<Seen>> {
    let is_looked_at = |path: &Path, seen: &Seen| match seen.kind {
        Kind::File => true,
        Kind::Folder => listed.contains(path),
        Kind::Link => false,
    };
    let looked_at = seen.iter().filter(|(path, seen)| seen.as_ref().is_some_and(|seen| is_looked_at(path, seen)));
    let holding: BTreeSet<PathBuf> = looked_at.filter_map(|(path, _)| path.parent()).map(Path::to_owned).collect();
    let is_implied = |path: &Path, seen: &Option<Seen>| {
        path.parent().is_some_and(|folder| listed.contains(folder))
            && match seen {
                None => true,
                Some(seen) => seen.kind == Kind::Link || (!is_looked_at(path, seen) && holding.contains(path)),
            }
    };
    seen.into_iter().filter(|(path, seen)| !is_implied(path, seen)).collect()
}

/// What stands on the ways to the paths that were asked for, each place looked at once.
#[derive(Default)]
struct Ways(BTreeMap<PathBuf, Option<Seen>>);

#[derive(Clone, Copy)]
struct Seen {
    kind: Kind,
    key: StatKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Link,
    /// Anything else.
    File,
}

/// Where a path ends.
enum End {
    /// At something, which has this path without links.
    At(PathBuf),
    Nothing,
    /// In links that lead to one another.
    Loop,
}

impl Ways {
    /// Go a path as the kernel does; `None` where that cannot be done.
    fn follow(&mut self, path: &Path, last_too: bool) -> Option<End> {
        if !path.is_absolute() {
            return None;
        }
        let mut rest: VecDeque<OsString> = parts(path).collect();
        let mut real = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            if part == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&part);
            match self.look(&next).ok()?.map(|seen| seen.kind) {
                Some(Kind::Link) if last_too || !rest.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Some(End::Loop);
                    }
                    let target = Files.read_link(&next).ok()?;
                    if target.is_absolute() {
                        real = PathBuf::from("/");
                    }
                    parts(&target).rev().for_each(|part| rest.push_front(part));
                }
                // Below what is no folder there is nothing.
                Some(Kind::Folder) => real = next,
                Some(_) if rest.is_empty() => real = next,
                Some(_) | None => return Some(End::Nothing),
            }
        }
        Some(End::At(real))
    }

    /// Whether what stands at the end of a way is what was told while the work was done.
    fn is_as_told(&self, end: &End, told: &Answers) -> bool {
        let Answers { absent, refused, key, path } = told;
        let is_told = key.is_some() || path.is_some();
        match end {
            End::At(real) => {
                let Some(seen) = self.at(real) else { return false };
                let is_same = |key: &StatKey| match seen.kind {
                    Kind::Folder => (key.device, key.inode) == (seen.key.device, seen.key.inode),
                    Kind::File | Kind::Link => *key == seen.key,
                };
                let leads_there = |path: &PathBuf| match seen.kind {
                    Kind::Link => Files.read_link(real).is_ok_and(|target| target == *path),
                    Kind::File | Kind::Folder => path == real,
                };
                !absent && key.as_ref().is_none_or(is_same) && path.as_ref().is_none_or(leads_there)
            }
            End::Nothing => !is_told && !refused,
            End::Loop => !is_told && !absent,
        }
    }

    fn at(&self, path: &Path) -> Option<Seen> {
        self.0.get(path).copied().flatten()
    }

    /// What stands at a path, a link not followed.
    fn look(&mut self, path: &Path) -> Result<Option<Seen>, FileError> {
        if let Some(seen) = self.0.get(path) {
            return Ok(*seen);
        }
        let seen = match Files.lstat(path) {
            Ok(stat) => {
                let kind = match stat.kind {
                    EntryKind::Folder => Kind::Folder,
                    EntryKind::Link => Kind::Link,
                    EntryKind::File | EntryKind::Other(_) => Kind::File,
                };
                Some(Seen { kind, key: stat.key })
            }
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        self.0.insert(path.to_owned(), seen);
        Ok(seen)
    }
}

/// The parts of a path that lead somewhere, `..` as such.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
