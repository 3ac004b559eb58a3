//! What came with an installation that is not what was approved. While that was whole, its approval may have covered this too; as it
//! is, an approval of this from where it lies would pin bytes that nobody knows. The installation has to be put right first.

use super::{Case, Ruling};
use crate::catalogue::Tool;
use crate::evidence::{Change, Extent, Sighting};
use crate::policy::findings::subject_of;
use crate::policy::verdict::{Item, Mismatch, Part, Verdict};
use std::borrow::Cow;
use std::path::Path;

/// An installation that is not what was approved.
#[derive(Debug)]
pub struct ChangedTree<'a> {
    /// The tool.
    pub tool: &'a Tool,
    /// What is installed.
    pub sighting: &'a Sighting,
    /// Where it differs.
    pub mismatch: Mismatch,
    /// `claude-code 2.1.329`.
    pub subject: String,
    /// Its folder. Of a package for one platform that is left without its main package, the folder of that.
    root: Cow<'a, Path>,
}

impl<'a> ChangedTree<'a> {
    /// The installation of a case that was found to be mismatched.
    #[must_use]
    pub fn of(case: &Case<'a>, ruling: &Ruling<'_>) -> Option<Self> {
        let (Verdict::Mismatched(mismatch), Some(sighting)) = (&ruling.verdict, case.sighting()) else { return None };
        let outer = lost_manifest(mismatch).and_then(Path::parent).filter(|outer| sighting.root.starts_with(outer));
        let root = outer.map_or(Cow::Borrowed(sighting.root.as_path()), |outer| Cow::Owned(outer.to_owned()));
        Some(Self { tool: case.tool, sighting, mismatch: mismatch.clone(), subject: subject_of(case.item), root })
    }

    /// Whether a sighting came with it: it lies below, or it is one of the packages that it loads, wherever that lies.
    #[must_use]
    pub fn brought(&self, sighting: &Sighting) -> bool {
        let is_below = || self.sighting.extent == Extent::Folder && sighting.root.starts_with(&self.root);
        let mut covered = self.sighting.measurements.iter().flat_map(|measurement| &measurement.covers);
        sighting.root != self.sighting.root && (is_below() || covered.any(|folder| folder.root == sighting.root))
    }
}

/// The `package.json` of a main package that a mismatch calls missing.
fn lost_manifest(mismatch: &Mismatch) -> Option<&Path> {
    mismatch.place.as_deref().filter(|_| mismatch.part == Part::Main)
}

/// Tell a `package.json` that is not there from one of another version, or that cannot be read: its folder was sighted then.
pub fn look_for_manifest<'i>(ruling: &mut Ruling<'_>, mut items: impl Iterator<Item = &'i Item>) {
    let Verdict::Mismatched(mismatch) = &mut ruling.verdict else { return };
    let Some(folder) = lost_manifest(mismatch).and_then(Path::parent) else { return };
    let is_here = items.any(|item| matches!(item, Item::Sighting(sighting) if sighting.root == folder));
    if let Some(difference) = mismatch.difference.as_mut().filter(|_| is_here) {
        difference.change = Change::Changed;
    }
}
