//! Extensions of the VS Code family: the folder that an editor leaves of a `.vsix`.

use super::{LayoutRefusal, Program, Tree};
use crate::archive::Contents;
use crate::manifest::Artifact;
use crate::tool::Platform;

/// What an extension is and what an installation of it puts on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vsix {
    /// `publisher.name`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The platform it is for, by `TargetPlatform` of its manifest; `None` is every one.
    pub platform: Option<Platform>,
    /// `TargetPlatform` as written.
    pub target: Option<String>,
    /// Its folder without what editors write themselves: `package.json` and `.vsixmanifest`.
    pub tree: Tree,
    /// SHA-256 of what its `package.json` says without the members that editors add.
    pub description: [u8; 32],
    /// The files that run by themselves.
    pub programs: Vec<Program>,
}

impl Vsix {
    /// What an approval asks for.
    #[must_use]
    pub fn artifacts(&self) -> Vec<Artifact> {
        Vec::new()
    }
}

/// The files whose content [`lay`] needs: what `archive::contents` is to keep.
#[must_use]
pub fn keep(name: &str, size: u64) -> bool {
    let _ = (name, size);
    false
}

/// What an installation of this extension looks like.
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(contents: &Contents) -> Result<Vsix, LayoutRefusal> {
    let _ = contents;
    Err(LayoutRefusal::Missing("extension/package.json"))
}
