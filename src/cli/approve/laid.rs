//! A release as an approval sees it: its files with their digests, and how an installation of them must lie on disk.

use crate::digest::DigestSet;
use crate::manifest::Installed;
use crate::manifest::file_list::FileList;
use crate::manifest::package_list::PackageList;
use crate::text::printable;
use crate::tool::{Package, PackageVersion};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// How many names of files are told in one line.
const MAX_NAMES: usize = 6;

/// A release that was downloaded and worked out.
#[derive(Debug, Clone)]
pub(super) struct Laid {
    /// The package that is approved, where it has a name.
    pub(super) package: Option<Package>,
    /// Its version.
    pub(super) version: String,
    /// When its registry published it.
    pub(super) released: Option<Timestamp>,
    /// The files of the release: the main one first.
    pub(super) releases: Vec<ReleasedFile>,
    /// How it may lie on disk; each is an approval of its own.
    pub(super) layouts: Vec<Layout>,
    /// Every package that it may bring along, where its runtime has packages.
    pub(super) packages: Option<PackageList>,
    /// Packages that were named beforehand as part of it, and that nothing in it declares.
    pub(super) undeclared: Vec<PackageVersion>,
    /// What a person should know of it.
    pub(super) notes: Vec<String>,
}

/// One file of a release.
#[derive(Debug, Clone)]
pub(super) struct ReleasedFile {
    /// Which package it is, where it has a name.
    pub(super) package: Option<PackageVersion>,
    /// Its file name.
    pub(super) name: String,
    /// Its digests, computed.
    pub(super) digests: DigestSet,
    /// Documents with attestations, as they were served or given.
    pub(super) attestations: Vec<Vec<u8>>,
    /// Where its registry says that attestations are, and serves none.
    pub(super) unserved: Vec<String>,
}

/// One way in which an installation may lie on disk.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Its trees with the lists of their files.
    pub(super) trees: Vec<Tree>,
    /// What else is measured.
    pub(super) installed: Vec<Installed>,
}

/// The executable files of the layouts, as a remark for whoever approves them. None where the release marks none.
pub(super) fn executables_of(layouts: &[Layout]) -> Option<String> {
    let trees = layouts.iter().flat_map(|layout| &layout.trees);
    let all: BTreeSet<String> = trees.flat_map(|tree| tree.list.executables.iter().cloned()).collect();
    executables(&all).map(|names| format!("executable files: {names}"))
}

/// Names of files in one line, the first few of many.
pub(super) fn executables(names: &BTreeSet<String>) -> Option<String> {
    let mut shown: Vec<String> = names.iter().take(MAX_NAMES).map(|name| format!("`{}`", printable(name))).collect();
    if names.len() > MAX_NAMES {
        shown.push(format!("{} more, which the list of files names", names.len() - MAX_NAMES));
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// A tree that is pinned, and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// What is measured.
    pub(super) installed: Installed,
    /// Its files and links.
    pub(super) list: FileList,
}
