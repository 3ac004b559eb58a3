//! npm packages: the folder that `npm install` leaves.

use super::{LayoutRefusal, Program, Tree};
use crate::archive::{Contents, Link};
use crate::tool::Platform;
use std::collections::{BTreeMap, BTreeSet};

/// What a package is and what an installation of it puts on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmPackage {
    /// What its `package.json` says.
    pub facts: PackageFacts,
    /// Its folder without `node_modules`, as npm, pnpm, yarn and bun leave it where no install script changed it.
    pub tree: Tree,
    /// The files that run by themselves: machine code that is no library, and large commands.
    pub programs: Vec<Program>,
    /// The packages that it brings inside its own `node_modules`, in the order of their folders.
    pub bundled: Vec<Bundled>,
    /// Its `npm-shrinkwrap.json`, which fixes the versions of its dependencies.
    pub shrinkwrap: Option<Vec<u8>>,
    /// Links in the archive. npm does not unpack them.
    pub ignored_links: Vec<Link>,
}

/// A package inside the archive of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// Its folder, relative to the package that brings it: `node_modules/name`.
    pub folder: String,
    /// What its `package.json` says.
    pub facts: PackageFacts,
    /// Its folder without `node_modules`.
    pub tree: Tree,
}

/// What a `package.json` says that decides how the package is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageFacts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Commands and the files they run, relative to the folder of the package.
    pub bin: BTreeMap<String, String>,
    /// Names and ranges.
    pub dependencies: BTreeMap<String, String>,
    /// Names and ranges of those that may be missing.
    pub optional_dependencies: BTreeMap<String, String>,
    /// Names and ranges of those that stand beside it.
    pub peer_dependencies: BTreeMap<String, String>,
    /// Those of the peers that may be missing (`peerDependenciesMeta`).
    pub optional_peers: BTreeSet<String>,
    /// The dependencies that its archive brings along.
    pub bundle_dependencies: Vec<String>,
    /// Operating systems as Node calls them, with `!` before those it does not run on; empty is every one.
    pub os: Vec<String>,
    /// Processors as Node calls them, like `os`.
    pub cpu: Vec<String>,
    /// C libraries, like `os`.
    pub libc: Vec<String>,
    /// What it needs to run, for example `node`.
    pub engines: BTreeMap<String, String>,
    /// The scripts that npm runs when it installs the package from a registry, by name.
    pub install_scripts: BTreeMap<String, String>,
    /// Whether npm compiles it on the machine: it has a `binding.gyp` and neither an install script of its own nor `"gypfile": false`.
    pub is_built_here: bool,
}

impl PackageFacts {
    /// Read a `package.json`.
    ///
    /// # Errors
    /// [`LayoutRefusal::Description`].
    pub fn parse(file: &str, json: &[u8]) -> Result<Self, LayoutRefusal> {
        let _ = json;
        Err(LayoutRefusal::Description { file: file.to_owned(), why: "not an object".to_owned() })
    }

    /// The platforms among those vetted knows on which it is installed; `None` is every one.
    #[must_use]
    pub fn platforms(&self) -> Option<Vec<Platform>> {
        None
    }
}

/// The files whose content [`lay`] needs: what `archive::contents` is to keep.
#[must_use]
pub fn keep(name: &str, size: u64) -> bool {
    let _ = (name, size);
    false
}

/// What an installation of this package looks like. `contents` are those of its archive, read with [`keep`].
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(contents: &Contents) -> Result<NpmPackage, LayoutRefusal> {
    let _ = contents;
    Err(LayoutRefusal::Missing("package.json"))
}
