//! Answers to the `installed` artifacts of approvals: one digest, or why there is none, and the first path that differs.

use super::tree::Patterns;
use super::{List, Measurer, Tree, importable, located, packages, regular, unmeasured};
use crate::digest::{Algorithm, Digest, DigestSet, TreeRefusal};
use crate::evidence::{Change, CoveredFolder, Difference, Extent, Located, Measurement, Sighting, Unmeasured};
use crate::manifest::file_list::FileList;
use crate::manifest::json::{MAX_JSON, canonical_without};
use crate::manifest::{Installed, Shape};
use crate::tool::PackageVersion;
use crate::world::files::{EntryKind, FileStat};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// What a measurement says: its digest, or why there is none, and what it differs in.
type Said = (Result<Digest, Unmeasured>, Option<Difference>);

/// A list that an artifact pins, verified and read, or why it cannot be used. `None` where it pins none.
type Pinned<'a> = Option<Result<&'a List, &'a str>>;

impl Measurer {
    /// Measure what an approval asks of a sighting and put the answer down, with the files that only this machine can have made.
    /// `list` is the list that the artifact pins, where it pins one, already verified, or why it cannot be used.
    ///
    /// An artifact of a package that is not there is [`Unmeasured::NoPackage`]: it does not apply. A result with a difference is a
    /// mismatch whatever the digest says.
    pub fn answer(&self, sighting: &mut Sighting, installed: &Installed, list: Pinned<'_>) {
        let other = installed.package.as_ref().filter(|package| !is_own(sighting, package));
        let measurement = match (other, &sighting.extent) {
            (Some(package), Extent::Folder) => self.measure_package(&sighting.root, package, installed, list),
            (Some(_), _) => {
                let why = "packages of packages are found below a package folder alone, which this is not";
                measurement(installed, (Err(Unmeasured::Unsupported(why.to_owned())), None))
            }
            (None, Extent::Files(files)) => measurement(installed, self.measure_files(files, installed, list)),
            (None, Extent::Members { .. } | Extent::File) if installed.shape == Shape::Packages => {
                let why = "which packages it loads is known of Node.js packages alone";
                measurement(installed, (Err(Unmeasured::Unsupported(why.to_owned())), None))
            }
            (None, _) if installed.shape == Shape::Packages => {
                let (measurement, built) = self.measure_packages(&sighting.root, installed, list);
                for path in built {
                    if !sighting.built.contains(&path) {
                        sighting.built.push(path);
                    }
                }
                measurement
            }
            (None, _) => self.measure(&sighting.root, installed, list),
        };
        let measurement = match &sighting.extent {
            Extent::Members { .. } if installed.package.is_none() => self.look_around(sighting, installed, measurement),
            _ => measurement,
        };
        sighting.measurements.push(measurement);
    }

    /// Put down what Python would import with an approved distribution and what its tree does not hold, and take back those files
    /// that it does hold: an approval speaks of them.
    ///
    /// By the globs of the approval and not by those of the sighting, which come from `RECORD`: whoever adds a file can write there.
    fn look_around(&self, sighting: &mut Sighting, installed: &Installed, measurement: Measurement) -> Measurement {
        let Shape::Tree { include, exclude } = &installed.shape else { return measurement };
        let holds = measurement.difference.is_none()
            && measurement.result.as_ref().is_ok_and(|d| DigestSet::from(d.clone()).verify_all(&installed.digests).is_ok());
        // Without a list a variant with another digest has this same answer, and may be the one that holds.
        if measurement.difference.is_some() || measurement.result.is_err() {
            return measurement;
        }
        let patterns = match Patterns::compile(include, exclude) {
            Ok(patterns) => patterns,
            Err(why) => return Measurement { result: Err(why), ..measurement },
        };
        let importable = match importable::strangers(self.files, &sighting.root, include) {
            Ok(importable) => importable,
            Err(why) => return Measurement { result: Err(why), ..measurement },
        };
        let root = &sighting.root;
        let is_outside = |path: &PathBuf| path.strip_prefix(root).map_or(true, |below| !patterns.has_file(below.as_os_str()));
        if holds {
            sighting.strangers.retain(is_outside);
        }
        sighting.strangers.extend(importable.into_iter().filter(is_outside));
        sighting.strangers.sort();
        sighting.strangers.dedup();
        measurement
    }

