//! Plugins of JetBrains IDEs: a zip archive with one folder, or a single jar.

use super::{LayoutRefusal, Tree};
use crate::archive::Contents;

/// The id and the version of a plugin, as its `META-INF/plugin.xml` writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its id; its name where it has none.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
}

/// A plugin that came as a zip archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The folder that an IDE unpacks.
    pub folder: String,
    /// What lies in it.
    pub tree: Tree,
    /// The jars in its `lib`, one of which has the descriptor; relative to the folder.
    pub jars: Vec<String>,
}

/// What an installation of this plugin looks like.
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(contents: &Contents) -> Result<Plugin, LayoutRefusal> {
    let _ = contents;
    Err(LayoutRefusal::Missing("lib"))
}
