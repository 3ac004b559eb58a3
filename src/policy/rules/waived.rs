//! A live waiver lets the subject pass: dated, owned, reasoned, in its scope, and only for what it names.
//!
//! A waiver never lifts a mismatch or what cannot be verified. It lifts a revocation only if that is not critical and the
//! organisation's own signers wrote it: the manifest, its overlays, the revocations document. What stands in documents that may not
//! be used any more permits nothing.

use super::{Case, Ruling};
use crate::evidence::Request;
use crate::manifest::{Lifts, Scope, Severity, Waiver};
use crate::policy::verdict::Verdict;
use crate::version::Version;

/// The waiver that lifts a ruling, if one does.
#[must_use]
pub fn lifting<'a>(case: &Case<'a>, ruling: &Ruling<'a>) -> Option<&'a Waiver> {
    if case.freshness.approves() { that_would_lift(case, ruling) } else { None }
}

/// The waiver that would lift a ruling if its document may still be used.
#[must_use]
pub fn that_would_lift<'a>(case: &Case<'a>, ruling: &Ruling<'a>) -> Option<&'a Waiver> {
    let mut waivers = case.policy.manifest().waivers.iter();
    waivers.find(|waiver| lifts(waiver, ruling) && standing(case, waiver) == Standing::Holds)
}

fn lifts(waiver: &Waiver, ruling: &Ruling<'_>) -> bool {
    match &ruling.verdict {
        Verdict::Revoked { id, .. } => {
            ruling.origin.is_of_organisation()
                && ruling.revocation.is_some_and(|r| r.severity < Severity::Critical)
                && waiver.lifts.contains(&Lifts::Revocation(id.clone()))
        }
        Verdict::Unvetted { .. } => waiver.lifts.contains(&Lifts::Unvetted),
        Verdict::Unattested(_)
        | Verdict::Expired(_)
        | Verdict::Mismatched(_)
        | Verdict::Unverifiable(_)
        | Verdict::Waived { .. }
        | Verdict::Approved(_) => false,
    }
}

/// Whether a waiver holds for a subject, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Holds,
    /// It is for another tool.
    OtherTool,
    /// It is for other versions.
    OtherVersion,
    /// It is for other bytes.
    OtherBytes,
    /// It has not begun.
    NotBegun,
    /// It is over.
    Over,
    /// This repository, this machine or this file is outside of its scope.
    OutOfScope,
}

/// Whether a waiver holds for the subject of a case.
#[must_use]
pub fn standing(case: &Case<'_>, waiver: &Waiver) -> Standing {
    if waiver.tool != case.tool.id {
        Standing::OtherTool
    } else if !covers_version(case, waiver) {
        Standing::OtherVersion
    } else if !waiver.digests.is_empty() && !case.digests().any(|known| known.verify_all(&waiver.digests).is_ok()) {
        Standing::OtherBytes
    } else if case.clock < waiver.starts {
        Standing::NotBegun
    } else if waiver.expires <= case.now {
        Standing::Over
    } else if waiver.scope.as_ref().is_some_and(|scope| !is_in(case, scope)) {
        Standing::OutOfScope
    } else {
        Standing::Holds
    }
}

/// Whether the site, and where the scope names paths the file of a mention, lie in a scope. What is installed lies in no repository file.
fn is_in(case: &Case<'_>, scope: &Scope) -> bool {
    let file = case.mention().map(|mention| mention.location.path.as_path());
    scope.holds(case.policy.site()) && (scope.paths.is_empty() || file.is_some_and(|path| scope.holds_for(path)))
}

/// A range in a repository file has no version: the waiver has to name it as it is written there.
fn covers_version(case: &Case<'_>, waiver: &Waiver) -> bool {
    if let Some(Request::Floating { text, .. }) = case.mention().map(|mention| &mention.request) {
        return waiver.versions.is_empty() || waiver.versions.contains(text);
    }
    waiver.versions.is_empty()
        || case
            .version()
            .is_some_and(|version| waiver.versions.iter().any(|listed| Version::parse(case.scheme(), listed) == *version))
}
