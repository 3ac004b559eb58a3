//! A revocation covers the subject: by digest, by version range, by vendor, by model id.
//!
//! Digests come first, because a file cannot change them by being renamed. A version that cannot be compared with a range counts
//! as inside it. It cannot know of a copy whose bytes were changed.

use super::{Case, Ruling};
use crate::manifest::{Revocation, Severity, Subject};
use crate::policy::Origin;
use crate::policy::verdict::{RevokedBy, Verdict};
use crate::tool::Kind;
use crate::version::Containment;
use globset::Glob;

/// Every revocation in force that covers the subject, the most severe first.
#[must_use]
pub fn rulings<'a>(case: &Case<'a>) -> Vec<Ruling<'a>> {
    let mut rulings: Vec<Ruling<'a>> = case
        .policy
        .revocations()
        .filter(|(revocation, _)| revocation.effective <= case.now)
        .filter_map(|(revocation, origin)| {
            let by = matched_by(case, revocation)?;
            let verdict = Verdict::Revoked { id: revocation.id.clone(), by };
            Some(Ruling {
                verdict,
                revocation: Some(revocation),
                approval: None,
                decided_by: origin.authority(case.policy),
                of_layer: matches!(origin, Origin::Layer(_)),
            })
        })
        .collect();
    rulings.sort_by_key(|r| std::cmp::Reverse(r.revocation.map_or(Severity::Low, |r| r.severity)));
    rulings
}

fn matched_by(case: &Case<'_>, revocation: &Revocation) -> Option<RevokedBy> {
    if case.digests().any(|known| revocation.digests.iter().any(|revoked| known.shares_any(revoked))) {
        return Some(RevokedBy::Digest);
    }
    revocation.affected.iter().find_map(|affected| {
        let by = match &affected.subject {
            Subject::Tool(id) => (*id == case.tool.id).then_some(RevokedBy::Tool),
            Subject::Vendor(name) => name.eq_ignore_ascii_case(&case.tool.vendor).then_some(RevokedBy::Vendor),
            Subject::Model(glob) => is_model(case, glob).then_some(RevokedBy::Model),
        }?;
        match affected.covers(case.version(), case.scheme()) {
            Some(true) if affected.ranges.is_empty() => Some(by),
            Some(true) => {
                let version = case.version()?;
                let position = affected.ranges.iter().map(|r| r.position(version, case.scheme()));
                let inside = position.into_iter().any(|p| p == Containment::Inside);
                Some(if inside { RevokedBy::Range } else { RevokedBy::Incomparable })
            }
            // Without a version the range cannot be asked: `unverifiable` says so.
            Some(false) | None => None,
        }
    })
}

/// Whether the subject is a model whose name matches. A glob that does not parse matches every model: a revocation that nobody
/// can read must not turn into permission.
fn is_model(case: &Case<'_>, glob: &str) -> bool {
    if case.tool.kind != Kind::Model {
        return false;
    }
    let name = match (case.sighting(), case.mention()) {
        (Some(sighting), _) => sighting.package.as_ref().map(|p| p.name.as_str()),
        (_, Some(mention)) => Some(mention.package.name.as_str()),
        _ => None,
    };
    Glob::new(glob).map_or(true, |glob| name.is_some_and(|name| glob.compile_matcher().is_match(name)))
}
