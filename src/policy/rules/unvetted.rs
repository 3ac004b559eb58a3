//! No approval names it, or none that counts yet. This is where every subject starts: what no positive fact approves is unvetted.

use super::{Case, Ruling, approved, cooling, unattested};
use crate::policy::verdict::Verdict;
use jiff::Timestamp;

/// The ruling when nothing else holds, with the versions that would be approved, and the approval that will count soonest where one
/// waits for its release to be old enough.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Ruling<'a> {
    let entries = case.policy.manifest().tools.iter().filter(|entry| entry.id == case.tool.id);
    let mut approved_versions: Vec<String> = entries.flat_map(|entry| entry.approvals.versions()).map(str::to_owned).collect();
    approved_versions.sort();
    approved_versions.dedup();
    let attested = approved::holding(case).into_iter().filter(|(approval, _)| unattested::attestation(case, approval).is_ok());
    let waiting = attested.filter_map(|(approval, _)| Some((approval, cooling::of(case, approval)?)));
    let soonest = waiting.min_by_key(|(_, cooling)| cooling.until.unwrap_or(Timestamp::MAX));
    let (approval, cooling) = soonest.unzip();
    Ruling { approval, ..Ruling::of_manifest(Verdict::Unvetted { approved_versions, cooling }) }
}
