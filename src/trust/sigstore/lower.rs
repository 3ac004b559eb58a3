//! The verifier of the Sigstore crates, asked in one place: what may be left out follows from the trusted root alone, and what was
//! left out otherwise is refused.

use super::TrustRoot;
use jiff::Timestamp;
use sigstore_verify::types::{Artifact, Bundle, DerPublicKey};
use sigstore_verify::{Error as SigstoreError, PublicKeyVerificationPolicy, VerificationPolicy};

/// Why the verifier does not believe a bundle.
pub(super) enum Fault {
    /// It says why.
    Verifier(Box<SigstoreError>),
    /// It left a step out that was to be done.
    LeftOut,
    /// It found no time of signing that something vouches for.
    NoTime,
}

impl From<SigstoreError> for Fault {
    fn from(error: SigstoreError) -> Self {
        Self::Verifier(Box::new(error))
    }
}

/// Who is to have signed.
pub(super) struct Asked<'a> {
    /// The subject alternative name, exact.
    pub(super) identity: &'a str,
    /// Who vouches for it, exact; `None` where the caller asks by itself.
    pub(super) issuer: Option<&'a str>,
}

/// Whether the bundle has a log entry, and a proof for each that the log holds it. A promise alone says that the log meant to take
/// the entry in.
pub(super) fn proves_every_entry(bundle: &Bundle) -> bool {
    let entries = &bundle.verification_material.tlog_entries;
    !entries.is_empty() && entries.iter().all(|entry| entry.inclusion_proof.is_some())
}

/// Verify a bundle that an identity signed: the verified times of signing, one at least, earliest first.
pub(super) fn by_identity(
    root: &TrustRoot,
    bundle: &Bundle,
    artifact: Artifact<'_>,
    asked: &Asked<'_>,
) -> Result<Vec<Timestamp>, Fault> {
    let mut policy = VerificationPolicy::any_identity().require_identity(asked.identity);
    if let Some(issuer) = asked.issuer {
        policy = policy.require_issuer(issuer);
    }
    if !root.has_certificate_log {
        policy = policy.skip_sct();
    }
    if !root.has_log {
        policy = policy.skip_tlog_unsafe();
    }
    let found = root.verifier.verify(artifact, bundle, &policy)?;
    let is_whole = found.certificate_verified()
        && found.identity_policy_checked()
        && (found.sct_verified() || !root.has_certificate_log)
        && (found.tlog_verified() || !root.has_log);
    if !is_whole {
        return Err(Fault::LeftOut);
    }
    match earliest_first(found.verified_timestamps()) {
        times if times.is_empty() => Err(Fault::NoTime),
        times => Ok(times),
    }
}

/// Verify a bundle that a key signed, with its log entries and its time stamps: the verified times of signing, earliest first. There
/// may be none.
pub(super) fn by_key(
    root: &TrustRoot,
    bundle: &Bundle,
    artifact: Artifact<'_>,
    key: DerPublicKey,
) -> Result<Vec<Timestamp>, Fault> {
    let mut policy = PublicKeyVerificationPolicy::new(key);
    let has_entries = !bundle.verification_material.tlog_entries.is_empty();
    if !has_entries {
        policy = policy.skip_tlog_unsafe();
    }
    let found = root.verifier.verify(artifact, bundle, &policy)?;
    if has_entries && !found.tlog_verified() {
        return Err(Fault::LeftOut);
    }
    Ok(earliest_first(found.verified_timestamps()))
}

fn earliest_first(times: &[Timestamp]) -> Vec<Timestamp> {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.dedup();
    times
}
