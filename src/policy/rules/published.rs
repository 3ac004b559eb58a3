//! What this program knows of releases, compared with a tool that nobody approved: whether it is byte for byte what the registry
//! published. That approves nothing: who published it and what it does, nobody here has judged.

use super::mismatched::{Comparison, compare};
use super::{Case, approvals_of};
use crate::policy::verdict::{Published, Verdict};

/// The comparison of an unvetted sighting, where its release is known and everything of it could be measured.
#[must_use]
pub fn comparison(case: &Case<'_>, verdict: &Verdict) -> Option<Published> {
    let Verdict::Unvetted { .. } = verdict else { return None };
    let (sighting, releases) = (case.sighting()?, case.policy.releases()?);
    if !case.approvals().is_empty() {
        return None;
    }
    let mut first = None;
    for release in approvals_of(releases, sighting, case.scheme()) {
        match compare(release, sighting, case.platform) {
            Comparison::Equal => return Some(Published::Same),
            Comparison::Different(mismatch) => first = first.or(Some(mismatch)),
            Comparison::Unmeasured(_) | Comparison::NotApplicable => {}
        }
    }
    first.map(Published::Differs)
}
