//! An approval names the version and the bytes are others. No waiver lifts this.
//!
//! Several approvals of one version are alternatives (another channel lays the same version out otherwise): it is enough that one
//! of them matches in full, and only when none does is the first difference reported.

use super::{Case, Ruling, applicable};
use crate::digest::{DigestMismatch, DigestSet};
use crate::evidence::{Extent, Sighting};
use crate::manifest::{Approval, Artifact, Installed, Shape};
use crate::policy::verdict::{Mismatch, Verdict, Why};
use crate::tool::Platform;

/// How an approval compares with what is on disk.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// Every applicable artifact has its digests.
    Equal,
    /// At least one was measured and differs.
    Different(Mismatch),
    /// At least one could not be measured, and none that was differs.
    Unmeasured(Why),
    /// Nothing in the approval can apply here.
    NotApplicable,
}

/// Compare one approval with a sighting.
#[must_use]
pub fn compare(approval: &Approval, sighting: &Sighting, platform: &Platform) -> Comparison {
    if sighting.extent == Extent::File
        && let Some(comparison) = compare_single_file(approval, sighting, platform)
    {
        return comparison;
    }
    let artifacts = applicable(approval, sighting, platform);
    if artifacts.is_empty() {
        return Comparison::NotApplicable;
    }
    let mut unmeasured = None;
    for installed in artifacts {
        match compare_artifact(installed, sighting) {
            Comparison::Equal | Comparison::NotApplicable => {}
            Comparison::Different(mismatch) => return Comparison::Different(mismatch),
            open @ Comparison::Unmeasured(_) => unmeasured = unmeasured.or(Some(open)),
        }
    }
    unmeasured.unwrap_or(Comparison::Equal)
}

fn compare_artifact(installed: &Installed, sighting: &Sighting) -> Comparison {
    let what = describe(&installed.shape);
    let list = installed.files.as_ref().map(|files| &files.digests);
    let answers = |m: &&crate::evidence::Measurement| m.shape == installed.shape && m.list.as_ref() == list;
    let Some(measurement) = sighting.measurements.iter().find(answers) else {
        let why = crate::evidence::Unmeasured::Io("it was not measured".to_owned());
        return Comparison::Unmeasured(Why::Unmeasured { what, why });
    };
    let actual = match &measurement.result {
        Ok(digest) => DigestSet::from(digest.clone()),
        Err(why) => return Comparison::Unmeasured(Why::Unmeasured { what, why: why.clone() }),
    };
    match actual.verify_all(&installed.digests) {
        Ok(()) => Comparison::Equal,
        Err(Some(digests)) => Comparison::Different(Mismatch { what, digests, difference: measurement.difference.clone() }),
        Err(None) => {
            let why = crate::evidence::Unmeasured::Io("the approval pins a digest that is not computed".to_owned());
            Comparison::Unmeasured(Why::Unmeasured { what, why })
        }
    }
}

/// A file that lies alone is compared, by its own digest, with every file an approval lists for this platform: a copied program is
/// the same program. `None` when the approval lists no file for the platform.
fn compare_single_file(approval: &Approval, sighting: &Sighting, platform: &Platform) -> Option<Comparison> {
    let files: Vec<&Installed> = approval
        .artifacts
        .iter()
        .filter_map(|artifact| match artifact {
            Artifact::Installed(installed) if matches!(installed.shape, Shape::File { .. }) => Some(installed),
            _ => None,
        })
        .filter(|i| i.platform.as_ref().is_none_or(|p| p == platform))
        .collect();
    let first = files.first()?;
    let what = describe(&first.shape);
    let Some(executable) = sighting.executables.first() else {
        return Some(Comparison::NotApplicable);
    };
    let actual = match &executable.digests {
        Ok(digests) => digests,
        Err(why) => return Some(Comparison::Unmeasured(Why::Unmeasured { what, why: why.clone() })),
    };
    let mut mismatch: Option<DigestMismatch> = None;
    for file in files {
        match actual.verify_all(&file.digests) {
            Ok(()) => return Some(Comparison::Equal),
            Err(Some(different)) => mismatch = mismatch.or(Some(different)),
            Err(None) => {}
        }
    }
    Some(match mismatch {
        Some(digests) => Comparison::Different(Mismatch { what, digests, difference: None }),
        None => Comparison::NotApplicable,
    })
}

/// The artifact in words: `file bin/codex`, `tree`.
fn describe(shape: &Shape) -> String {
    match shape {
        Shape::File { path } if path.is_empty() => "the file".to_owned(),
        Shape::File { path } => format!("file {path}"),
        Shape::Tree { .. } => "the tree".to_owned(),
        Shape::Json { path, .. } => format!("what {path} says"),
        Shape::Packages => "the packages".to_owned(),
    }
}

/// The first difference, when there are approvals of this version that apply and none of them matches in full.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Option<Ruling<'a>> {
    if let Some(sighting) = case.sighting() {
        let mut first = None;
        for approval in case.approvals() {
            match compare(approval, sighting, case.platform) {
                Comparison::Equal => return None,
                Comparison::Different(mismatch) => first = first.or(Some((approval, mismatch))),
                Comparison::Unmeasured(_) | Comparison::NotApplicable => {}
            }
        }
        let (approval, mismatch) = first?;
        let verdict = Verdict::Mismatched(mismatch);
        return Some(Ruling { approval: Some(approval), ..Ruling::of_manifest(verdict) });
    }
    let mention = case.mention()?;
    let mut first = None;
    for approval in case.approvals() {
        for release in releases(approval) {
            match mention.integrity.verify_all(release) {
                Ok(()) => return None,
                Err(Some(digests)) => first = first.or(Some((approval, digests))),
                // The lock gives no digest of that algorithm: nothing to compare.
                Err(None) => {}
            }
        }
    }
    let (approval, digests) = first?;
    let verdict = Verdict::Mismatched(Mismatch { what: "the lock's integrity".to_owned(), digests, difference: None });
    Some(Ruling { approval: Some(approval), ..Ruling::of_manifest(verdict) })
}

/// The release digests an approval pins.
pub(crate) fn releases(approval: &Approval) -> impl Iterator<Item = &DigestSet> {
    approval.artifacts.iter().filter_map(|artifact| match artifact {
        Artifact::Release(release) => Some(&release.digests),
        Artifact::Installed(_) => None,
    })
}
