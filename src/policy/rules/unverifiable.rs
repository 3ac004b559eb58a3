//! What would decide cannot be known: no version where a revocation asks for one, no digest where one is revoked or approved.

use super::mismatched::{Comparison, compare};
use super::{Case, Ruling};
use crate::evidence::{Request, State};
use crate::policy::verdict::{Verdict, Why};

/// Why nothing can be decided, if so.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Option<Ruling<'a>> {
    let why = unknown_version(case).or_else(|| undigested(case)).or_else(|| unmeasured(case))?;
    Some(Ruling::of_manifest(Verdict::Unverifiable(why)))
}

/// A range speaks of this tool and no version is known to ask it with. A floating mention has no version by its nature: the
/// finding `floating-version` and the lock file speak of it.
fn unknown_version(case: &Case<'_>) -> Option<Why> {
    if case.version().is_some() || case.mention().is_some_and(|m| matches!(m.request, Request::Floating { .. })) {
        return None;
    }
    super::revoked::is_open(case).then_some(Why::UnknownVersion)
}

/// A file of the tool could not be digested, and files are revoked by their digest. Those are refused wherever they lie and
/// whatever they are called, so it may be one of them whichever tool the revocation speaks of.
fn undigested(case: &Case<'_>) -> Option<Why> {
    let sighting = case.sighting()?;
    let why = sighting.executables.iter().find_map(|e| e.digests.as_ref().err()).cloned().or_else(|| match &sighting.state {
        State::Unreadable(why) => Some(why.clone()),
        _ => None,
    })?;
    let mut in_force = case.policy.revocations().filter(|(revocation, _)| revocation.effective <= case.now);
    let concerned = in_force.any(|(revocation, _)| !revocation.digests.is_empty());
    concerned.then_some(Why::Undigested(why))
}

/// An approval of this version applies and could not be measured, and no other approval matches.
fn unmeasured(case: &Case<'_>) -> Option<Why> {
    let sighting = case.sighting()?;
    let mut first = None;
    for approval in case.approvals() {
        match compare(approval, sighting, case.platform) {
            Comparison::Equal => return None,
            Comparison::Unmeasured(why) => first = first.or(Some(why)),
            Comparison::Different(_) | Comparison::NotApplicable => {}
        }
    }
    first
}