    /// The files, links and directory hash of all that a sighting covers: what an approval of it pins.
    ///
    /// # Errors
    /// As [`Measurer::tree`], [`Unmeasured::NotAFile`] for a tool that is one file and so has no tree, and
    /// [`Unmeasured::NotItsName`] for a blob of a model that does not hold what its name says.
    pub fn tree_of(&self, sighting: &Sighting) -> Result<Tree, Unmeasured> {
        match &sighting.extent {
            Extent::File => Err(Unmeasured::NotAFile("a tree: the tool is one file")),
            Extent::Folder => self.tree(&sighting.root, &[], &[]),
            Extent::Members { include, exclude } => self.tree(&sighting.root, include, exclude),
            Extent::Files(files) => {
                let looked = located::measure(self, files, &[], &[])?;
                looked.wrong.map_or(Ok(looked.tree), |(_, why)| Err(why))
            }
        }
    }

    /// Measure a file, a tree or what a JSON file says below `root`, a folder or the file itself. `list` is as for
    /// [`Measurer::answer`].
    ///
    /// A `dirHash` does not speak of links. So a tree has a digest only if its links are exactly those of the list, names and
    /// targets, and none without a list; otherwise it is unmeasured, which approves nothing, and the link is named.
    pub fn measure(&self, root: &Path, installed: &Installed, list: Option<Result<&List, &str>>) -> Measurement {
        let said = match &installed.shape {
            Shape::File { path } => self.measure_file(root, path),
            Shape::Json { path, without } => self.measure_json(root, path, without),
            Shape::Packages => return self.measure_packages(root, installed, list).0,
            Shape::Tree { include, exclude } => match file_list(list) {
                Err(why) => (Err(why), None),
                Ok(list) => match self.tree(root, include, exclude) {
                    Err(why) => (Err(why), None),
                    Ok(tree) => judge_tree(tree, installed.digests.get(Algorithm::DirHash), list),
                },
            },
        };
        measurement(installed, said)
    }

    /// Measure in the folder of another package that the tool loads, in each of them where it lies there several times: all have to
    /// be the approved one.
    fn measure_package(&self, root: &Path, package: &PackageVersion, installed: &Installed, list: Pinned<'_>) -> Measurement {
        let closure = self.closure(root);
        let folders = match closure.as_ref() {
            Ok(closure) => packages::folders(closure, package),
            Err(why) => Err(why.clone()),
        };
        let folders = match folders {
            Ok(folders) => folders,
            Err(why) => return measurement(installed, (Err(why), None)),
        };
        let root = self.files.canonical(root).unwrap_or_else(|_| root.to_owned());
        let (mut whole, mut other): (Option<Measurement>, Option<Measurement>) = (None, None);
        for folder in folders {
            let mut here = self.measure(&folder, installed, list);
            if let Some(difference) = &mut here.difference {
                difference.path = packages::shown(&root, &folder.join(&difference.path));
            }
            let is_equal = here.difference.is_none()
                && here.result.as_ref().is_ok_and(|d| DigestSet::from(d.clone()).verify_all(&installed.digests).is_ok());
            if !is_equal {
                // Another variant of the approval may be equal to one of them, and this answer stands for all of them.
                match &other {
                    Some(first) if first.result != here.result => {
                        let path = packages::shown(&root, &folder);
                        let why = Box::new(Unmeasured::Unsupported("it is another one than in its other folders".to_owned()));
                        return Measurement { result: Err(Unmeasured::Below { path, why }), ..here };
                    }
                    Some(_) => {}
                    None => other = Some(here),
                }
                continue;
            }
            if let Shape::Tree { include, exclude } = &installed.shape
                && include.is_empty()
            {
                here.covers.push(CoveredFolder { root: folder, except: exclude.clone() });
            }
            match &mut whole {
                Some(whole) => whole.covers.extend(here.covers),
                None => whole = Some(here),
            }
        }
        other.or(whole).unwrap_or_else(|| measurement(installed, (Err(Unmeasured::NoPackage(package.purl())), None)))
    }

