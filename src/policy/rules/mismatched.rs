//! An approval names the version and the bytes are others. No waiver lifts this.
//!
//! Several approvals of one version are alternatives (another channel lays the same version out otherwise): it is enough that one
//! of them matches in full, and only when none does is the first difference reported. Inside one approval, artifacts that ask for
//! the same measurement are alternatives too (glibc or musl, a stub or the program that took its place): one of them has to be
//! equal. Artifacts that ask for different measurements must all hold.

use super::{Case, Ruling, applicable};
use crate::catalogue::Text;
use crate::digest::{DigestMismatch, DigestSet};
use crate::evidence::{Change, Difference, Extent, Measurement, Mention, Sighting, Unmeasured};
use crate::manifest::{Approval, Artifact, Installed, Release, Shape};
use crate::policy::verdict::{Mismatch, Part, Verdict, Why};
use crate::tool::{Ecosystem, Platform};
use crate::version::Version;
use std::path::{Path, PathBuf};

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

/// Compare one approval with a sighting. Files that its runtime would load and that no approval speaks of are a difference, too.
#[must_use]
pub fn compare(approval: &Approval, sighting: &Sighting, platform: &Platform) -> Comparison {
    match (compare_bytes(approval, sighting, platform), sighting.strangers.first()) {
        (Comparison::Equal, Some(stranger)) => Comparison::Different(of_stranger(sighting, stranger)),
        (comparison, _) => comparison,
    }
}

fn compare_bytes(approval: &Approval, sighting: &Sighting, platform: &Platform) -> Comparison {
    if sighting.extent == Extent::File
        && let Some(comparison) = compare_single_file(approval, sighting, platform)
    {
        return comparison;
    }
    let (mut is_equal, mut open) = (false, None);
    for variants in by_measurement(applicable(approval, sighting, platform)) {
        match compare_variants(&variants, sighting) {
            Comparison::Equal => is_equal = true,
            Comparison::NotApplicable => {}
            Comparison::Different(mismatch) => return Comparison::Different(mismatch),
            unmeasured @ Comparison::Unmeasured(_) => open = open.or(Some(unmeasured)),
        }
    }
    match open {
        Some(unmeasured) => unmeasured,
        None if is_equal => Comparison::Equal,
        None => Comparison::NotApplicable,
    }
}

/// Artifacts that ask for the same measurement on the same platform, together.
fn by_measurement(artifacts: Vec<&Installed>) -> Vec<Vec<&Installed>> {
    let mut groups: Vec<Vec<&Installed>> = Vec::new();
    for artifact in artifacts {
        let asked = |i: &Installed| (i.platform.clone(), i.package.clone(), i.shape.clone());
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| asked(first) == asked(artifact))) {
            Some(group) => group.push(artifact),
            None => groups.push(vec![artifact]),
        }
    }
    groups
}

/// One of the variants has to be equal. Of several differences the one is told that comes last in its list: that variant agrees with
/// the disk the longest.
fn compare_variants(variants: &[&Installed], sighting: &Sighting) -> Comparison {
    let (mut farthest, mut open): (Option<Mismatch>, Option<Comparison>) = (None, None);
    let place = |mismatch: &Mismatch| mismatch.difference.as_ref().map(|difference| difference.path.clone());
    for installed in variants {
        match compare_artifact(installed, sighting) {
            Comparison::Equal => return Comparison::Equal,
            Comparison::Different(mismatch) => {
                if farthest.as_ref().is_none_or(|known| place(known) < place(&mismatch)) {
                    farthest = Some(mismatch);
                }
            }
            unmeasured @ Comparison::Unmeasured(_) => open = open.or(Some(unmeasured)),
            Comparison::NotApplicable => {}
        }
    }
    // What could not be measured might have been the one that is equal.
    open.or(farthest.map(Comparison::Different)).unwrap_or(Comparison::NotApplicable)
}

