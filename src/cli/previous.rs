//! The last issue of each document that was signed in full: what a change is compared with.
//!
//! It lies in the folder itself as long as nobody changes it, and then in `previous/` below. Neither place is trusted: signatures
//! are verified again, because the difference that a signer is shown must not depend on who could write into the folder.

use super::Context;
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::difference::Documents;
use crate::manifest::trust_policy::Role;
use crate::manifest::{Beacon, MAX_DOCUMENT, MAX_UNVERIFIED, Manifest, Revocations, TrustPolicy};
use crate::text::printable_path;
use crate::trust::document::{
    MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE, earlier_path, follows, read_bundle_texts, signature_paths,
};
use crate::trust::sigstore::SignatureBundle;
use crate::trust::state::{Mark, Store};
use crate::trust::threshold::{self, Tally};
use crate::trust::{Authority, Document as TrustDocument, Refusal};
use crate::world::files::EntryKind;
use std::path::{Path, PathBuf};

/// The folder, below the policy folder, of what was signed before.
const PREVIOUS_FOLDER: &str = "previous";

/// What was signed in full, of each document the newest.
#[derive(Debug, Default)]
pub(super) struct LastSigned {
    /// The trust policy.
    pub(super) trust: Option<TrustPolicy>,
    /// The manifest.
    pub(super) manifest: Option<Manifest>,
    /// The revocations document.
    pub(super) revocations: Option<Revocations>,
    /// What is signed in full and not compared with, because a newer issue is known: one sentence each.
    pub(super) passed_over: Vec<String>,
    /// The newest manifest that lies here signed in full, compared with or not.
    newest: Option<Mark>,
    /// The newest revocations document that does.
    newest_revocations: Option<Mark>,
}

impl LastSigned {
    /// The documents, to compare with.
    pub(super) fn documents(&self) -> Documents<'_> {
        Documents { trust: self.trust.as_ref(), manifest: self.manifest.as_ref(), revocations: self.revocations.as_ref() }
    }

    /// What revocations name as the newest manifest.
    pub(super) fn beacon(&self) -> Option<Beacon> {
        self.newest.as_ref().map(|mark| Beacon { serial: mark.serial, sha256: mark.sha256.clone() })
    }
}

impl LastSigned {
    /// The newest of a document with a serial that lies here signed in full, compared with or not.
    pub(super) fn newest_mark(&self, document: TrustDocument) -> Option<Mark> {
        match document {
            TrustDocument::Manifest => self.newest.clone(),
            TrustDocument::Revocations => self.newest_revocations.clone(),
            TrustDocument::Trust => None,
        }
    }
}

/// A document with its signatures counted.
pub(super) struct Counted {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// Who signed, and who has not.
    pub(super) tally: Tally,
}

impl Counted {
    /// Whether enough signed.
    pub(super) fn is_complete(&self) -> bool {
        !self.tally.found.is_empty() && self.tally.found.len() >= self.tally.needed
    }
}

/// Count the signatures beside a document. A bundle that cannot be read counts for nobody.
///
/// # Errors
/// [`Refusal`] when the document or its signatures cannot be read, or nobody has the role.
pub(super) fn count(context: &Context, authority: &Authority, role: Role, path: &Path) -> Result<Counted, Refusal> {
    let files = context.world.files;
    let limit = if role == Role::Root { MAX_UNVERIFIED } else { MAX_DOCUMENT };
    let bytes = files.read(path, limit)?;
    let mut bundles = Vec::new();
    let mut unread = Vec::new();
    for text in read_bundle_texts(files, path)? {
        match SignatureBundle::parse(&text) {
            Ok(bundle) => bundles.push(bundle),
            Err(refusal) => unread.push(refusal),
        }
    }
    let mut tally = threshold::tally(authority, role, &bytes, &bundles, context.world.now)?;
    tally.refused.extend(unread);
    Ok(Counted { bytes, tally })
}

