//! A live waiver lets the subject pass: dated, owned, reasoned, and only for what it names.
//!
//! A waiver never lifts a mismatch or what cannot be verified, and lifts a revocation only if that is not critical and stands in
//! the same manifest. What stands in an expired manifest permits nothing.

use super::{Case, Ruling};
use crate::manifest::{Lifts, Severity, Waiver};
use crate::policy::verdict::Verdict;
use crate::version::Version;

/// The waiver that lifts a ruling, if one does.
#[must_use]
pub fn lifting<'a>(case: &Case<'a>, ruling: &Ruling<'a>) -> Option<&'a Waiver> {
    case.policy.manifest().waivers.iter().find(|waiver| is_live(case, waiver) && lifts(waiver, ruling))
}

fn lifts(waiver: &Waiver, ruling: &Ruling<'_>) -> bool {
    match &ruling.verdict {
        Verdict::Revoked { id, .. } => {
            !ruling.of_layer
                && ruling.revocation.is_some_and(|r| r.severity < Severity::Critical)
                && waiver.lifts.contains(&Lifts::Revocation(id.clone()))
        }
        Verdict::Unvetted { .. } => waiver.lifts.contains(&Lifts::Unvetted),
        Verdict::Unattested(_)
        | Verdict::Expired(_)
        | Verdict::Mismatched(_)
        | Verdict::Unverifiable(_)
        | Verdict::Waived { .. }
        | Verdict::Approved(_) => false,
    }
}

fn is_live(case: &Case<'_>, waiver: &Waiver) -> bool {
    let header = &case.policy.manifest().header;
    waiver.tool == case.tool.id
        && waiver.starts <= case.now
        && case.now < waiver.expires
        && case.now < header.expires
        && covers_version(case, waiver)
        && (waiver.digests.is_empty() || case.digests().any(|known| known.verify_all(&waiver.digests).is_ok()))
}

fn covers_version(case: &Case<'_>, waiver: &Waiver) -> bool {
    waiver.versions.is_empty()
        || case
            .version()
            .is_some_and(|version| waiver.versions.iter().any(|listed| Version::parse(case.scheme(), listed) == *version))
}