    /// Compare the packages that the tool in `root` loads with the pinned list. The result is the digest of the list where that could
    /// be done.
    fn measure_packages(&self, root: &Path, installed: &Installed, list: Pinned<'_>) -> (Measurement, Vec<PathBuf>) {
        let cannot = |why: &str| (measurement(installed, (Err(Unmeasured::FileList(why.to_owned())), None)), Vec::new());
        let pinned = installed.files.as_ref().and_then(|files| files.digests.get(Algorithm::Sha256));
        let (list, pinned) = match (list, pinned) {
            (Some(Ok(List::Packages(list, apart))), Some(pinned)) => ((list, apart), pinned),
            (Some(Err(why)), _) => return cannot(why),
            (Some(Ok(List::Files(_))), _) => return cannot("it is a list of files and not of packages"),
            (None, _) | (_, None) => return cannot("it pins no list of packages"),
        };
        match packages::compare(self, root, list) {
            Err(why) => (measurement(installed, (Err(why), None)), Vec::new()),
            Ok(compared) => {
                let said = (Ok(pinned.clone()), compared.difference);
                (Measurement { covers: compared.covers, ..measurement(installed, said) }, compared.built)
            }
        }
    }

    /// Measure among files that lie wherever their store keeps them.
    fn measure_files(&self, files: &[Located], installed: &Installed, list: Pinned<'_>) -> Said {
        let by_name = |name: &str| files.iter().find(|file| file.name == name);
        match &installed.shape {
            Shape::File { path } => match by_name(path) {
                Some(file) => {
                    let mut measured = self.digest_weights(std::slice::from_ref(&file.path));
                    (measured.pop().unwrap_or(Err(Unmeasured::Changed)).map(|measured| measured.sha256), None)
                }
                None => missing(path),
            },
            Shape::Json { path, without } => match by_name(path) {
                Some(file) => self.measure_json(&file.path, "", without),
                None => missing(path),
            },
            Shape::Packages => (Err(Unmeasured::Unsupported("a model loads no packages".to_owned())), None),
            Shape::Tree { include, exclude } => match file_list(list) {
                Err(why) => (Err(why), None),
                Ok(list) => match located::measure(self, files, include, exclude) {
                    Err(why) => (Err(why), None),
                    Ok(looked) => {
                        let (result, listed) = judge_tree(looked.tree, installed.digests.get(Algorithm::DirHash), list);
                        // What is wrong whatever the list says is named first: the list may pin the wrong thing.
                        (result, looked.wrong.map(|(difference, _)| difference).or(listed))
                    }
                },
            },
        }
    }

    fn measure_json(&self, root: &Path, path: &str, without: &[String]) -> Said {
        let file =
            match if path.is_empty() { Ok(Some(root.to_owned())) } else { self.resolve(root, path).map(|f| f.map(|f| f.0)) } {
                Ok(Some(file)) => file,
                Ok(None) => return missing(path),
                Err(why) => return (Err(why), None),
            };
        let said = self.files.read(&file, MAX_JSON).map_err(unmeasured).and_then(|bytes| {
            let content = canonical_without(&bytes, without);
            content.map_err(|why| Unmeasured::Io(format!("`{}`: {why}", crate::text::printable(path))))
        });
        (said.map(|content| Digest::sha256_of(&content)), None)
    }

    fn measure_file(&self, root: &Path, path: &str) -> Said {
        if path.is_empty() {
            return (self.digest(root).map(|measured| measured.sha256), None);
        }
        match self.resolve(root, path) {
            Ok(Some((file, stat))) => (self.digest_seen(&file, stat).map(|measured| measured.sha256), None),
            Ok(None) => missing(path),
            Err(why) => (Err(why), None),
        }
    }

    /// A regular file below `root`, reached without a link. `None` where nothing is there.
    fn resolve(&self, root: &Path, path: &str) -> Result<Option<(PathBuf, FileStat)>, Unmeasured> {
        let mut place = root.to_owned();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            // `validate` refuses these in a manifest; a path that leaves the root must not depend on that.
            if matches!(part, "" | "." | "..") || part.contains(['\\', '\0']) {
                return Err(Unmeasured::Tree(TreeRefusal::Name(path.to_owned())));
            }
            place.push(part);
            let stat = match self.files.lstat(&place) {
                Ok(stat) => stat,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(unmeasured(error)),
            };
            if stat.kind == EntryKind::Link {
                let reached = path.split('/').count() - parts.count();
                let link: Vec<&str> = path.split('/').take(reached).collect();
                return Err(Unmeasured::Link(link.join("/")));
            }
            if parts.peek().is_none() {
                regular(&stat)?;
                return Ok(Some((place, stat)));
            }
        }
        Ok(None)
    }
}

