//! The positive fact: every pinned digest is equal, what has to be attested is, and the release is old enough.

use super::mismatched::{Comparison, compare, compare_lock, is_any_of};
use super::{Case, Ruling, cooling, unattested};
use crate::evidence::Request;
use crate::manifest::Approval;
use crate::policy::verdict::{Grounds, Verdict};

/// The approval that holds in full, if one does. Whether its manifest is still fresh is asked by `expired`.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Option<Ruling<'a>> {
    let counts = |approval: &Approval| unattested::attestation(case, approval).is_ok() && cooling::of(case, approval).is_none();
    let (approval, grounds) = holding(case).into_iter().find(|(approval, _)| counts(approval))?;
    Some(Ruling { approval: Some(approval), ..Ruling::of_manifest(Verdict::Approved(grounds)) })
}

/// The approvals whose bytes are those of the subject, whatever else they ask for.
#[must_use]
pub fn holding<'a>(case: &Case<'a>) -> Vec<(&'a Approval, Grounds)> {
    let approvals = case.approvals();
    if let Some(sighting) = case.sighting() {
        let equal = approvals.into_iter().filter(|approval| compare(approval, sighting, case.platform) == Comparison::Equal);
        return equal.map(|approval| (approval, Grounds::Installed)).collect();
    }
    let Some(mention) = case.mention().filter(|mention| matches!(mention.request, Request::Exact(_))) else {
        return Vec::new();
    };
    let those = |is_release: &dyn Fn(&Approval) -> bool| -> Vec<&'a Approval> {
        approvals.iter().copied().filter(|approval| is_release(approval)).collect()
    };
    // One approval of every file that the lock names, else those that approve some of them: `mismatched` has seen that together they
    // approve them all.
    let of_all = those(&|approval| compare_lock(&[approval], mention).is_ok());
    let by_release = if of_all.is_empty() { those(&|approval| is_any_of(approval, mention)) } else { of_all };
    if by_release.is_empty() {
        return approvals.into_iter().map(|approval| (approval, Grounds::VersionListed)).collect();
    }
    by_release.into_iter().map(|approval| (approval, Grounds::Release)).collect()
}
