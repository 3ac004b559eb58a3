//! Wheels: what an installer puts into `site-packages`.

use super::{LayoutRefusal, Place, Program, Tree};
use crate::archive::Contents;
use crate::manifest::{Artifact, Shape};
use crate::tool::Platform;
use std::collections::BTreeSet;

/// What installers write differently from machine to machine, as globs below `site-packages`.
pub const UNSTABLE: [&str; 6] = [
    "**/__pycache__/**",
    "**/*.pyc",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
];

/// What a wheel is and what an installation of it puts into `site-packages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// The name of the distribution, as its metadata writes it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The platforms it is for; empty is every one.
    pub platforms: Vec<Platform>,
    /// The platform tags of its file name, as written.
    pub platform_tags: Vec<String>,
    /// Globs of what belongs to it in `site-packages`.
    pub include: Vec<String>,
    /// Globs of what installers write differently.
    pub exclude: Vec<String>,
    /// Its members, relative to `site-packages`.
    pub tree: Tree,
    /// The commands for which installers write a launcher.
    pub commands: Vec<String>,
    /// Scripts, headers and data that lie outside of `site-packages`, by their names in the wheel. Nothing measures them.
    pub outside: Vec<String>,
    /// The files that run by themselves.
    pub programs: Vec<Program>,
}

impl Wheel {
    /// What an approval asks for on one platform.
    #[must_use]
    pub fn artifact(&self, platform: Option<Platform>) -> Artifact {
        let shape = Shape::Tree { include: self.include.clone(), exclude: self.exclude.clone() };
        self.tree.artifact(Place { package: None, platform }, shape)
    }
}

/// The globs of what belongs to a distribution whose files in `site-packages` have these names, sorted.
///
/// Folders as a whole where they are the distribution's own: those with an `__init__.py` of it. A folder without one is a namespace
/// that other distributions may share, and is opened.
#[must_use]
pub fn members(names: &BTreeSet<String>) -> Vec<String> {
    let mut include = BTreeSet::new();
    for name in names {
        let mut end = 0;
        let member = loop {
            let Some(slash) = name[end..].find('/') else { break globset::escape(name) };
            end += slash + 1;
            let folder = &name[..end];
            let is_own = folder.ends_with(".dist-info/") || names.contains(&format!("{folder}__init__.py"));
            if is_own {
                break format!("{}**", globset::escape(folder));
            }
        };
        include.insert(member);
    }
    include.into_iter().filter(|member| !member.contains("__pycache__")).collect()
}

/// The files whose content [`lay`] needs: what `archive::contents` is to keep.
#[must_use]
pub fn keep(name: &str, size: u64) -> bool {
    let _ = (name, size);
    false
}

/// What an installation of this wheel looks like. `contents` are those of the wheel, read with [`keep`].
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(file_name: &str, contents: &Contents) -> Result<Wheel, LayoutRefusal> {
    let _ = contents;
    Err(LayoutRefusal::WheelName(file_name.to_owned()))
}
