//! The chain of trust policies: version after version, each signed by the root signers of the one before and by its own.
//!
//! What is believed at its beginning is what this machine believed before, or the version whose fingerprint is pinned beside it, or,
//! where there is neither, the folder by its place. Earlier versions stand in the folder as `vetted-trust.<version>.toml` with their
//! signatures (threat T-18; TUF 5.3).

use super::against::Against;
use super::authority::{Authority, voices};
use super::bundles::read_bundles;
use super::place::TRUST_FILE;
use super::refusal::{Document, Refusal};
use super::sigstore::SignatureBundle;
use super::state::{Floors, State, TrustMark};
use super::unbelieved::Unbelieved;
use super::{Proof, threshold};
use crate::digest::Digest;
use crate::manifest::source::{SOURCE_FILE, SourcePin};
use crate::manifest::trust_policy::Role;
use crate::manifest::{MAX_UNVERIFIED, SOURCE_KIND, TRUST_KIND, TrustPolicy};
use crate::world::files::Files;
use crate::world::index_cache::IndexCache;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most versions that one run follows: at one a year, more than anybody misses.
const MAX_STEPS: u64 = 1000;

/// A believed trust policy.
pub(super) struct Trusted {
    pub(super) authority: Authority,
    pub(super) proof: Proof,
    pub(super) mark: TrustMark,
    /// Roles that lost a voice since what this machine believed before.
    pub(super) reset: BTreeSet<Role>,
}

/// One version of the trust policy, read and not yet believed.
struct Version {
    path: PathBuf,
    bytes: Vec<u8>,
    sha256: Digest,
    authority: Authority,
    bundles: Vec<SignatureBundle>,
}

/// Believe the trust policy of a folder.
///
/// # Errors
/// [`Unbelieved`].
pub(super) fn believe(against: &Against<'_>) -> Result<Trusted, Unbelieved> {
    let path = against.folder.join(TRUST_FILE);
    let refuse = |refusal| Unbelieved { path: path.clone(), refusal };
    let current = Version::read_current(against, path.clone()).map_err(refuse)?;
    let policy = &current.authority.policy;
    let signers = current.signed_by(&current.authority, against.now).map_err(refuse)?;
    let known = against.state.trust.as_ref();
    if let Some(known) = known {
        refuse_older(known, &current).map_err(refuse)?;
    }
    against.floors.admit(Document::Trust, policy.version).map_err(refuse)?;

    let pin = pinned(against.files, against.folder)?;
    let from_known = known.map(|known| (known.version, known.sha256.clone()));
    let needs_pin = pin.as_ref().filter(|pin| known.and_then(|known| known.pin.as_ref()) != Some(*pin));
    let from_pin = needs_pin.map(|pin| find_pinned(against, pin, &current)).transpose()?;
    let anchors: Vec<(u64, Digest)> = from_known.into_iter().chain(from_pin).collect();
    let reset = walk(against, &anchors, &current)?;

    let mark = TrustMark { version: policy.version, sha256: current.sha256.clone(), pin };
    let proof = Proof::Signed { path, sha256: current.sha256, signers };
    Ok(Trusted { authority: current.authority, proof, mark, reset })
}

/// Whether a trust policy is the one that was believed before, or follows it step by step through the earlier versions of a folder.
/// Where none was believed, every one is as good.
///
/// # Errors
/// [`Unbelieved`].
pub fn follows(files: Files, folder: &Path, state: &State, path: &Path) -> Result<(), Unbelieved> {
    let Some(known) = &state.trust else { return Ok(()) };
    let (floors, indexes) = (Floors::default(), IndexCache::off());
    let against = Against { files, folder, now: Timestamp::MIN, state, floors: &floors, indexes: &indexes };
    let refuse = |refusal| Unbelieved { path: path.to_owned(), refusal };
    let read = || {
        let (bytes, policy) = read(files, path)?;
        let bundles = read_bundles(files, path)?;
        let authority = Authority::load_earlier(files, folder, policy);
        Ok(Version { sha256: Digest::sha256_of(&bytes), path: path.to_owned(), bytes, authority, bundles })
    };
    let found = read().map_err(refuse)?;
    refuse_older(known, &found).map_err(refuse)?;
    walk(&against, &[(known.version, known.sha256.clone())], &found).map(drop)
}