fn compare_artifact(installed: &Installed, sighting: &Sighting) -> Comparison {
    let what = describe(installed);
    let unmeasured = |what: String, why| Comparison::Unmeasured(Why::Unmeasured { what, why });
    let Some(measurement) = answer(installed, sighting) else {
        // An artifact of another package applies only where that package is; where it is not there is no answer.
        return match installed.package {
            Some(_) => Comparison::NotApplicable,
            None => unmeasured(what, Unmeasured::Io("it was not measured".to_owned())),
        };
    };
    // A file that is pinned alone differs where it lies; of a tree the list tells which file it is.
    let path = match (&measurement.difference, &installed.shape) {
        (Some(difference), _) => Some(&difference.path),
        (None, Shape::File { path } | Shape::Json { path, .. }) if !path.is_empty() => Some(path),
        (None, _) => None,
    };
    let place = path.map(|path| {
        let of_package = measurement.covers.first().filter(|_| installed.package.is_some());
        of_package.map_or(&sighting.root, |covered| &covered.root).join(path)
    });
    let part = if installed.shape == Shape::Packages { Part::Packages } else { Part::Own };
    let mismatch = |digests| Mismatch { what: what.clone(), digests, difference: measurement.difference.clone(), place, part };
    let actual = match &measurement.result {
        Err(Unmeasured::NoPackage(_)) if installed.package.is_some() => return Comparison::NotApplicable,
        Err(_) if is_gone(installed, measurement) => return Comparison::Different(mismatch(None)),
        Err(why) => return unmeasured(what, why.clone()),
        Ok(digest) => DigestSet::from(digest.clone()),
    };
    if installed.shape == Shape::Packages && measurement.difference.is_some() {
        // The digest is that of the list; what differs from the list is named.
        return Comparison::Different(mismatch(None));
    }
    match actual.verify_all(&installed.digests) {
        Ok(()) => Comparison::Equal,
        Err(Some(digests)) => Comparison::Different(mismatch(Some(digests))),
        Err(None) => unmeasured(what, Unmeasured::Io("the approval pins a digest that is not computed".to_owned())),
    }
}

/// The answer to exactly this question: an answer that followed another list may have let other links be there.
pub(super) fn answer<'s>(installed: &Installed, sighting: &'s Sighting) -> Option<&'s Measurement> {
    let list = installed.files.as_ref().map(|files| &files.digests);
    let answers = |m: &&Measurement| m.shape == installed.shape && m.package == installed.package && m.list.as_ref() == list;
    sighting.measurements.iter().find(answers)
}

/// Whether a pinned file is simply not there: that is a difference, and no question left open.
fn is_gone(installed: &Installed, measurement: &Measurement) -> bool {
    matches!(installed.shape, Shape::File { .. } | Shape::Json { .. })
        && measurement.difference.as_ref().is_some_and(|difference| difference.change == Change::Missing)
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
    let what = describe(first);
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
        Some(digests) => {
            Comparison::Different(Mismatch { what, digests: Some(digests), difference: None, place: None, part: Part::Own })
        }
        None => Comparison::NotApplicable,
    })
}

fn of_stranger(sighting: &Sighting, stranger: &Path) -> Mismatch {
    let name = stranger.strip_prefix(&sighting.root).unwrap_or(stranger);
    let difference = Difference { path: name.to_string_lossy().into_owned(), change: Change::Extra };
    Mismatch {
        what: "what lies beside it".to_owned(),
        digests: None,
        difference: Some(difference),
        place: Some(stranger.to_owned()),
        part: Part::Beside,
    }
}

/// A package for one platform that is a tool by itself only because the `package.json` of the main package around it says nothing any
/// more. Compared with what is pinned of the main package each of its own files would differ, and none of them is the matter.
fn without_main(case: &Case<'_>, approval: &Approval, sighting: &Sighting) -> Option<Mismatch> {
    let own = sighting.package.as_ref().filter(|package| package.ecosystem == Ecosystem::Npm)?;
    let is_main = |name: &str| case.tool.npm.iter().any(|main| main == name);
    let around = main_folder_around(case, sighting);
    // Beside the main package instead of in it: only what the approval names tells that there was one.
    let main_release = || releases(approval).filter_map(|r| r.package.as_ref()).find(|of| is_main(&of.package.name));
    let name = match &around {
        Some((_, name)) => *name,
        None if is_main(&own.name) => return None,
        None => &main_release()?.package.name,
    };
    let path = "package.json".to_owned();
    Some(Mismatch {
        what: format!("the package {name} {}, of which this is a part", approval.version),
        digests: None,
        difference: Some(Difference { path: path.clone(), change: Change::Missing }),
        place: around.map(|(folder, _)| folder.join(path)),
        part: Part::Main,
    })
}

