//! `vetted approve --reproduce`: have again exactly what an approval records, work it out again, and compare. What a second approver
//! does before signing, on another machine and another network.

use super::asked::Asked;
use super::evidence::Proofs;
use super::laid::Laid;
use super::npm::{self, Members};
use super::store::{self, Prepared};
use super::{Args, pypi, subject};
use crate::cli::change::Change;
use crate::cli::{Context, observe};
use crate::digest::{Digest, DigestSet};
use crate::error::{Error, ErrorKind, ExitStatus};
use crate::manifest::file_list::FileList;
use crate::manifest::package_list::{ListedPackage, PackageList};
use crate::manifest::{Approval, Approved, Artifact, Installed, Release, Shape, ToolEntry};
use crate::text::printable;
use crate::tool::{Ecosystem, PackageVersion};
use crate::trust::document::{load_file_list, load_package_list};
use std::collections::BTreeSet;
use std::path::Path;

/// Run the command.
///
/// # Errors
/// [`Error`] when the manifest cannot be read, nothing is to be reproduced, or a release cannot be had any more.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let folder = args.folder.folder(context)?;
    let change = Change::begin(context, folder)?;
    let manifest = change.draft.document().clone();
    let catalogue = observe::catalogue_of(&manifest)?;
    let wanted = args.subject.as_deref().map(subject).transpose()?;
    let (mut status, mut compared) = (ExitStatus::Success, 0);
    for entry in manifest.tools.iter().filter(|entry| wanted.as_ref().is_none_or(|(id, _)| *id == entry.id)) {
        let Some(tool) = catalogue.tool(&entry.id) else { continue };
        for version in versions(entry, wanted.as_ref().and_then(|(_, version)| version.as_deref())) {
            let asked = Asked { context, args, tool, manifest: &manifest, revocations: &[], version: Some(version.to_owned()) };
            compared += 1;
            let outcome = reproduce(&asked, &change.folder, entry, version);
            status = worse(status, say(context, &format!("{} {}", entry.id, printable(version)), outcome));
        }
    }
    match compared {
        0 => Err(Error::usage("no approval here records a release")
            .cause("what was approved with --installed can be measured again, and not downloaded")
            .hint("`vetted approve TOOL@VERSION --from npm` records one")),
        _ => Ok(status),
    }
}

/// The versions of a tool with an approval that records a release, each once.
fn versions<'a>(entry: &'a ToolEntry, wanted: Option<&str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for approval in &entry.approvals {
        let is_wanted = wanted.is_none_or(|wanted| wanted == approval.version);
        if is_wanted && releases(approval).next().is_some() && !found.contains(&approval.version.as_str()) {
            found.push(&approval.version);
        }
    }
    found
}

