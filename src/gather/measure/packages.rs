//! The packages that a tool loads, compared with the list of an approval: each that is there has to be on it by name and version, with
//! the bytes of one of its entries.
//!
//! The list says nothing of places: an installer may lay an approved package where it likes, and as often as it likes. A package that
//! is on the list and not on disk is no difference, because optional ones and those of other platforms are left out by installers.

use super::closure::Closure;
use super::tree::{self, Members, Patterns};
use super::{Job, Measurer, unmeasured};
use crate::evidence::{Change, CoveredFolder, Difference, Unmeasured};
use crate::manifest::package_list::{ListedPackage, PackageList, PinnedFiles};
use crate::tool::PackageVersion;
use crate::world::files::EntryKind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What of a package's folder is never its own: each package below is one by itself.
const NESTED: &str = "node_modules/**";
/// How many packages are walked before what they hold is digested: memory stays bounded, and threads have enough to do.
const BATCH: usize = 512;

/// What came of a comparison.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// The first difference in the order of their paths.
    pub(super) difference: Option<Difference>,
    /// The folders of packages that are equal.
    pub(super) covers: Vec<CoveredFolder>,
    /// Files that install scripts made, where the list lets them.
    pub(super) built: Vec<PathBuf>,
}

impl Compared {
    fn differs(&mut self, path: String, change: Change) {
        if self.difference.as_ref().is_none_or(|first| path < first.path) {
            self.difference = Some(Difference { path, change });
        }
    }
}

/// Compare what the tool in `root` loads with a list. Files that the list calls replaced have to be among `pinned`.
///
/// # Errors
/// [`Unmeasured`] when something could not be looked at and nothing that could differs.
pub(super) fn compare(
    measurer: &Measurer,
    root: &Path,
    (list, pinned): (&PackageList, &PinnedFiles),
) -> Result<Compared, Unmeasured> {
    let closure = measurer.closure(root);
    let closure = closure.as_ref().as_ref().map_err(Clone::clone)?;
    let root = measurer.files.canonical(root).unwrap_or_else(|_| root.to_owned());
    let mut compared = Compared::default();
    let mut open = None;
    for stray in &closure.strays {
        compared.differs(shown(&root, stray), Change::Extra);
    }
    let mut tasks = Vec::new();
    let mut patterns = PatternsByText::default();
    for found in &closure.packages {
        match &found.identity {
            Err(why) => open = open.or_else(|| Some(why.clone())),
            Ok(package) => {
                let numbered = |listed| Ok((listed, patterns.number(listed)?));
                let entries = list.of(package).map(numbered).collect::<Result<Vec<_>, Unmeasured>>()?;
                if entries.is_empty() {
                    compared.differs(shown(&root, &found.folder), Change::Extra);
                } else {
                    tasks.push(Task { folder: &found.folder, entries });
                }
            }
        }
    }
    for batch in tasks.chunks(BATCH) {
        let judged = Judged { measurer, root: &root, patterns: &patterns, pinned };
        open = open.or(judged.batch(batch, &mut compared));
    }
    match open {
        Some(why) if compared.difference.is_none() => Err(why),
        _ => Ok(compared),
    }
}

/// The folders of one package among those that a tool loads.
///
/// # Errors
/// [`Unmeasured`] when that cannot be told, [`Unmeasured::NoPackage`] when it is not there.
pub(super) fn folders(closure: &Closure, package: &PackageVersion) -> Result<Vec<PathBuf>, Unmeasured> {
    let is_it = |found: &&super::closure::Found| found.identity.as_ref() == Ok(package);
    let folders: Vec<PathBuf> = closure.packages.iter().filter(is_it).map(|found| found.folder.clone()).collect();
    if !folders.is_empty() {
        return Ok(folders);
    }
    // A package that does not say what it is may be this one: then it is not known whether the artifact applies.
    let unknown = closure.packages.iter().find_map(|found| found.identity.as_ref().err());
    Err(unknown.cloned().unwrap_or_else(|| Unmeasured::NoPackage(package.purl())))
}

/// A path of a package as it is named in a difference: below the tool's root, or in full where it lies outside.
pub(super) fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

/// One package folder to be compared with the entries of its package, which are alternatives.
struct Task<'a> {
    folder: &'a Path,
    /// Each with the number of its patterns.
    entries: Vec<(&'a ListedPackage, usize)>,
}

/// Most packages leave nothing out but their `node_modules`; patterns are compiled once for all that leave out the same.
#[derive(Default)]
struct PatternsByText {
    numbers: BTreeMap<Vec<String>, usize>,
    /// What is compared, and what is built.
    patterns: Vec<(Patterns, Option<Patterns>)>,
}

