//! `vetted approve --from`: pin what a registry serves.

use super::asked::Asked;
use super::evidence::{self, Proofs};
use super::laid::{Laid, ReleasedFile};
use super::npm::{self, Members};
use super::store::{self, Prepared};
use super::{Args, From, approved_now, file, github, pypi, refuse_revoked, subject, tool_of};
use crate::attestation::forms::MAX_RESPONSE;
use crate::cli::change::Change;
use crate::cli::explain::distance;
use crate::cli::{Context, observe};
use crate::digest::{Digest, DigestSet};
use crate::error::{Error, ExitStatus};
use crate::manifest::{Approval, AttestationPolicy, MAX_DOCUMENT, Manifest, Revocation, Revocations, Shape, duration};
use crate::text::{printable, printable_path};
use crate::tool::Package;
use crate::trust::document::REVOCATIONS_FILE;
use crate::version::{Scheme, Version};
use std::path::Path;

/// Run the command.
///
/// # Errors
/// [`Error`] when the release cannot be had or worked out, or the manifest cannot be changed. Nothing is written then.
pub(super) fn run(args: &Args, from: &From, context: &Context) -> Result<ExitStatus, Error> {
    let mut change = Change::begin(context, args.folder.folder_to_change(context)?)?;
    let manifest = change.draft.document().clone();
    let (id, version) = subject(args.subject.as_deref().unwrap_or_default())?;
    let catalogue = observe::catalogue_of(&manifest)?;
    let tool = tool_of(&catalogue, &id)?;
    let revocations = revocations(context, &manifest, &change.folder)?;
    let scheme = match from {
        From::Npm => Some(Scheme::SemVer),
        From::Pypi => Some(Scheme::Pep440),
        From::GitHub(_) | From::File(_) => None,
    };
    if let (Some(scheme), Some(version)) = (scheme, &version)
        && !Version::parse(scheme, version).is_ordered()
    {
        // A tag or a range means another version tomorrow, and one that nobody can read counts as revoked.
        return Err(Error::usage(format!("`{}` is no version of a package", printable(version)))
            .hint(format!("name one exactly, or leave it out for the newest: `vetted approve {id} --from ...`")));
    }
    let asked = Asked { context, args, tool, manifest: &manifest, revocations: &revocations, version };
    if let Some(version) = &asked.version
        && let Some(revocation) = asked.revocation_of(tool.packages().next().as_ref(), version, &[])
    {
        return Ok(refuse_revoked(context, &id, version, revocation));
    }
    let given = given(args, context)?;
    let laid = match from {
        From::Npm => npm::lay(&asked, &Members::Resolved)?,
        From::Pypi => pypi::lay(&asked, None)?,
        From::GitHub(repository) => github::lay(&asked, repository.as_deref())?,
        From::File(path) => {
            is_there(context, path)?;
            file::lay(&asked, path)?
        }
    };
    if let Some(revocation) = asked.revocation_of(laid.package.as_ref(), &laid.version, &known_files(&laid)) {
        return Ok(refuse_revoked(context, &id, &laid.version, revocation));
    }
    let (proofs, new_policy) = match proofs(&asked, &change.folder, &laid, &given)? {
        Ok(proofs) => proofs,
        Err(refused) => {
            context.printer.error(&refused.error(&id, &laid.version));
            return Ok(ExitStatus::Blocked);
        }
    };
    let prepared = store::prepare(&asked, &change.folder, &laid, &proofs, &approved_now(args, context));
    let purl = laid.package.as_ref().map(|p| p.purl(None)).filter(|purl| Package::parse_purl(purl).is_ok());
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot approve {id} {}", printable(&laid.version))).because(e);
    for approval in &prepared.approvals {
        change.draft.approve(&id, purl.as_deref(), approval).map_err(|e| cannot(&e))?;
    }
    if let Some(policy) = &new_policy {
        change.draft.attest(policy).map_err(|e| cannot(&e))?;
        change.draft.require(&id, &policy.id).map_err(|e| cannot(&e))?;
    }
    store::write(context.world.files, &change.folder, &prepared)?;
    say(&asked, &laid, &proofs, &prepared, new_policy.as_ref());
    change.write(context)?;
    Ok(ExitStatus::Success)
}

