//! What an installation of a release must look like on disk, worked out from the release alone.
//!
//! An attestation speaks of a release file, a check sees an unpacked tree. What lies between them is the installer: which folder it
//! strips, which files it renames, rewrites or leaves out. Here that is a pure function for each form of release, proved against the
//! real installers in `tests/live`. Nothing of a release is run.

pub mod globs;
pub mod jetbrains;
pub mod npm;
pub mod program;
pub mod vendor;
pub mod vsix;
pub mod wheel;

mod refusal;

pub use refusal::LayoutRefusal;

use crate::archive::{Contents, Link, Unpacked};
use crate::digest::{Digest, DigestSet, TreeFile, dir_hash};
use crate::manifest::file_list::{FileList, TreeLink};
use crate::manifest::{Artifact, Installed, Shape};
use crate::tool::{PackageVersion, Platform};
use std::collections::BTreeSet;

/// Executables of this size in bytes are programs, whatever their first bytes say.
pub const PROGRAM_SIZE: u64 = 1024 * 1024;

/// The files of a tree and its directory hash: what a measurement of the installed folder must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The `dirHash`.
    pub digest: Digest,
    /// The files and links, each sorted by name.
    pub list: FileList,
}

impl Tree {
    /// The tree of these files.
    ///
    /// # Errors
    /// [`LayoutRefusal::Tree`] for names that no directory hash can carry.
    pub fn of(mut files: Vec<TreeFile>, mut links: Vec<TreeLink>) -> Result<Self, LayoutRefusal> {
        links.sort();
        let digest = dir_hash(&mut files)?;
        Ok(Self { digest, list: FileList { files, links, executables: BTreeSet::new() } })
    }

    /// The same tree, of which these files are executable. Names that are none of its files do not count.
    #[must_use]
    pub fn with_executables(mut self, names: impl IntoIterator<Item = String>) -> Self {
        let own: BTreeSet<&str> = self.list.files.iter().map(|file| file.name.as_str()).collect();
        self.list.executables = names.into_iter().filter(|name| own.contains(name.as_str())).collect();
        self
    }

    /// The artifact of an approval that asks for this tree. The path of its list, where one is stored, is added by who stores it.
    #[must_use]
    pub fn artifact(&self, at: Place, shape: Shape) -> Artifact {
        installed(at, shape, self.digest.clone())
    }
}

/// Where an artifact holds: in the folder of a package (`None` is the tool's own), on a platform (`None` is every one).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// See [`Installed::package`].
    pub package: Option<PackageVersion>,
    /// See [`Installed::platform`].
    pub platform: Option<Platform>,
}

fn installed(at: Place, shape: Shape, digest: Digest) -> Artifact {
    Artifact::Installed(Installed {
        platform: at.platform,
        package: at.package,
        shape,
        digests: DigestSet::from(digest),
        files: None,
    })
}

/// A file that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Relative to the root of the installation, `/`-separated; empty where the installation is this one file.
    pub path: String,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Bytes.
    pub size: u64,
}

impl Program {
    /// The artifact of an approval that asks for this file.
    #[must_use]
    pub fn artifact(&self, at: Place) -> Artifact {
        installed(at, Shape::File { path: self.path.clone() }, Digest::Sha256(self.sha256))
    }
}

/// How machine code begins: ELF, Windows, Mach-O in both widths and byte orders.
const MACHINE_CODE: [&[u8]; 6] = [
    b"\x7fELF",
    b"MZ",
    &[0xfe, 0xed, 0xfa, 0xce],
    &[0xfe, 0xed, 0xfa, 0xcf],
    &[0xce, 0xfa, 0xed, 0xfe],
    &[0xcf, 0xfa, 0xed, 0xfe],
];

/// Whether a file with these first bytes is machine code. A universal Mach-O file shares its first bytes with a Java class, whose next
/// number is its version, 45 or more.
#[must_use]
pub fn is_machine_code(start: &[u8; 16]) -> bool {
    let is_universal = start.starts_with(&[0xca, 0xfe, 0xba, 0xbe]) && start[7] < 20 && start[4..7] == [0, 0, 0];
    is_universal || MACHINE_CODE.iter().any(|magic| start.starts_with(magic))
}

/// Whether a file is a program of its own: machine code that is no library.
fn is_program(file: &Unpacked) -> bool {
    let name = file.name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_library = [".so", ".dll", ".dylib", ".node", ".pyd", ".a", ".lib", ".o"].iter().any(|end| name.ends_with(end));
    is_machine_code(&file.start) && !is_library && !name.contains(".so.")
}

/// Refuse links: no installer of this form makes any, so what one would be nobody knows.
fn no_links(contents: &Contents) -> Result<(), LayoutRefusal> {
    match contents.links.first() {
        Some(Link { name, .. }) => Err(LayoutRefusal::Link(name.clone())),
        None => Ok(()),
    }
}
