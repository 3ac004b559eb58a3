//! The positive fact: every pinned digest is equal.

use super::mismatched::{Comparison, compare, releases};
use super::{Case, Ruling};
use crate::evidence::Request;
use crate::policy::verdict::{Grounds, Verdict};

/// The approval that holds in full, if one does. Whether its manifest is still fresh is asked by `expired`.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Option<Ruling<'a>> {
    let approvals = case.approvals();
    if let Some(sighting) = case.sighting() {
        let approval = approvals.into_iter().find(|approval| compare(approval, sighting, case.platform) == Comparison::Equal)?;
        let verdict = Verdict::Approved(Grounds::Installed);
        return Some(Ruling { approval: Some(approval), ..Ruling::of_manifest(verdict) });
    }
    let mention = case.mention()?;
    if !matches!(mention.request, Request::Exact(_)) {
        return None;
    }
    let by_release = approvals.iter().find(|a| releases(a).any(|release| mention.integrity.verify_all(release).is_ok()));
    let (approval, grounds) = match by_release {
        Some(approval) => (*approval, Grounds::Release),
        None => (*approvals.first()?, Grounds::VersionListed),
    };
    Some(Ruling { approval: Some(approval), ..Ruling::of_manifest(Verdict::Approved(grounds)) })
}