/// Refuse a source that is no file. A word that is nearly the name of a registry was most likely meant as one.
fn is_there(context: &Context, path: &Path) -> Result<(), Error> {
    match context.world.files.stat(path) {
        Err(error) if error.is_not_found() => {}
        // What else is the matter says whoever reads it.
        _ => return Ok(()),
    }
    let error = Error::usage(format!("`--from {}` names no source", printable_path(path)))
        .cause("expected `npm`, `pypi`, `github:OWNER/REPOSITORY` or a file; no file of this name is here");
    let typed = path.to_str().unwrap_or_default();
    let near = ["npm", "pypi", "github"].into_iter().find(|name| distance(&typed.to_lowercase(), name) <= 2);
    Err(near.map(|name| format!("`--from {name}`")).into_iter().fold(error, Error::hint))
}

/// Every revocation of the policy folder: of the manifest, and of the document of those on call.
///
/// # Errors
/// [`Error`] when that document is there and cannot be read.
pub(super) fn revocations(context: &Context, manifest: &Manifest, folder: &Path) -> Result<Vec<Revocation>, Error> {
    let mut all = manifest.revocations.clone();
    let path = folder.join(REVOCATIONS_FILE);
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot read `{}`", printable_path(&path))).because(e);
    match context.world.files.read(&path, MAX_DOCUMENT) {
        Ok(bytes) => all.extend(Revocations::parse(&path, &bytes).map_err(|e| cannot(&e))?.revocations),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(cannot(&error)),
    }
    Ok(all)
}

/// The files of `--bundle`.
fn given(args: &Args, context: &Context) -> Result<Vec<Vec<u8>>, Error> {
    let read = |path: &std::path::PathBuf| {
        let bytes = context.world.files.read(path, MAX_RESPONSE as u64);
        bytes.map_err(|e| Error::usage(format!("cannot read `{}`", printable_path(path))).because(&e))
    };
    args.bundle.iter().map(read).collect()
}

/// Every file of which a revocation may speak: what the registry serves, and the programs in it.
fn known_files(laid: &Laid) -> Vec<ReleasedFile> {
    let programs = laid.layouts.iter().flat_map(|layout| &layout.installed).filter(|i| matches!(i.shape, Shape::File { .. }));
    let of_digests = |digests: &DigestSet| ReleasedFile {
        package: None,
        name: String::new(),
        digests: digests.clone(),
        attestations: Vec::new(),
        unserved: Vec::new(),
    };
    laid.releases.iter().cloned().chain(programs.map(|program| of_digests(&program.digests))).collect()
}

type Verified = Result<(Proofs, Option<AttestationPolicy>), evidence::Refused>;

