//! What lies inside an approved installation, where the approved tree or package list covers every byte of it.
//!
//! A package brings others along, and an approval of its whole tree, or of the list of packages it loads, pins those too: asking for
//! an approval of each would pin the same bytes twice. Revocations are asked first, so a revoked tool inside an approved one stays
//! revoked.

use super::mismatched::answer;
use super::{Case, Ruling, applicable, approved, unattested};
use crate::evidence::{Extent, Sighting};
use crate::manifest::Shape;
use crate::policy::findings::subject_of;
use crate::policy::verdict::{Attestation, Grounds, Item, Verdict};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::{Path, PathBuf};

/// A folder whose bytes an approval that holds pins.
#[derive(Debug, Clone)]
pub struct ApprovedTree {
    root: PathBuf,
    subject: String,
    /// What of the root belongs to the tree; `None` is everything.
    include: Option<GlobSet>,
    exclude: GlobSet,
    /// Whether the root itself is a package of its own that a package list names.
    is_listed: bool,
    /// What is known of the attestations of what lies in it.
    attestation: Attestation,
}

impl ApprovedTree {
    /// What the approval of a case covers besides the tool itself, where one holds in full: its trees, and the package folders that
    /// its measurements compared.
    #[must_use]
    pub fn of(case: &Case<'_>) -> Vec<Self> {
        let Some((sighting, approval)) = case.sighting().zip(approved::ruling(case).and_then(|ruling| ruling.approval)) else {
            return Vec::new();
        };
        let subject = subject_of(case.item);
        // The approval holds, so its attestations do.
        let attestation = unattested::attestation(case, approval).unwrap_or(Attestation::None);
        let mut trees = Vec::new();
        for installed in applicable(approval, sighting, case.platform) {
            let Some(measurement) = answer(installed, sighting) else { continue };
            // Of variants only the one that is there says anything.
            let is_here = measurement.result.as_ref().is_ok_and(|found| installed.digests.iter().any(|pinned| pinned == found));
            if !is_here || measurement.difference.is_some() {
                continue;
            }
            if let (Shape::Tree { include, exclude }, None) = (&installed.shape, &installed.package) {
                let include = if include.is_empty() { Some(None) } else { globs(include).map(Some) };
                let pinned = include.zip(globs(exclude));
                trees.extend(pinned.map(|(include, exclude)| Self {
                    root: sighting.root.clone(),
                    subject: subject.clone(),
                    include,
                    exclude,
                    is_listed: false,
                    attestation: attestation.clone(),
                }));
            }
            trees.extend(measurement.covers.iter().filter_map(|folder| {
                let (root, exclude) = (folder.root.clone(), globs(&folder.except)?);
                let (subject, attestation) = (subject.clone(), Attestation::None);
                Some(Self { root, subject, include: None, exclude, is_listed: true, attestation })
            }));
        }
        trees
    }

    fn covers(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.root) else { return false };
        // What lies in the `node_modules` of a listed package is another package, listed or not.
        let is_nested = self.is_listed && below.components().any(|part| part.as_os_str() == "node_modules");
        !is_nested
            && !below.as_os_str().is_empty()
            && self.include.as_ref().is_none_or(|include| include.is_match(below))
            && !self.exclude.is_match(below)
    }

    /// Whether every byte of a sighting is in the tree. A folder is, when nothing is left out of the tree and the folder is no
    /// part of it by choice; a listed package is, as its own folder; a file is, when the globs say so.
    fn covers_all_of(&self, sighting: &Sighting, trees: &[Self]) -> bool {
        match &sighting.extent {
            Extent::File => self.covers(&sighting.root),
            // Whatever was left out of the comparison must not be what runs. A platform package may lie beside the folder, and is
            // listed then as well.
            Extent::Folder if self.is_listed => {
                self.root == sighting.root
                    && (self.exclude.is_empty() || !sighting.executables.is_empty())
                    && sighting.executables.iter().all(|executable| trees.iter().any(|tree| tree.covers(&executable.path)))
            }
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
    if !sighting.strangers.is_empty() {
        return None;
    }
    let tree = trees.iter().find(|tree| tree.covers_all_of(sighting, trees))?;
    let attestation = Box::new(tree.attestation.clone());
    let verdict = Verdict::Approved(Grounds::Within { subject: tree.subject.clone(), attestation });
    Some(Ruling::of_manifest(verdict))
}
