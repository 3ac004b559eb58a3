//! What has to stay as it is so that an answer stays the same: the folders, links and files on the way to every path that was asked for.

use crate::world::cache::keeps_change_times_at;
use crate::world::files::{EntryKind, FileError, FileStat, Files, StatKey};
use crate::world::journal::{Answers, Asked, Notes};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// The most paths of one answer.
const MAX_WATCHED: usize = 100_000;
/// The most links of one path, as the kernel has it.
const MAX_LINKS: usize = 40;

/// The bits of a mode that let somebody write who does not own the file: the group, which is also where an access list shows, or
/// everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// What stands at a path, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    Nothing,
    /// A folder on the way, by device and inode: what is in it does not matter.
    Folder(u64, u64),
    /// A file or link, or a folder of which the names matter.
    Unchanged(StatKey),
}

/// What is asked before an answer is given again.
pub(super) struct Watched {
    /// Paths without links, in the order of their bytes.
    pub(super) paths: Vec<(PathBuf, What)>,
    /// Whether it is everything: no file was left to the times of its folder.
    pub(super) is_whole: bool,
}

/// Paths without links, as texts: to compare paths part by part costs more than all else here.
type Paths = HashSet<OsString>;

/// What to ask, for a process of this user; `None` where a change might not show.
pub(super) fn watched(notes: &Notes, user: u32) -> Option<Watched> {
    let mut ways = Ways::default();
    let (mut listed, mut opened) = (Paths::new(), Paths::new());
    for (path, asked) in &notes.paths {
        let (path, Asked { followed, itself, names, is_opened }) = (Path::new(path), asked);
        if *followed != Answers::default() {
            let end = ways.follow(path, true)?;
            if !ways.is_as_told(&end, followed) {
                return None;
            }
            if let End::At(real) = end {
                if let Some(names) = names {
                    (ways.at(&real)?.stat.key == *names).then(|| listed.insert(real.clone().into()))?;
                }
                // What a folder was refused for may be granted, and then its names may matter.
                if followed.refused && ways.at(&real)?.kind == Kind::Folder {
                    listed.insert(real.clone().into());
                }
                if *is_opened {
                    opened.insert(real.into());
                }
            }
        }
        if *itself != Answers::default() {
            let end = ways.follow(path, false)?;
            ways.is_as_told(&end, itself).then_some(())?;
        }
    }
    let left = ways.leave_to_folders(&mut listed, &opened, user);
    let seen = without_implied(ways.seen, &listed, &left);
    if notes.is_torn || seen.len() > MAX_WATCHED {
        return None;
    }
    let mut devices = HashSet::new();
    let what = |(path, seen): (OsString, Option<Seen>)| {
        let path = PathBuf::from(path);
        let what = match seen {
            None => What::Nothing,
            // What is in it is looked at by its own path; it only has to be the folder that was gone through.
            Some(Seen { kind: Kind::Folder, stat }) if !listed.contains(path.as_os_str()) => {
                What::Folder(stat.key.device, stat.key.inode)
            }
            Some(Seen { kind, stat: FileStat { key, .. } }) => {
                // A link lies on the file system of its folder.
                let place = if kind == Kind::Link { path.parent()? } else { &path };
                let is_kept = !devices.insert(key.device) || keeps_change_times_at(place);
                (is_kept && notes.began.is_after(&key)).then_some(What::Unchanged(key))?
            }
        };
        Some((path, what))
    };
    let mut paths: Vec<(PathBuf, What)> = seen.into_iter().map(what).collect::<Option<_>>()?;
    paths.sort_unstable_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
    Some(Watched { paths, is_whole: left.is_empty() })
}

/// Without what is left to the times of a listed folder, and what they tell anyway: a name that comes, a link that is removed or
/// replaced. A folder in it, too, where something is looked at in that one: what is mounted over it shows there.
fn without_implied(
    seen: HashMap<OsString, Option<Seen>>,
    listed: &Paths,
    left: &Paths,
) -> impl ExactSizeIterator<Item = (OsString, Option<Seen>)> {
    let is_looked_at = |path: &OsStr, seen: &Seen| match seen.kind {
        Kind::File => !left.contains(path),
        Kind::Folder => listed.contains(path),
        Kind::Link => false,
    };
    let looked_at = seen.iter().filter(|(path, seen)| seen.as_ref().is_some_and(|seen| is_looked_at(path, seen)));
    let holding: Paths = looked_at.filter_map(|(path, _)| folder_of(path)).map(OsStr::to_owned).collect();
    let is_implied = |path: &OsStr, seen: &Option<Seen>| {
        folder_of(path).is_some_and(|folder| listed.contains(folder))
            && match seen {
                None => true,
                Some(seen) => match seen.kind {
                    Kind::Link => true,
                    Kind::File => left.contains(path),
                    Kind::Folder => !listed.contains(path) && holding.contains(path),
                },
            }
    };
    let needed: Vec<_> = seen.into_iter().filter(|(path, seen)| !is_implied(path, seen)).collect();
    needed.into_iter()
}