impl Version {
    fn read_current(against: &Against<'_>, path: PathBuf) -> Result<Self, Refusal> {
        let (bytes, policy) = read(against.files, &path)?;
        if policy.name != against.state.name {
            return Err(Refusal::OtherPolicy { known: against.state.name.clone(), found: policy.name });
        }
        let bundles = read_bundles(against.files, &path)?;
        let authority = Authority::load(against.files, against.folder, policy)?;
        Ok(Self { sha256: Digest::sha256_of(&bytes), path, bytes, authority, bundles })
    }

    /// An earlier version, by its name in the folder.
    fn read_earlier(against: &Against<'_>, version: u64, current: u64) -> Result<Self, Unbelieved> {
        let path = earlier_path(against.folder, version);
        let read = || {
            let (bytes, policy) = match read(against.files, &path) {
                Err(Refusal::File(error)) if error.is_not_found() => {
                    return Err(Refusal::TrustStepMissing { version, current });
                }
                other => other?,
            };
            if policy.version != version {
                return Err(Refusal::TrustVersion { expected: version, found: policy.version });
            }
            if policy.name != against.state.name {
                return Err(Refusal::OtherPolicy { known: against.state.name.clone(), found: policy.name });
            }
            let authority = Authority::load_earlier(against.files, against.folder, policy);
            let bundles = read_bundles(against.files, &path)?;
            Ok(Self { sha256: Digest::sha256_of(&bytes), path: path.clone(), bytes, authority, bundles })
        };
        read().map_err(|refusal| Unbelieved { path: path.clone(), refusal })
    }

    fn version(&self) -> u64 {
        self.authority.policy.version
    }

    /// The root signers of an authority who signed this version.
    fn signed_by(&self, authority: &Authority, now: Timestamp) -> Result<Vec<String>, Refusal> {
        threshold::verify(authority, Role::Root, &self.bytes, &self.bundles, now)
    }
}

fn read(files: Files, path: &Path) -> Result<(Vec<u8>, TrustPolicy), Refusal> {
    let bytes = files.read(path, MAX_UNVERIFIED)?;
    // Who may sign it stands in the document itself, so it has to be read before it is believed.
    let policy = TrustPolicy::parse(path, &bytes).map_err(|e| Refusal::of_document(e, TRUST_KIND))?;
    Ok((bytes, policy))
}

/// The name that the trust policy of a folder states, before anything of it is believed.
///
/// # Errors
/// [`Unbelieved`].
pub(super) fn stated_name(files: Files, folder: &Path) -> Result<String, Unbelieved> {
    let path = folder.join(TRUST_FILE);
    let (_, policy) = read(files, &path).map_err(|refusal| Unbelieved { path, refusal })?;
    Ok(policy.name)
}

/// The name of an earlier version of the trust policy in its folder.
#[must_use]
pub fn earlier_path(folder: &Path, version: u64) -> PathBuf {
    folder.join(format!("vetted-trust.{version}.toml"))
}

fn refuse_older(known: &TrustMark, current: &Version) -> Result<(), Refusal> {
    let (document, found) = (Document::Trust, current.authority.policy.version);
    if found < known.version {
        return Err(Refusal::Rollback { document, known: known.version, found });
    }
    if found == known.version && current.sha256 != known.sha256 {
        let (known, found) = (known.sha256.clone().into(), current.sha256.clone().into());
        return Err(Refusal::Equivocation { document, serial: current.authority.policy.version, known, found });
    }
    Ok(())
}

/// The fingerprint that is pinned beside the documents.
fn pinned(files: Files, folder: &Path) -> Result<Option<Digest>, Unbelieved> {
    let path = super::place::policy_folder(folder).join(SOURCE_FILE);
    let bytes = match files.read(&path, MAX_UNVERIFIED) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(Unbelieved { path, refusal: error.into() }),
    };
    match SourcePin::parse(&path, &bytes) {
        Ok(pin) => Ok(pin.fingerprint),
        Err(errors) => Err(Unbelieved { refusal: Refusal::of_document(errors, SOURCE_KIND), path }),
    }
}