fn worse(a: ExitStatus, b: ExitStatus) -> ExitStatus {
    let rank = |status| match status {
        ExitStatus::Success => 0,
        ExitStatus::Usage => 1,
        ExitStatus::Undecided => 2,
        ExitStatus::Blocked => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// How a comparison ended.
enum Outcome {
    /// Everything is the same.
    Identical { approvals: usize },
    /// The first difference.
    Different(String),
}

fn say(context: &Context, what: &str, outcome: Result<Outcome, Error>) -> ExitStatus {
    match outcome {
        Ok(Outcome::Identical { approvals }) => {
            let count = if approvals == 1 { String::new() } else { format!(" ({approvals} approvals)") };
            context.printer.say(&format!("{what}: identical{count}"));
            ExitStatus::Success
        }
        Ok(Outcome::Different(difference)) => {
            let error = Error::usage(format!("{what} is not what its approval records")).cause(difference);
            context.printer.error(&error.hint("do not sign it before it is known why: the registry, the network or the first approver's machine gave other bytes"));
            ExitStatus::Blocked
        }
        Err(error) => {
            let error = Error { kind: ErrorKind::Undecided, ..error };
            context.printer.error(&Error { message: format!("{what} cannot be had again: {}", error.message), ..error });
            ExitStatus::Undecided
        }
    }
}

fn reproduce(asked: &Asked<'_>, folder: &Path, entry: &ToolEntry, version: &str) -> Result<Outcome, Error> {
    let has_release = |approval: &&Approval| approval.version == version && releases(approval).next().is_some();
    let recorded: Vec<&Approval> = entry.approvals.iter().filter(has_release).collect();
    let mut done: Vec<(BTreeSet<String>, Prepared, Laid)> = Vec::new();
    for approval in recorded.iter().copied() {
        let files: BTreeSet<String> = releases(approval).map(|release| format!("{:?}", release.digests)).collect();
        if !done.iter().any(|(known, ..)| *known == files) {
            let laid = lay(asked, folder, approval)?;
            // The bytes of a package that nobody asks for are those of its registry all the same.
            if let Some(package) = laid.undeclared.first() {
                return Ok(Outcome::Different(format!(
                    "package {package}: expected nothing, because nothing that the release brings declares it"
                )));
            }
            let proofs = Proofs { kept: vec![Vec::new(); laid.releases.len()], ..Proofs::default() };
            let nobody = Approved { by: Vec::new(), at: asked.context.world.now, ticket: None };
            let prepared = store::prepare(asked, folder, &laid, &proofs, &nobody);
            done.push((files.clone(), prepared, laid));
        }
        let Some((_, prepared, laid)) = done.iter().find(|(known, ..)| *known == files) else { continue };
        let differences: Vec<String> =
            prepared.approvals.iter().map_while(|now| difference(asked, folder, approval, now, prepared, laid)).collect();
        // The layouts of one release are alternatives: the approval is one of them.
        if differences.len() == prepared.approvals.len() {
            let nearest = differences.into_iter().next().unwrap_or_else(|| "nothing can be pinned any more".to_owned());
            return Ok(Outcome::Different(nearest));
        }
    }
    Ok(Outcome::Identical { approvals: recorded.len() })
}

/// The release of an approval, had again.
fn lay(asked: &Asked<'_>, folder: &Path, approval: &Approval) -> Result<Laid, Error> {
    let packages: Option<Vec<&PackageVersion>> = releases(approval).map(|release| release.package.as_ref()).collect();
    let Some([main, platform @ ..]) = packages.as_deref() else {
        return Err(Error::undecided("it records a file that no registry has")
            .hint("approve the file again with `--from FILE` in another policy folder, and compare the two manifests"));
    };
    match main.package.ecosystem {
        Ecosystem::Npm => {
            let list = package_list(asked, folder, approval)?;
            let platform: BTreeSet<PackageVersion> = platform.iter().map(|&package| package.clone()).collect();
            let listed =
                list.packages.iter().filter(|package| !package.release.is_empty()).map(|package| package.package.clone());
            let packages = listed.chain(platform.iter().cloned()).collect();
            npm::lay(asked, &Members::Recorded { platform: &platform, packages: &packages })
        }
        Ecosystem::Pypi => {
            let digests: Vec<DigestSet> = releases(approval).map(|release| release.digests.clone()).collect();
            pypi::lay(asked, Some(&digests))
        }
        Ecosystem::GitHub => super::github::lay(asked, Some(&main.package.name)),
        _ => Err(Error::undecided(format!("{main} comes from no registry that can be asked"))
            .hint("approve the file again with `--from FILE` in another policy folder, and compare the two manifests")),
    }
}

fn package_list(asked: &Asked<'_>, folder: &Path, approval: &Approval) -> Result<PackageList, Error> {
    let mut references = installed(approval).filter(|i| i.shape == Shape::Packages).filter_map(|i| i.files.as_ref());
    let Some(reference) = references.next() else { return Ok(PackageList::default()) };
    load_package_list(&asked.context.world, folder, reference)
        .map_err(|why| Error::undecided("its list of packages cannot be used").cause(why))
}

/// The first thing in which an approval and what was worked out now differ.
fn difference(
    asked: &Asked<'_>,
    folder: &Path,
    recorded: &Approval,
    now: &Approval,
    prepared: &Prepared,
    laid: &Laid,
) -> Option<String> {
    for release in releases(recorded) {
        let is_same = |other: &&Release| other.package == release.package && same_file(&other.digests, &release.digests);
        if releases(now).find(is_same).is_none() {
            let name = release.package.as_ref().map_or_else(|| "the file".to_owned(), ToString::to_string);
            let same_name = releases(now).find(|other| other.package == release.package);
            return Some(match same_name {
                Some(other) => {
                    format!("release of {name}: expected {}, found {}", shown(&release.digests), shown(&other.digests))
                }
                None => format!("release of {name}: expected {}, and the registry has none", shown(&release.digests)),
            });
        }
    }
    for one in installed(recorded) {
        if one.shape == Shape::Packages {
            if let Some(difference) = differing_package(asked, folder, one, laid) {
                return Some(difference);
            }
            continue;
        }
        let same_place =
            |other: &&Installed| (&other.platform, &other.package, &other.shape) == (&one.platform, &one.package, &one.shape);
        if let Some(same) = installed(now).filter(same_place).find(|other| other.digests == one.digests) {
            // A directory hash does not speak of links: which ones may be there, the list alone says.
            match differing_list(asked, folder, one, same, prepared) {
                Some(difference) => return Some(format!("{}: {difference}", place(one))),
                None => continue,
            }
        }
        let found = installed(now).find(same_place);
        let file = found.and_then(|found| differing_file(asked, folder, one, found, prepared));
        let found = found.map_or_else(|| "nothing of the kind".to_owned(), |found| shown(&found.digests));
        let file = file.map(|file| format!("; the first file that differs is {file}")).unwrap_or_default();
        return Some(format!("{}: expected {}, found {found}{file}", place(one), shown(&one.digests)));
    }
    // What the registry does not say, nobody can compare.
    if let (Some(stated), Some(found)) = (recorded.released, laid.released)
        && stated.as_second() != found.as_second()
    {
        return Some(format!("the time of the release: expected {stated}, found {found}"));
    }
    let count = |approval: &Approval| installed(approval).count();
    if count(recorded) != count(now) {
        return Some(format!("it pins {} things that are installed, and the release now gives {}", count(recorded), count(now)));
    }
    None
}

/// Whether two sets speak of the same file: an algorithm of both has the same digest, and none another.
fn same_file(a: &DigestSet, b: &DigestSet) -> bool {
    a.shares_any(b) && a.iter().all(|digest| b.get(digest.algorithm()).is_none_or(|other| other == digest))
}

/// Whether the list of a tree is another one than that of a tree with the same directory hash.
fn differing_list(
    asked: &Asked<'_>,
    folder: &Path,
    recorded: &Installed,
    now: &Installed,
    prepared: &Prepared,
) -> Option<String> {
    let before = match recorded.files.as_ref().map(|files| load_file_list(&asked.context.world, folder, files)).transpose() {
        Ok(list) => list.unwrap_or_default(),
        Err(why) => return Some(format!("its list of files cannot be used: {why}")),
    };
    let after = now.files.as_ref().and_then(|files| FileList::parse(prepared.files.get(&files.path)?).ok()).unwrap_or_default();
    // A list that marks no file says nothing of it; one that marks some says which.
    let marks_others = !before.executables.is_empty() && before.executables != after.executables;
    if marks_others && before.links == after.links && before.files == after.files {
        let first = before.executables.symmetric_difference(&after.executables).next().map_or("", String::as_str);
        return Some(format!("its list is another one: `{}` is executable in one of the two", printable(first)));
    }
    let is_other = before.links != after.links || (recorded.files.is_some() && before.files != after.files);
    let link = before.links.iter().find(|link| !after.links.contains(link));
    let link = link.or_else(|| after.links.iter().find(|link| !before.links.contains(link)));
    is_other.then(|| match link {
        Some(link) => format!("its list is another one: the link `{}` stands in one of the two", printable(&link.name)),
        None => "its list names other files".to_owned(),
    })
}

fn differing_file(
    asked: &Asked<'_>,
    folder: &Path,
    recorded: &Installed,
    now: &Installed,
    prepared: &Prepared,
) -> Option<String> {
    let before = load_file_list(&asked.context.world, folder, recorded.files.as_ref()?).ok()?;
    let after = FileList::parse(prepared.files.get(&now.files.as_ref()?.path)?).ok()?;
    let changed = before.files.iter().find(|file| !after.files.contains(file));
    let added = || after.files.iter().find(|file| !before.files.contains(file));
    changed.or_else(added).map(|file| format!("`{}`", printable(&file.name)))
}

/// The first package in which a recorded list and the release differ. Whether a package has an attestation by now is no part of it.
fn differing_package(asked: &Asked<'_>, folder: &Path, recorded: &Installed, laid: &Laid) -> Option<String> {
    let reference = recorded.files.as_ref()?;
    let before = match load_package_list(&asked.context.world, folder, reference) {
        Ok(list) => list,
        Err(why) => return Some(format!("its list of packages cannot be used: {why}")),
    };
    let nothing = PackageList::default();
    let after = laid.packages.as_ref().unwrap_or(&nothing);
    let facts = |one: &ListedPackage| ListedPackage { is_unattested: false, ..one.clone() };
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (before.packages.iter().map(facts).collect(), after.packages.iter().map(facts).collect());
    let first = old.symmetric_difference(&new).next()?;
    let of =
        |set: &BTreeSet<ListedPackage>| set.iter().find(|one| one.package == first.package).map(|one| one.dir_hash.to_string());
    let said = |hash: Option<String>| hash.unwrap_or_else(|| "nothing".to_owned());
    Some(format!("package {}: expected {}, found {}", first.package, said(of(&old)), said(of(&new))))
}

fn place(installed: &Installed) -> String {
    let what = match &installed.shape {
        Shape::File { path } if path.is_empty() => "the file".to_owned(),
        Shape::File { path } | Shape::Json { path, .. } => format!("`{}`", printable(path)),
        Shape::Tree { .. } => "the tree".to_owned(),
        Shape::Packages => "the packages".to_owned(),
    };
    let platform = installed.platform.as_ref().map(|platform| format!(" on {}", printable(&platform.0))).unwrap_or_default();
    format!("{what}{platform}")
}

fn shown(digests: &DigestSet) -> String {
    digests.iter().next().map(Digest::to_string).unwrap_or_default()
}

fn releases(approval: &Approval) -> impl Iterator<Item = &Release> {
    approval.artifacts.iter().filter_map(|artifact| match artifact {
        Artifact::Release(release) => Some(release),
        Artifact::Installed(_) => None,
    })
}

fn installed(approval: &Approval) -> impl Iterator<Item = &Installed> {
    approval.artifacts.iter().filter_map(|artifact| match artifact {
        Artifact::Installed(installed) => Some(installed),
        Artifact::Release(_) => None,
    })
}
