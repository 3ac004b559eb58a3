//! An approval that stands in an expired manifest approves nothing.

use super::{Case, Ruling, approved};
use crate::policy::verdict::Verdict;

/// The expiry, where an approval would hold but for it.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Option<Ruling<'a>> {
    let expires = case.policy.manifest().header.expires;
    if case.now < expires {
        return None;
    }
    let approval = approved::ruling(case)?.approval;
    Some(Ruling { approval, ..Ruling::of_manifest(case, Verdict::Expired(expires)) })
}