/// The newest issue of each document that enough of its role signed; `None` where no trust policy is.
pub(super) fn last_signed(context: &Context, folder: &Path) -> Option<LastSigned> {
    let authority = last_trust(context, folder)?;
    let places = [folder.to_owned(), folder.join(PREVIOUS_FOLDER)];
    let complete = |role: Role, name: &str| -> Vec<(PathBuf, Vec<u8>)> {
        let paths = places.iter().map(|place| place.join(name));
        let counted = paths.filter_map(|path| Some((count(context, &authority, role, &path).ok()?, path)));
        counted.filter(|(counted, _)| counted.is_complete()).map(|(counted, path)| (path, counted.bytes)).collect()
    };
    let known = Store::of(&context.world).load(&authority.policy.name).ok()?;
    let mut last = LastSigned::default();
    let mut named: Option<Beacon> = None;
    for (path, bytes) in complete(Role::Revocations, REVOCATIONS_FILE) {
        let Ok(revocations) = Revocations::parse(&path, &bytes) else { continue };
        if revocations.header.name != authority.policy.name {
            continue;
        }
        if named.as_ref().is_none_or(|other| other.serial < revocations.manifest.serial) {
            named = Some(revocations.manifest.clone());
        }
        let mark = Mark::of(&revocations.header, Digest::sha256_of(&bytes));
        if last.newest_revocations.as_ref().is_none_or(|other| other.serial < mark.serial) {
            last.newest_revocations = Some(mark.clone());
        }
        if let Err(refusal) = known.admit(TrustDocument::Revocations, &mark) {
            last.passed_over.push(passed_over(&path, &refusal));
        } else if last.revocations.as_ref().is_none_or(|other| other.header.serial < revocations.header.serial) {
            last.revocations = Some(revocations);
        }
    }
    for (path, bytes) in complete(Role::Manifest, MANIFEST_FILE) {
        let Ok(manifest) = Manifest::parse(&path, &bytes) else { continue };
        if manifest.header.name != authority.policy.name {
            continue;
        }
        let mark = Mark::of(&manifest.header, Digest::sha256_of(&bytes));
        let found = Beacon { serial: mark.serial, sha256: mark.sha256.clone() };
        if last.newest.as_ref().is_none_or(|other| other.serial < mark.serial) {
            last.newest = Some(mark.clone());
        }
        // An older issue may allow what was taken back since: compared with it, giving it again would be no news.
        let is_newest = known.admit(TrustDocument::Manifest, &mark).and_then(|()| match &named {
            Some(named) => named.admit(&found),
            None => Ok(()),
        });
        if let Err(refusal) = is_newest {
            last.passed_over.push(passed_over(&path, &refusal));
        } else if last.manifest.as_ref().is_none_or(|other| other.header.serial < manifest.header.serial) {
            last.manifest = Some(manifest);
        }
    }
    // What lies in `previous/` is older by its nature: it is news only where it is all there is.
    if last.manifest.is_some() && (last.revocations.is_some() || !authority.policy.roles.contains_key(&Role::Revocations)) {
        last.passed_over.clear();
    }
    last.trust = Some(authority.policy);
    Some(last)
}

fn passed_over(path: &Path, refusal: &Refusal) -> String {
    format!("`{}` is signed, and nothing is compared with it: {refusal}", printable_path(path))
}

/// The newest trust policy that its own root signers signed: the one in the folder, the one before it, or the one kept aside. One
/// that does not follow, step by step, from what this machine believed before is none.
fn last_trust(context: &Context, folder: &Path) -> Option<Authority> {
    let files = context.world.files;
    let read = |path: &Path| TrustPolicy::parse(path, &files.read(path, MAX_UNVERIFIED).ok()?).ok();
    let current = read(&folder.join(TRUST_FILE))?;
    let known = Store::of(&context.world).load(&current.name).ok()?;
    let before = current.version.checked_sub(1).map(|version| earlier_path(folder, version));
    let paths = [Some(folder.join(TRUST_FILE)), before, Some(folder.join(PREVIOUS_FOLDER).join(TRUST_FILE))];
    let mut best: Option<Authority> = None;
    for path in paths.into_iter().flatten() {
        let Some(policy) = read(&path).filter(|p| p.name == current.name && p.version <= current.version) else { continue };
        let authority = Authority::load_earlier(files, folder, policy);
        let Ok(counted) = count(context, &authority, Role::Root, &path) else { continue };
        let is_newer = best.as_ref().is_none_or(|best| best.policy.version < authority.policy.version);
        // Anybody can sign a trust policy of their own. Where one was believed here, only what follows from it says who signed.
        if counted.is_complete() && is_newer && follows(files, folder, &known, &path).is_ok() {
            best = Some(authority);
        }
    }
    best
}

