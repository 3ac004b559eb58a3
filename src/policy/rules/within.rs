//! What lies inside an approved installation, where the approved tree covers every byte of it.
//!
//! A package brings others along, and an approval of its whole tree pins those too: asking for an approval of each would pin the
//! same bytes twice. Revocations are asked first, so a revoked tool inside an approved one stays revoked.

use super::approved;
use super::{Case, Ruling, applicable};
use crate::evidence::{Extent, Sighting};
use crate::manifest::{Approval, Shape};
use crate::policy::findings::subject_of;
use crate::policy::verdict::{Grounds, Item, Verdict};
use crate::tool::Platform;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::{Path, PathBuf};

/// An installation whose tree is approved.
#[derive(Debug, Clone)]
pub struct ApprovedTree {
    root: PathBuf,
    subject: String,
    /// What of the root belongs to the tree; `None` is everything.
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl ApprovedTree {
    /// The approved tree of a case, where an approval of it holds in full and pins one.
    #[must_use]
    pub fn of(case: &Case<'_>) -> Option<Self> {
        let sighting = case.sighting()?;
        let approval = approved::ruling(case)?.approval?;
        let (include, exclude) = tree_of(approval, sighting, case.platform)?;
        let include = if include.is_empty() { None } else { Some(globs(include)?) };
        Some(Self { root: sighting.root.clone(), subject: subject_of(case.item), include, exclude: globs(exclude)? })
    }

    fn covers(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.root) else { return false };
        !below.as_os_str().is_empty()
            && self.include.as_ref().is_none_or(|include| include.is_match(below))
            && !self.exclude.is_match(below)
    }

    /// Whether every byte of a sighting is in the tree. A folder is, when nothing is left out of the tree and the folder is no
    /// part of it by choice; a file is, when the globs say so.
    fn covers_all_of(&self, sighting: &Sighting) -> bool {
        match &sighting.extent {
            Extent::File => self.covers(&sighting.root),
            Extent::Folder => {
                self.include.is_none()
                    && self.exclude.is_empty()
                    && self.covers(&sighting.root)
                    // A platform package may lie beside the folder: every program has to be inside too.
                    && sighting.executables.iter().all(|executable| self.covers(&executable.path))
            }
            Extent::Members { .. } | Extent::Files(_) => false,
        }
    }
}

fn tree_of<'a>(approval: &'a Approval, sighting: &Sighting, platform: &Platform) -> Option<(&'a [String], &'a [String])> {
    applicable(approval, sighting, platform).into_iter().find_map(|installed| match &installed.shape {
        Shape::Tree { include, exclude } => Some((include.as_slice(), exclude.as_slice())),
        Shape::File { .. } | Shape::Json { .. } | Shape::Packages => None,
    })
}

/// The globs as a tree is measured by them; `None` where one does not parse, which covers nothing.
fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(true).build().ok()?);
    }
    set.build().ok()
}

/// The approval of an unvetted sighting by the tree it lies in.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>, trees: &[ApprovedTree]) -> Option<Ruling<'a>> {
    let Item::Sighting(sighting) = case.item else { return None };
    let tree = trees.iter().find(|tree| tree.covers_all_of(sighting))?;
    let verdict = Verdict::Approved(Grounds::Within { subject: tree.subject.clone() });
    Some(Ruling::of_manifest(verdict))
}
