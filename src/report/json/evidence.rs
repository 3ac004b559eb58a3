//! What is known of attestations, of the age of a release and of what a registry published, as values.

use super::attested::AttestedEntry;
use super::safe;
use crate::evidence::Change;
use crate::policy::{Attestation, Cooling, Mismatch, Proven, Published, Unattested};
use jiff::Timestamp;
use serde::Serialize;

/// Which approved bytes are not there. The digests are `null` where a file is there that should not be, or is not there.
#[derive(Serialize)]
pub(super) struct MismatchEntry {
    what: String,
    algorithm: Option<&'static str>,
    expected: Option<String>,
    actual: Option<String>,
    first_difference: Option<String>,
    change: Option<&'static str>,
}

impl MismatchEntry {
    pub(super) fn of(mismatch: &Mismatch) -> Self {
        let digests = mismatch.digests.as_ref();
        Self {
            what: safe(&mismatch.what),
            algorithm: digests.map(|d| d.expected.algorithm().name()),
            expected: digests.map(|d| d.expected.hex()),
            actual: digests.map(|d| d.actual.hex()),
            first_difference: mismatch.difference.as_ref().map(|d| safe(&d.path)),
            change: mismatch.difference.as_ref().map(|d| match d.change {
                Change::Changed => "changed",
                Change::Missing => "missing",
                Change::Extra => "extra",
            }),
        }
    }
}

/// What is asked for and not attested.
#[derive(Serialize)]
pub(super) struct UnattestedEntry {
    policy: Option<String>,
    release: Option<String>,
    step: Option<&'static str>,
    expected: String,
    found: String,
    refusal: String,
}

impl UnattestedEntry {
    pub(super) fn of(why: &Unattested) -> Self {
        Self {
            policy: why.policy.as_deref().map(safe),
            release: why.release.as_deref().map(safe),
            step: why.step(),
            expected: safe(&why.expected()),
            found: safe(&why.found()),
            refusal: safe(&why.to_string()),
        }
    }
}

/// Until when an approval does not count.
#[derive(Serialize)]
pub(super) struct CoolingEntry {
    until: Option<Timestamp>,
    released: Option<Timestamp>,
    seconds: i64,
}

impl CoolingEntry {
    pub(super) fn of(cooling: Cooling) -> Self {
        Self { until: cooling.until, released: cooling.released, seconds: cooling.cooldown.as_secs() }
    }
}

/// What is known of the attestations of an approval.
#[derive(Serialize)]
pub(super) struct AttestationEntry {
    state: &'static str,
    proofs: Vec<ProofEntry>,
    without: Vec<String>,
    refusal: Option<UnattestedEntry>,
}

impl AttestationEntry {
    pub(super) fn of(attestation: &Attestation) -> Self {
        let state = attestation.name();
        let (proofs, without, refusal) = match attestation {
            Attestation::Verified { proofs, bare } => {
                (proofs.iter().map(ProofEntry::of).collect(), bare.iter().map(|name| safe(name)).collect(), None)
            }
            Attestation::None => (Vec::new(), Vec::new(), None),
            Attestation::Refused(why) => (Vec::new(), Vec::new(), Some(UnattestedEntry::of(why))),
        };
        Self { state, proofs, without, refusal }
    }
}

/// One verified attestation.
#[derive(Serialize)]
struct ProofEntry {
    policy: Option<String>,
    #[serde(flatten)]
    attested: AttestedEntry,
    subject: crate::digest::DigestSet,
}

impl ProofEntry {
    fn of(proven: &Proven) -> Self {
        Self {
            policy: proven.policy.as_deref().map(safe),
            attested: AttestedEntry::of(&proven.attested),
            subject: proven.attested.subject().clone(),
        }
    }
}

/// How an unvetted tool compares with what its registry published.
#[derive(Serialize)]
pub(super) struct PublishedEntry {
    state: &'static str,
    mismatch: Option<MismatchEntry>,
    path: Option<String>,
}

impl PublishedEntry {
    pub(super) fn of(published: &Published) -> Self {
        match published {
            Published::Same => Self { state: "same", mismatch: None, path: None },
            Published::Differs(mismatch) => Self {
                state: "differs",
                mismatch: Some(MismatchEntry::of(mismatch)),
                path: mismatch.place.as_deref().map(super::exact_path),
            },
        }
    }
}