/// Keep every document of a folder that is signed in full, with its signatures, before it is changed. What is kept already and
/// newer stays.
///
/// # Errors
/// [`Error`] of the kind `Usage` when it cannot be written.
pub(super) fn keep_previous(context: &Context, folder: &Path) -> Result<(), Error> {
    let files = context.world.files;
    let Some(authority) = last_trust(context, folder) else { return Ok(()) };
    let aside = folder.join(PREVIOUS_FOLDER);
    // A policy folder can come from a repository: a link in it could lead to the policy that is in force on this machine.
    if files.lstat(&aside).is_ok_and(|stat| stat.kind != EntryKind::Folder) {
        let error = Error::usage("cannot keep what was signed before");
        return Err(error.cause(format!("`{}` is no folder; a link is not followed", printable_path(&aside))));
    }
    for (role, name) in [(Role::Root, TRUST_FILE), (Role::Manifest, MANIFEST_FILE), (Role::Revocations, REVOCATIONS_FILE)] {
        let path = folder.join(name);
        let Ok(counted) = count(context, &authority, role, &path) else { continue };
        if !counted.is_complete() {
            continue;
        }
        let kept = aside.join(name);
        if files.read(&kept, MAX_DOCUMENT).is_ok_and(|bytes| bytes == counted.bytes)
            && count(context, &authority, role, &kept).is_ok_and(|kept| kept.is_complete())
        {
            continue;
        }
        copy_signed(context, &path, &counted.bytes, &kept)?;
    }
    Ok(())
}

/// Write a document and the signatures beside it to another place. Between two of the writes the copy is one that nobody believes.
///
/// # Errors
/// [`Error`] of the kind `Usage` when it cannot be written.
pub(super) fn copy_signed(context: &Context, from: &Path, bytes: &[u8], to: &Path) -> Result<(), Error> {
    let files = context.world.files;
    let cannot = |e: &dyn std::error::Error| Error::usage("cannot keep what was signed before").because(e);
    if let Some(folder) = to.parent().filter(|p| !p.as_os_str().is_empty()) {
        files.create_folder(folder).map_err(|e| cannot(&e))?;
    }
    for (source, target) in signature_paths(from).iter().zip(signature_paths(to)) {
        match files.read(source, MAX_SIGNATURES) {
            Ok(bundles) => files.write_atomic(&target, &bundles, 0o644).map_err(|e| cannot(&e))?,
            Err(error) if error.is_not_found() => match files.remove(&target) {
                Err(error) if !error.is_not_found() => return Err(cannot(&error)),
                _ => {}
            },
            Err(error) => return Err(cannot(&error)),
        }
    }
    files.write_atomic(to, bytes, 0o644).map_err(|e| cannot(&e))
}

/// The largest file of signatures that is copied, in bytes: as many as are read.
const MAX_SIGNATURES: u64 = crate::manifest::MAX_BUNDLE * 8;

/// What the revocations document of a folder is to name as the newest manifest: the newest that was signed in full, or, where none
/// was yet, the one beside it. Naming a draft would make every client refuse the manifest that it has.
///
/// # Errors
/// [`Error`] of the kind `Usage` when there is no manifest that can be read.
pub(super) fn beacon(context: &Context, folder: &Path) -> Result<Beacon, Error> {
    if let Some(beacon) = last_signed(context, folder).and_then(|last| last.beacon()) {
        return Ok(beacon);
    }
    let path = folder.join(MANIFEST_FILE);
    let cannot = |e: &dyn std::error::Error| Error::usage("there is no manifest that the revocations can name").because(e);
    let bytes = context.world.files.read(&path, MAX_DOCUMENT).map_err(|e| cannot(&e))?;
    let manifest = Manifest::parse(&path, &bytes).map_err(|e| cannot(&e))?;
    Ok(Beacon { serial: manifest.header.serial, sha256: Digest::sha256_of(&bytes) })
}