impl PatternsByText {
    fn number(&mut self, listed: &ListedPackage) -> Result<usize, Unmeasured> {
        let exclude = left_out(listed);
        let mut key = exclude.clone();
        // Two entries may leave out the same and call other parts of it built.
        key.push(String::new());
        key.extend(listed.built.iter().cloned());
        if let Some(&number) = self.numbers.get(&key) {
            return Ok(number);
        }
        let nested = [NESTED.to_owned()];
        let built = if listed.built.is_empty() { None } else { Some(Patterns::compile(&listed.built, &nested)?) };
        let mut all = nested.to_vec();
        all.extend(exclude);
        self.patterns.push((Patterns::compile(&[], &all)?, built));
        self.numbers.insert(key, self.patterns.len() - 1);
        Ok(self.patterns.len() - 1)
    }

    fn walk(&self, measurer: &Measurer, folder: &Path, number: usize) -> Walked {
        let (compared, built) = &self.patterns[number];
        let members = tree::walk(measurer.files, folder, compared)?;
        let built = built.as_ref().map(|built| tree::walk(measurer.files, folder, built)).transpose()?;
        Ok((members, built.unwrap_or_default()))
    }
}

/// Globs of what of a listed package is not compared, besides the packages below it.
fn left_out(listed: &ListedPackage) -> Vec<String> {
    listed.built.iter().cloned().chain(listed.replaced.iter().map(|path| globset::escape(path))).collect()
}

/// A package folder as one entry sees it: what is compared, and what is built.
type Walked = Result<(Members, Members), Unmeasured>;

/// What packages are judged by.
struct Judged<'a> {
    measurer: &'a Measurer,
    root: &'a Path,
    patterns: &'a PatternsByText,
    pinned: &'a PinnedFiles,
}

impl Judged<'_> {
    /// Compare some of the packages; says what could not be measured.
    fn batch(&self, batch: &[Task<'_>], compared: &mut Compared) -> Option<Unmeasured> {
        let Self { measurer, root, patterns, pinned } = *self;
        let walked: Vec<Vec<Walked>> = measurer.each(batch, |task| {
            let walk = |(_, number): &(_, usize)| patterns.walk(measurer, task.folder, *number);
            task.entries.iter().map(walk).collect()
        });
        let jobs: Vec<Job<'_>> = walked.iter().flatten().flatten().flat_map(|(members, _)| members.jobs()).collect();
        let mut digests = measurer.digest_jobs(&jobs).into_iter();
        drop(jobs);
        let mut open = None;
        for (task, walked) in batch.iter().zip(walked) {
            let mut verdict = None;
            for ((listed, _), walked) in task.entries.iter().zip(walked) {
                let next = walked.and_then(|(members, built)| {
                    let own: Vec<_> = digests.by_ref().take(members.files.len()).collect();
                    judge_entry(measurer, task.folder, (listed, pinned), members, own).map(|state| (state, built))
                });
                // Entries are alternatives: one that is equal is enough.
                if !matches!(verdict, Some(Ok((State::Equal(_), _)))) {
                    verdict = Some(next);
                }
            }
            match verdict {
                Some(Ok((State::Equal(covered), built))) => {
                    compared.covers.push(covered);
                    compared.built.extend(built.files.into_iter().map(|file| file.path));
                    compared.built.extend(built.links.into_iter().map(|link| task.folder.join(link.name)));
                }
                Some(Ok((State::Link(name) | State::Unpinned(name), _))) => {
                    compared.differs(shown(root, &task.folder.join(name)), Change::Extra);
                }
                Some(Ok((State::Other, _))) => compared.differs(shown(root, task.folder), Change::Changed),
                Some(Err(why)) => {
                    let path = shown(root, task.folder);
                    open = open.or(Some(Unmeasured::Below { path, why: Box::new(why) }));
                }
                None => {}
            }
        }
        open
    }
}

/// How a package folder compares with one entry.
enum State {
    Equal(CoveredFolder),
    /// It has this symbolic link. No registry serves one, and a directory hash does not speak of it.
    Link(String),
    /// It has this file in the place of a replaced one, and no artifact says what that may be.
    Unpinned(String),
    Other,
}

fn judge_entry(
    measurer: &Measurer,
    folder: &Path,
    (listed, pinned): (&ListedPackage, &PinnedFiles),
    members: Members,
    digests: Vec<Result<[u8; 32], Unmeasured>>,
) -> Result<State, Unmeasured> {
    let tree = tree::hash(members, digests)?;
    if let Some(link) = tree.list.links.into_iter().next() {
        return Ok(State::Link(link.name));
    }
    if tree.digest != listed.dir_hash {
        return Ok(State::Other);
    }
    for path in listed.unpinned(pinned) {
        match measurer.files.lstat(&folder.join(path)) {
            Err(error) if error.is_not_found() => {}
            // What lies in a folder of that name is in the tree.
            Ok(stat) if stat.kind == EntryKind::Folder => {}
            Ok(_) => return Ok(State::Unpinned(path.to_owned())),
            Err(error) => return Err(unmeasured(error)),
        }
    }
    Ok(State::Equal(CoveredFolder { root: folder.to_owned(), except: left_out(listed) }))
}
