//! What documents that may not be used any more would let pass: an approval or a waiver in them permits nothing.

use super::{Case, Ruling, approved, unvetted, waived};
use crate::policy::verdict::Verdict;
use crate::policy::{Document, Freshness, Origin};

/// The expiry, where an approval or a waiver would hold but for it.
#[must_use]
pub fn ruling<'a>(case: &Case<'a>) -> Option<Ruling<'a>> {
    if case.freshness.approves() {
        return None;
    }
    let approval = approved::ruling(case).and_then(|ruling| ruling.approval);
    let waiver = waived::that_would_lift(case, &unvetted::ruling(case));
    if approval.is_none() && waiver.is_none() {
        return None;
    }
    let origin = match case.freshness {
        Freshness::Stale { document: Document::Revocations, .. } => Origin::Revocations,
        _ => Origin::Manifest,
    };
    // The line of an approval says nothing about a document that expired as a whole.
    Some(Ruling { origin, ..Ruling::of_manifest(Verdict::Expired(case.freshness)) })
}