/// The folder of the tool's main package in whose `node_modules` a sighting lies, and the name of that package.
fn main_folder_around<'a>(case: &Case<'a>, sighting: &Sighting) -> Option<(PathBuf, &'a str)> {
    let is_of = |folder: &Path, name: &str| folder.ends_with(Path::new("node_modules").join(name));
    let mains = || case.tool.npm.iter().map(Text::as_str);
    if mains().any(|name| is_of(&sighting.root, name)) {
        return None;
    }
    let mut above = sighting.root.ancestors().skip(1);
    above.find_map(|folder| mains().find(|name| is_of(folder, name)).map(|name| (folder.to_owned(), name)))
}

/// The artifact in words: `file bin/codex`, `the tree`, `the tree of @openai/codex 0.169.0-linux-x64`.
fn describe(installed: &Installed) -> String {
    let what = match &installed.shape {
        Shape::File { path } if path.is_empty() => "the file".to_owned(),
        Shape::File { path } => format!("file {path}"),
        Shape::Tree { .. } => "the tree".to_owned(),
        Shape::Json { path, .. } => format!("what {path} says"),
        Shape::Packages => "the packages it loads".to_owned(),
    };
    match &installed.package {
        Some(package) => format!("{what} of {} {}", package.package.name, package.version),
        None => what,
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
        let verdict = Verdict::Mismatched(without_main(case, approval, sighting).unwrap_or(mismatch));
        return Some(Ruling { approval: Some(approval), ..Ruling::of_manifest(verdict) });
    }
    let mention = case.mention()?;
    let approvals = case.approvals();
    let digests = compare_lock(&approvals, mention).err().flatten()?;
    let approval = approvals.into_iter().find(|approval| releases_for(approval, mention).next().is_some())?;
    let what = "the lock's integrity".to_owned();
    let mismatch = Mismatch { what, digests: Some(digests), difference: None, place: None, part: Part::Own };
    Some(Ruling { approval: Some(approval), ..Ruling::of_manifest(Verdict::Mismatched(mismatch)) })
}

/// Whether some approvals of one version together approve every file that a lock lets an installer take: any of them may be the one
/// that arrives. Where the lock does not say what the files are, one of them may be what no approval pins, a source distribution;
/// but not the only one.
///
/// # Errors
/// The first file that none of them approves; `None` where lock and approvals have no digest of the same algorithm.
pub(crate) fn compare_lock(approvals: &[&Approval], mention: &Mention) -> Result<(), Option<DigestMismatch>> {
    let releases: Vec<&Release> = approvals.iter().flat_map(|approval| releases_for(approval, mention)).collect();
    let (mut approved, mut others) = (0_usize, Vec::new());
    for file in mention.integrity.files() {
        let compared: Vec<_> = releases.iter().map(|release| file.verify_common(&release.digests)).collect();
        if compared.iter().any(Result::is_ok) {
            approved += 1;
        } else {
            others.extend(compared.into_iter().find_map(|result| result.err().flatten()));
        }
    }
    let spare = usize::from(!mention.integrity.has_names() && approved > 0);
    match others.into_iter().nth(spare) {
        Some(mismatch) => Err(Some(mismatch)),
        None if approved > 0 => Ok(()),
        None => Err(None),
    }
}

/// Whether a lock names a file that an approval approves.
pub(super) fn is_any_of(approval: &Approval, mention: &Mention) -> bool {
    let is_of = |release: &Release| mention.integrity.files().iter().any(|file| file.verify_common(&release.digests).is_ok());
    releases_for(approval, mention).any(is_of)
}

/// The release files of an approval.
pub(crate) fn releases(approval: &Approval) -> impl Iterator<Item = &Release> {
    approval.artifacts.iter().filter_map(|artifact| match artifact {
        Artifact::Release(release) => Some(release),
        Artifact::Installed(_) => None,
    })
}

/// The release files of an approval that can be what a mention asks for: those of its package, and those that name none.
pub(crate) fn releases_for<'a>(approval: &'a Approval, mention: &Mention) -> impl Iterator<Item = &'a Release> {
    releases(approval).filter(move |release| release.package.is_none() || is_of(release, mention))
}

/// Whether a release file is of exactly the package and version that a mention names.
pub(super) fn is_of(release: &Release, mention: &Mention) -> bool {
    let crate::evidence::Request::Exact(version) = &mention.request else { return false };
    release.package.as_ref().is_some_and(|of| {
        of.package == mention.package && Version::parse(mention.package.ecosystem.scheme(), &of.version) == *version
    })
}
