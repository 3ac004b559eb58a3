//! Answers to the `installed` artifacts of approvals: one digest, or why there is none, and the first path that differs.

use super::{List, Measurer, Tree, regular, unmeasured};
use crate::digest::{Algorithm, Digest, TreeRefusal};
use crate::evidence::{Change, Difference, Extent, Measurement, Sighting, Unmeasured};
use crate::manifest::file_list::FileList;
use crate::manifest::{Installed, Shape};
use crate::world::files::{EntryKind, FileStat};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

impl Measurer {
    /// Measure what an approval asks of a sighting and put the answer down, with the files that only this machine can have made.
    /// `list` is the list that the artifact pins, where it pins one, already verified, or why it cannot be used.
    ///
    /// An artifact of a package that is not there has no answer: it does not apply. A result with a difference is a mismatch
    /// whatever the digest says.
    pub fn answer(&self, sighting: &mut Sighting, installed: &Installed, list: Option<Result<&List, &str>>) {
        let files = list.map(|list| list.map(|List::Files(files)| files));
        let measurement = self.measure(&sighting.root, installed, files);
        sighting.measurements.push(measurement);
    }

    /// The files, links and directory hash of all that a sighting covers: what an approval of it pins.
    ///
    /// # Errors
    /// As [`Measurer::tree`], and [`Unmeasured::NotAFile`] for a tool that is one file and so has no tree.
    pub fn tree_of(&self, sighting: &Sighting) -> Result<Tree, Unmeasured> {
        match &sighting.extent {
            Extent::File => Err(Unmeasured::NotAFile("a tree: the tool is one file")),
            Extent::Folder => self.tree(&sighting.root, &[], &[]),
            Extent::Members { include, exclude } => self.tree(&sighting.root, include, exclude),
            Extent::Files(_) => Err(Unmeasured::NotAFile("a folder")),
        }
    }

    /// Measure what an approval asks for below `root`, a folder or the file itself. `list` is the approval's file list where it has
    /// one, already verified, or why it cannot be used.
    ///
    /// A `dirHash` does not speak of links. So a tree has a digest only if its links are exactly those of the list, names and
    /// targets, and none without a list; otherwise it is unmeasured, which approves nothing, and the link is named.
    pub fn measure(&self, root: &Path, installed: &Installed, list: Option<Result<&FileList, &str>>) -> Measurement {
        let (result, difference) = match &installed.shape {
            Shape::File { path } => self.measure_file(root, path),
            Shape::Json { .. } => (Err(Unmeasured::FileList("what it says is not measured".to_owned())), None),
            Shape::Packages => (Err(Unmeasured::FileList("its packages are not measured".to_owned())), None),
            Shape::Tree { include, exclude } => match list.transpose() {
                Err(why) => (Err(Unmeasured::FileList(why.to_owned())), None),
                Ok(list) => match self.tree(root, include, exclude) {
                    Err(why) => (Err(why), None),
                    Ok(tree) => judge_tree(tree, installed.digests.get(Algorithm::DirHash), list),
                },
            },
        };
        Measurement {
            shape: installed.shape.clone(),
            package: installed.package.clone(),
            list: installed.files.as_ref().map(|files| files.digests.clone()),
            result,
            difference,
            covers: Vec::new(),
        }
    }

    fn measure_file(&self, root: &Path, path: &str) -> (Result<Digest, Unmeasured>, Option<Difference>) {
        if path.is_empty() {
            return (self.digest(root).map(|measured| measured.sha256), None);
        }
        match self.resolve(root, path) {
            Ok(Some((file, stat))) => (self.digest_seen(&file, stat).map(|measured| measured.sha256), None),
            Ok(None) => {
                let difference = Difference { path: path.to_owned(), change: Change::Missing };
                (Err(Unmeasured::Io(format!("`{}` does not exist", crate::text::printable(path)))), Some(difference))
            }
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
