//! A release as an approval sees it: its files with their digests, and how an installation of them must lie on disk.

use crate::digest::DigestSet;
use crate::manifest::Installed;
use crate::manifest::file_list::FileList;
use crate::manifest::package_list::PackageList;
use crate::tool::{Package, PackageVersion};
use jiff::Timestamp;

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

/// A tree that is pinned, and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// What is measured.
    pub(super) installed: Installed,
    /// Its files and links.
    pub(super) list: FileList,
}
