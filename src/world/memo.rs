//! Answers that are kept for as long as everything they were made from is as it was.
//!
//! While an answer is worked out, a journal writes down which paths and variables were asked for. Each path is
//! then taken apart into the folders, links and files on the way, and what the kernel says of each is kept with the answer: of a
//! file, a link and a folder whose names were listed device, inode, size, mtime and ctime; of a folder that was only passed through
//! device and inode; of the rest that nothing is there. The next run asks the kernel the same, in a fraction of the time, and takes
//! the answer if nothing differs, the bytes of this program included. A file that is overwritten in place has another ctime, a name
//! that comes or goes gives its folder one, and no program can set it back (threat T-13).
//!
//! Files of the system that this user cannot write, and that were only asked for their size, are told by the times of their folder and
//! looked at again within the hour.
//!
//! The rules are those of the cache of digests ([`super::cache`]): nothing is kept that changed so shortly before the work began that
//! a further change might not show, or that lies on a file system whose stamps are not the kernel's own; the file belongs to this user
//! alone, and in CI nothing is read and nothing kept.

mod watched;

use super::World;
use super::cache::this_user;
use super::files::StatKey;
use super::index_cache::IndexCache;
use super::journal::Notes;
use crate::digest::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, CString, OsStr};
use std::path::{Path, PathBuf};
use watched::{What, watched};

/// Of the file of an answer, of [`What`], and of the rules by which paths are taken apart.
const FORMAT: u32 = 1;
/// The most answers that are kept: one for each repository and policy that somebody works with.
const MAX_KEPT: usize = 32;
/// From how many paths on opening their folder costs less than going the whole way for each.
const WORTH_OPENING: usize = 6;
/// For how long, in seconds, an answer holds for which some files were left to the times of their folders: then all are looked at again.
const LEFT_FOR: i64 = 3600;

/// The answer of `work`: the kept one where everything that it was made from is as it was, else a new one.
///
/// `inputs` are what the work depends on besides the file system, the environment, the working directory and this program.
pub fn remembered<A: Serialize + DeserializeOwned>(world: &World, inputs: &[Vec<u8>], work: impl FnOnce() -> A) -> A {
    remembered_for(this_user(), world, inputs, work)
}

fn remembered_for<A: Serialize + DeserializeOwned>(user: u32, world: &World, inputs: &[Vec<u8>], work: impl FnOnce() -> A) -> A {
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
    if is_known && let Some(bytes) = kept(world, &notes, user, &answer) {
        // What cannot be kept costs time in the next run and nothing else.
        let _ = store.store(world.files, &name, FORMAT, bytes);
    }
    answer
}

/// An answer with all that it was made from.
#[derive(Serialize, Deserialize)]
struct Kept<'a, A> {
    /// When the work was done, seconds since the epoch, where the answer holds for [`LEFT_FOR`] alone.
    made: Option<i64>,
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
    places: Vec<Place<'a>>,
}

/// One path.
#[derive(Serialize, Deserialize)]
struct Place<'a> {
    /// Relative to the folder; ends in a NUL.
    #[serde(borrow)]
    path: Cow<'a, [u8]>,
    what: What,
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
    let (kept, rest) = postcard::take_from_bytes::<Kept<'_, ()>>(bytes).ok()?;
    let is_recent = kept.made.is_none_or(|made| (0..LEFT_FOR).contains(&(world.now.as_second() - made)));
    let is_same = is_recent
        && environment(world, &kept.variables, &kept.prefixes) == kept.environment
        && kept.folders.iter().all(is_as_it_was);
    is_same.then(|| postcard::from_bytes(rest).ok())?
}

/// The answer and all that it was made from; `None` where a change might not show.
fn kept<A: Serialize>(world: &World, notes: &Notes, user: u32, answer: &A) -> Option<Vec<u8>> {
    let watched = watched(notes, user)?;
    let folders = by_folder(&watched.paths)?;
    let made = (!watched.is_whole).then(|| world.now.as_second());
    let variables: Vec<&str> = notes.variables.iter().map(String::as_str).collect();
    let prefixes: Vec<&str> = notes.prefixes.iter().map(String::as_str).collect();
    let environment = environment(world, &variables, &prefixes);
    let head = Kept { made, variables, prefixes, environment, folders, answer: () };
    let bytes = postcard::to_allocvec(&head).ok()?;
    postcard::to_extend(answer, bytes).ok()
}

/// The paths by folder, in the form in which the kernel is asked.
fn by_folder(watched: &[(PathBuf, What)]) -> Option<Vec<Folder<'static>>> {
    let mut sizes: HashMap<&OsStr, usize> = HashMap::new();
    for (path, _) in watched {
        *sizes.entry(path.parent()?.as_os_str()).or_default() += 1;
    }
    let mut folders: BTreeMap<&OsStr, Vec<Place<'static>>> = BTreeMap::new();
    for (path, what) in watched {
        let folder = path.parent()?.as_os_str();
        let folder = if sizes[folder] >= WORTH_OPENING { folder } else { OsStr::new("/") };
        let path = c_string(path.strip_prefix(folder).ok()?)?;
        folders.entry(folder).or_default().push(Place { path, what: *what });
    }
    folders.into_iter().map(|(path, places)| Some(Folder { path: c_string(Path::new(path))?, places })).collect()
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
    folder.places.iter().all(|place| {
        let Ok(path) = CStr::from_bytes_with_nul(&place.path) else { return false };
        let stat = rustix::fs::statat(&open, path, AtFlags::SYMLINK_NOFOLLOW);
        match (stat.as_ref().map(StatKey::from), &place.what) {
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
