//! A release has to be of some age before its approval counts: most that is slipped into a registry is found within days.

use super::Case;
use crate::manifest::Approval;
use crate::policy::verdict::Cooling;
use jiff::{SignedDuration, Timestamp};

/// From when on an approval counts, where it does not yet. A permission begins by the clock alone: no document hastens it by stating
/// a later time than the clock shows.
#[must_use]
pub fn of(case: &Case<'_>, approval: &Approval) -> Option<Cooling> {
    let cooldown = case.policy.cooldown();
    if cooldown <= SignedDuration::ZERO {
        return None;
    }
    let Some(released) = approval.released.or_else(|| approval.approved.as_ref().map(|approved| approved.at)) else {
        // Nobody says since when it is out: it is never old enough.
        return Some(Cooling { until: None, released: None, cooldown });
    };
    let until = released.checked_add(cooldown).unwrap_or(Timestamp::MAX);
    (case.clock < until).then_some(Cooling { until: Some(until), released: Some(released), cooldown })
}