/// What is verified of the release; with `--require` under the policy that fits it, which is then asked for.
fn proofs(asked: &Asked<'_>, folder: &Path, laid: &Laid, given: &[Vec<u8>]) -> Result<Verified, Error> {
    let first = match evidence::verify(asked, folder, laid, given, None)? {
        Ok(proofs) => proofs,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(id) = &asked.args.require else { return Ok(Ok((first, None))) };
    if asked.manifest.attestations.iter().any(|policy| policy.id == *id) {
        return Err(Error::usage(format!("`{}` is an [[attestation]] already", printable(id))).hint(format!(
            "`require = [\"{}\"]` in the entry of {} asks for it",
            printable(id),
            asked.tool.id
        )));
    }
    let [policy] = &first.offers[..] else {
        let error =
            Error::usage(format!("`--require {}` writes the one policy that fits, and {} do", printable(id), first.offers.len()));
        let texts = first.offers.iter().map(evidence::policy_text);
        return Err(texts.fold(error, Error::cause).hint("write into vetted.toml what is to be asked for, and approve again"));
    };
    let policy = policy.clone();
    Ok(evidence::verify(asked, folder, laid, given, Some(&policy))?.map(|proofs| (proofs, Some(policy))))
}

/// What was approved, and how much stands behind it.
fn say(asked: &Asked<'_>, laid: &Laid, proofs: &Proofs, prepared: &Prepared, new_policy: Option<&AttestationPolicy>) {
    let printer = asked.context.printer;
    let by = prepared.approvals.first().and_then(|a| a.approved.as_ref()).map(|a| a.by.join(", ")).unwrap_or_default();
    printer.say(&format!("approved {} {} ({})", asked.tool.id, printable(&laid.version), printable(&by)));
    for (file, kept) in laid.releases.iter().zip(&proofs.kept) {
        let digest = file.digests.iter().next().map(Digest::to_string).unwrap_or_default();
        let short: String = digest.chars().take(23).collect();
        let name =
            file.package.as_ref().map_or_else(|| printable(&file.name).into_owned(), |_| printable(&file.name).into_owned());
        printer.say(&format!("  release      {short}   {name}"));
        for one in kept {
            printer.say(&format!("  attestation  {}", one.shows));
        }
    }
    let bare = laid.releases.iter().zip(&proofs.kept).filter(|(_, kept)| kept.is_empty());
    let bare: Vec<String> = bare.map(|(file, _)| printable(&file.name).into_owned()).collect();
    match (bare.len(), laid.releases.len()) {
        (0, _) => {}
        (1, 1) => printer.say("  attestation  none"),
        (none, all) if none == all => printer.say(&format!("  attestation  none, for all {all} release files")),
        (none, all) => printer.say(&format!("  attestation  none, for {none} of {all} release files: {}", bare.join(", "))),
    }
    for approval in &prepared.approvals {
        say_installed(asked, laid, approval);
    }
    if prepared.approvals.len() > 1 {
        printer.say(&format!(
            "  {} layouts, each an approval of its own: with and without what its install script does",
            prepared.approvals.len()
        ));
    }
    if let Some(from) = laid.released.and_then(|released| released.checked_add(asked.manifest.cooldown).ok())
        && from > asked.context.world.now
    {
        printer.say(&format!("  it counts from {from}: the cooldown is {}", duration::written(asked.manifest.cooldown)));
    }
    for note in laid.notes.iter().chain(&proofs.notes) {
        printer.say(&format!("  note: {note}"));
    }
    let is_unattested = prepared.approvals.iter().any(|approval| approval.is_unattested);
    if is_unattested {
        printer.warn(&format!(
            "nothing attests who made {} {}: attestation = \"none\" is written down, and it says only what was downloaded here",
            asked.tool.id,
            printable(&laid.version)
        ));
    }
    for offer in proofs.offers.iter().filter(|_| new_policy.is_none()) {
        printer.say("an attestation is there that no policy asks for; this policy would, once somebody made sure that it names the maker:");
        for line in evidence::policy_text(offer).lines() {
            printer.say(&format!("    {}", printable(line)));
        }
        printer.say(&format!("  `--require {}` writes it down", printable(&offer.id)));
    }
    if let Some(policy) = new_policy {
        printer.say(&format!(
            "{} now requires `{}`: make sure that it names the maker before you sign",
            asked.tool.id,
            printable(&policy.id)
        ));
    }
}

fn say_installed(asked: &Asked<'_>, laid: &Laid, approval: &Approval) {
    let printer = asked.context.printer;
    let count = |wanted: fn(&Shape) -> bool| {
        let installed = approval.artifacts.iter().filter_map(|artifact| match artifact {
            crate::manifest::Artifact::Installed(installed) => Some(installed),
            crate::manifest::Artifact::Release(_) => None,
        });
        installed.filter(|i| wanted(&i.shape)).count()
    };
    let trees = count(|shape| matches!(shape, Shape::Tree { .. }));
    let files = count(|shape| matches!(shape, Shape::File { .. } | Shape::Json { .. }));
    printer.say(&format!("  pinned       {trees} tree{}, {files} file{}", plural(trees), plural(files)));
    if let Some(list) = &laid.packages {
        let unattested = list.packages.iter().filter(|package| package.is_unattested).count();
        let total = list.packages.len();
        printer.say(&format!("  packages     {total} that it may bring along, {unattested} of them without an attestation"));
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