fn folder_of(path: &OsStr) -> Option<&OsStr> {
    Path::new(path).parent().map(Path::as_os_str)
}

/// What stands on the ways to the paths that were asked for, each place looked at once.
#[derive(Default)]
struct Ways {
    /// By paths without links.
    seen: HashMap<OsString, Option<Seen>>,
    /// Where the folders of the paths lead: many paths are asked for in one.
    folders: HashMap<OsString, End>,
}

#[derive(Clone, Copy)]
struct Seen {
    kind: Kind,
    stat: FileStat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Link,
    /// Anything else.
    File,
}

/// Where a path ends.
#[derive(Clone)]
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
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return self.go(PathBuf::from("/"), parts(path).collect(), last_too);
        };
        let at = if let Some(end) = self.folders.get(folder.as_os_str()) {
            end.clone()
        } else {
            let end = self.go(PathBuf::from("/"), parts(folder).collect(), true)?;
            self.folders.insert(folder.as_os_str().to_owned(), end.clone());
            end
        };
        match at {
            End::At(folder) => self.go(folder, VecDeque::from([name.to_owned()]), last_too),
            end => Some(end),
        }
    }

    fn go(&mut self, mut real: PathBuf, mut rest: VecDeque<OsString>, last_too: bool) -> Option<End> {
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
                    Kind::Folder => (key.device, key.inode) == (seen.stat.key.device, seen.stat.key.inode),
                    Kind::File | Kind::Link => *key == seen.stat.key,
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

    /// The files that are left to the times of their folders, which count as listed then.
    ///
    /// Most files on `PATH` belong to the system, hundreds of them, and were only asked for their size. Who could overwrite one in place
    /// could as well replace this program; everything else that happens to it gives its folder another time. Names that are looked for
    /// in a folder of the system are told by its times, too, and better than one by one.
    fn leave_to_folders(&self, listed: &mut Paths, opened: &Paths, user: u32) -> Paths {
        let is_of_system = |stat: &FileStat| stat.owner == 0 && user != 0 && stat.mode & WRITABLE_BY_OTHERS == 0;
        let mut left = Paths::new();
        let mut names: HashMap<&OsStr, usize> = HashMap::new();
        for (path, seen) in &self.seen {
            let Some((folder, of_folder)) = folder_of(path).and_then(|folder| Some((folder, self.at(Path::new(folder))?))) else {
                continue;
            };
            match seen {
                Some(Seen { kind: Kind::File, stat }) if is_of_system(stat) && !opened.contains(path) => {
                    listed.insert(folder.to_owned());
                    left.insert(path.clone());
                }
                None | Some(Seen { kind: Kind::Link, .. }) if is_of_system(&of_folder.stat) => {
                    *names.entry(folder).or_default() += 1;
                }
                _ => {}
            }
        }
        listed.extend(names.into_iter().filter(|(_, count)| *count > 1).map(|(folder, _)| folder.to_owned()));
        left
    }

    fn at(&self, path: &Path) -> Option<Seen> {
        self.seen.get(path.as_os_str()).copied().flatten()
    }

    /// What stands at a path, a link not followed.
    fn look(&mut self, path: &Path) -> Result<Option<Seen>, FileError> {
        if let Some(seen) = self.seen.get(path.as_os_str()) {
            return Ok(*seen);
        }
        let seen = match Files.lstat(path) {
            Ok(stat) => {
                let kind = match stat.kind {
                    EntryKind::Folder => Kind::Folder,
                    EntryKind::Link => Kind::Link,
                    EntryKind::File | EntryKind::Other(_) => Kind::File,
                };
                Some(Seen { kind, stat })
            }
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        self.seen.insert(path.as_os_str().to_owned(), seen);
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