fn measurement(installed: &Installed, (result, difference): Said) -> Measurement {
    Measurement {
        shape: installed.shape.clone(),
        package: installed.package.clone(),
        list: installed.files.as_ref().map(|files| files.digests.clone()),
        result,
        difference,
        covers: Vec::new(),
    }
}

/// Whether a package is the one that was sighted.
fn is_own(sighting: &Sighting, package: &PackageVersion) -> bool {
    sighting.package.as_ref() == Some(&package.package)
        && sighting.version.as_ref().is_some_and(|version| version.as_str() == package.version)
}

fn file_list(list: Pinned<'_>) -> Result<Option<&FileList>, Unmeasured> {
    match list {
        None => Ok(None),
        Some(Ok(List::Files(files))) => Ok(Some(files)),
        Some(Ok(List::Packages(..))) => Err(Unmeasured::FileList("it is a list of packages and not of files".to_owned())),
        Some(Err(why)) => Err(Unmeasured::FileList(why.to_owned())),
    }
}

fn missing(path: &str) -> Said {
    let difference = Difference { path: path.to_owned(), change: Change::Missing };
    (Err(Unmeasured::Io(format!("`{}` does not exist", crate::text::printable(path)))), Some(difference))
}

/// Whether the digest of a tree may stand for the tree, and where it first differs from its list.
fn judge_tree(
    tree: Tree,
    expected: Option<&Digest>,
    list: Option<&FileList>,
) -> (Result<Digest, Unmeasured>, Option<Difference>) {
    let nothing = FileList::default();
    let odd_link = first_difference(&links(&tree.list), &links(list.unwrap_or(&nothing)));
    let in_full = list.and_then(|list| first_difference(&entries(&tree.list), &entries(list)));
    match odd_link {
        None if expected == Some(&tree.digest) => (Ok(tree.digest), None),
        None => (Ok(tree.digest), in_full),
        Some(link) => {
            let name = link.path.clone();
            let why = if link.change == Change::Extra { Unmeasured::Link(name) } else { Unmeasured::LinkDiffers(name) };
            (Err(why), in_full.or(Some(link)))
        }
    }
}

/// What a name of a tree stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content<'a> {
    File(&'a [u8; 32]),
    Link(&'a str),
}

fn files(list: &FileList) -> impl Iterator<Item = (&str, Content<'_>)> {
    list.files.iter().map(|file| (file.name.as_str(), Content::File(&file.sha256)))
}

fn links(list: &FileList) -> Vec<(&str, Content<'_>)> {
    let mut links: Vec<_> = list.links.iter().map(|link| (link.name.as_str(), Content::Link(&link.target))).collect();
    links.sort_unstable();
    links
}

/// Files and links together, in the order of their names.
fn entries(list: &FileList) -> Vec<(&str, Content<'_>)> {
    let mut entries: Vec<_> = files(list).chain(links(list)).collect();
    entries.sort_unstable();
    entries
}

/// The first name, in their order, in which what is there differs from what is listed.
fn first_difference(here: &[(&str, Content<'_>)], listed: &[(&str, Content<'_>)]) -> Option<Difference> {
    let (mut here, mut listed) = (here.iter(), listed.iter());
    loop {
        let (path, change) = match (here.next(), listed.next()) {
            (None, None) => return None,
            (Some(a), None) => (a.0, Change::Extra),
            (None, Some(b)) => (b.0, Change::Missing),
            (Some(a), Some(b)) => match a.0.cmp(b.0) {
                Ordering::Less => (a.0, Change::Extra),
                Ordering::Greater => (b.0, Change::Missing),
                Ordering::Equal if a.1 == b.1 => continue,
                Ordering::Equal => (a.0, Change::Changed),
            },
        };
        return Some(Difference { path: path.to_owned(), change });
    }
}
