//! No approval names it. This is where every subject starts: what no positive fact approves is unvetted.

use super::{Case, Ruling};
use crate::policy::verdict::Verdict;

/// The ruling when nothing else holds, with the versions that would be approved.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Ruling<'a> {
    let entries = case.policy.manifest().tools.iter().filter(|entry| entry.id == case.tool.id);
    let mut approved_versions: Vec<String> = entries.flat_map(|entry| entry.approvals.versions()).map(str::to_owned).collect();
    approved_versions.sort();
    approved_versions.dedup();
    Ruling::of_manifest(Verdict::Unvetted { approved_versions })
}
