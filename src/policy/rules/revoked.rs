//! A revocation in force covers the subject: by digest, by version range, by vendor, by model id.
//!
//! What a revocation covers is said once, in `manifest::Revocation::covers`. It cannot know of a copy whose bytes were changed.

use super::{Case, Lift, Ruling, waived};
use crate::manifest::{Coverage, Severity};
use crate::policy::Origin;
use crate::policy::verdict::Verdict;

/// Every revocation in force that covers the subject, the most severe first.
#[must_use]
pub fn rulings<'a>(case: &Case<'a>) -> Vec<Ruling<'a>> {
    let mut rulings: Vec<Ruling<'a>> = in_force(case)
        .filter_map(|(coverage, revocation, origin)| {
            let Coverage::Covered(by) = coverage else { return None };
            let verdict = Verdict::Revoked { id: revocation.id.clone(), by };
            Some(Ruling { revocation: Some(revocation), origin, ..Ruling::of_manifest(verdict) })
        })
        .collect();
    rulings.sort_by_key(|r| std::cmp::Reverse(r.revocation.map_or(Severity::Low, |r| r.severity)));
    rulings
}

/// The revocations that cover the subject and that a waiver lifts.
#[must_use]
pub fn lifted<'a>(case: &Case<'a>) -> Vec<Lift<'a>> {
    let lift = |ruling: Ruling<'a>| Some(Lift { waiver: waived::lifting(case, &ruling)?, revocation: ruling.revocation? });
    rulings(case).into_iter().filter_map(lift).collect()
}

/// Whether a revocation in force speaks of the subject and nobody can tell whether of its version.
#[must_use]
pub fn is_open(case: &Case<'_>) -> bool {
    in_force(case).any(|(coverage, _, _)| coverage == Coverage::Unknown)
}

fn in_force<'a>(case: &Case<'a>) -> impl Iterator<Item = (Coverage, &'a crate::manifest::Revocation, Origin<'a>)> {
    let digests: Vec<_> = case.digests().collect();
    let case = *case;
    let revocations = case.policy.revocations().filter(move |(revocation, _)| revocation.effective <= case.now);
    revocations.map(move |(revocation, origin)| (revocation.covers(&case.target(&digests)), revocation, origin))
}