/// Which version has the pinned fingerprint.
fn find_pinned(against: &Against<'_>, pin: &Digest, current: &Version) -> Result<(u64, Digest), Unbelieved> {
    let newest = current.authority.policy.version;
    if current.sha256 == *pin {
        return Ok((newest, pin.clone()));
    }
    // The chain has no holes: nothing before the first version that is not there can lead here.
    for version in (newest.saturating_sub(MAX_STEPS).max(1)..newest).rev() {
        let path = earlier_path(against.folder, version);
        match against.files.read(&path, MAX_UNVERIFIED) {
            Ok(bytes) if Digest::sha256_of(&bytes) == *pin => return Ok((version, pin.clone())),
            Ok(_) => {}
            Err(error) if error.is_not_found() => break,
            Err(error) => return Err(Unbelieved { path, refusal: error.into() }),
        }
    }
    let refusal = Refusal::Fingerprint { expected: pin.clone(), version: newest, found: current.sha256.clone() };
    Err(Unbelieved { path: current.path.clone(), refusal })
}

/// Walk from the earliest anchor to the current version. Each anchor is met with exactly its bytes; each step is signed by the
/// root signers of the version before it and by its own. Returns the roles that lost a voice since what was believed before.
///
/// As in TUF, a key that has ended, and an end of an earlier version, do not break the chain: it leads to a version that is held
/// to both, and a machine that was switched off for a year must find its way.
fn walk(against: &Against<'_>, anchors: &[(u64, Digest)], current: &Version) -> Result<BTreeSet<Role>, Unbelieved> {
    let newest = current.version();
    let mut reset = BTreeSet::new();
    let Some(first) = anchors.iter().map(|(version, _)| *version).min() else { return Ok(reset) };
    if first == newest {
        check_anchors(anchors, current)?;
        return Ok(reset);
    }
    if newest - first > MAX_STEPS {
        let refusal = Refusal::TrustStepMissing { version: first + 1, current: newest };
        return Err(Unbelieved { path: current.path.clone(), refusal });
    }
    let known = against.state.trust.as_ref().map(|known| known.version);
    let mut step = |before: &Version, after: &Version| {
        check_anchors(anchors, after)?;
        follow(before, after)?;
        if known.is_some_and(|known| after.version() > known) {
            reset.extend(lost_voices(&before.authority.policy, &after.authority.policy));
        }
        Ok(())
    };
    let mut before = Version::read_earlier(against, first, newest)?;
    check_anchors(anchors, &before)?;
    for version in first + 1..newest {
        let after = Version::read_earlier(against, version, newest)?;
        step(&before, &after)?;
        before = after;
    }
    step(&before, current)?;
    Ok(reset)
}

/// What is known of a version holds for the one that is there.
fn check_anchors(anchors: &[(u64, Digest)], found: &Version) -> Result<(), Unbelieved> {
    for (version, expected) in anchors {
        if *version == found.version() && found.sha256 != *expected {
            let (known, actual) = (expected.clone().into(), found.sha256.clone().into());
            let refusal = Refusal::Equivocation { document: Document::Trust, serial: *version, known, found: actual };
            return Err(Unbelieved { path: found.path.clone(), refusal });
        }
    }
    Ok(())
}

/// One version follows another: signed by the root signers of both.
fn follow(before: &Version, after: &Version) -> Result<(), Unbelieved> {
    let version = after.version();
    let vouched = after.signed_by(&before.authority, Timestamp::MIN);
    vouched
        .map_err(|why| Refusal::TrustNotVouched { version, why: Box::new(why) })
        .and_then(|_| after.signed_by(&after.authority, Timestamp::MIN))
        .map_err(|refusal| Unbelieved { path: after.path.clone(), refusal })?;
    Ok(())
}

/// Roles that a version takes a voice from.
fn lost_voices(before: &TrustPolicy, after: &TrustPolicy) -> Vec<Role> {
    let lost = |role: &Role| !voices(before, *role).is_subset(&voices(after, *role));
    [Role::Manifest, Role::Revocations].into_iter().filter(lost).collect()
}
