//! `[[waiver]]`: what keeps a permission to pass from becoming a habit (threat T-20).

use super::revocation::Revocations;
use super::{Lines, refuse_twins, words};
use crate::digest::{Algorithm, DigestSet};
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::{Lifts, Severity, Waiver};
use crate::source::Spanned;
use crate::tool::ToolId;
use jiff::SignedDuration;

/// The longest time a waiver may run.
const MAX_DURATION: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Every `[[waiver]]`. `revocations` are those of the same document.
pub(super) fn waivers(fields: &mut Fields<'_, '_>, lines: &Lines, revocations: &Revocations) -> Vec<Waiver> {
    let problems = fields.problems;
    let mut all = Vec::new();
    for entry in fields.tables("waiver", "[[waiver]]") {
        all.extend(waiver(entry, lines, revocations));
    }
    refuse_twins(all.iter().map(|w| Spanned { value: &w.value.id, span: w.span.clone() }), problems, |id| {
        format!("the id `{id}` is taken: ids are never reused")
    });
    all.into_iter().map(|w| w.value).collect()
}

fn waiver(mut fields: Fields<'_, '_>, lines: &Lines, revocations: &Revocations) -> Option<Spanned<Waiver>> {
    let problems = fields.problems;
    let id = fields.need("id", words::id);
    let lifts = fields.list("lifts", |text| words::id(text).map(lifted));
    if lifts.is_empty() {
        problems.add(
            fields.span.clone(),
            "a waiver names what it lifts: the id of a revocation, `unvetted`, `unattested` or `expired`",
        );
    }
    for lift in &lifts {
        refuse_what_no_waiver_lifts(lift, revocations, problems);
    }
    let tool = fields.need("tool", str::parse::<ToolId>);
    let versions = fields.list("versions", words::version).into_iter().map(|v| v.value).collect();
    let names_digest = fields.has("digest");
    let digests = fields
        .table("digest", "`digest`")
        .and_then(|table| words::digests(table, &[Algorithm::Sha256, Algorithm::Sha512], "a waived file"));
    let owner = fields.need("owner", words::free_text);
    let approver = fields.need("approver", words::free_text);
    if let (Some(owner), Some(approver)) = (&owner, &approver)
        && owner.value.trim().to_lowercase() == approver.value.trim().to_lowercase()
    {
        problems.add(approver.span.clone(), "the owner of a waiver cannot approve it: `approver` is somebody else");
    }
    let reason = fields.need("reason", words::free_text);
    let starts = fields.time("starts");
    let expires = fields.time("expires");
    if let (Some(starts), Some(expires)) = (&starts, &expires) {
        let duration = expires.value.duration_since(starts.value);
        if duration <= SignedDuration::ZERO {
            problems.add(expires.span.clone(), "the waiver expires before it starts");
        } else if duration > MAX_DURATION {
            problems.add(expires.span.clone(), "a waiver runs for at most 14 days");
        }
    }
    let line = lines.number(fields.span.start);
    fields.finish();
    let id = id?;
    Some(Spanned {
        value: Waiver {
            id: id.value,
            lifts: lifts.into_iter().map(|lift| lift.value).collect(),
            tool: tool?.value,
            versions,
            // A waiver whose digest cannot be read must not become one for any bytes.
            digests: if names_digest { digests? } else { DigestSet::new() },
            scope: None,
            owner: owner?.value,
            approver: approver?.value,
            reason: reason?.value,
            starts: starts?.value,
            expires: expires?.value,
            line,
        },
        span: id.span,
    })
}

fn lifted(word: String) -> Lifts {
    match word.as_str() {
        "unvetted" => Lifts::Unvetted,
        _ => Lifts::Revocation(word),
    }
}

fn refuse_what_no_waiver_lifts(lift: &Spanned<Lifts>, revocations: &Revocations, problems: &Problems) {
    let Lifts::Revocation(id) = &lift.value else { return };
    let is_critical = revocations.all.iter().any(|revocation| revocation.id == *id && revocation.severity == Severity::Critical);
    if is_critical {
        problems.add(lift.span.clone(), format!("`{id}` is critical: no waiver lifts it"));
    } else if matches!(id.as_str(), "revoked" | "mismatched" | "unverifiable") {
        problems.add(lift.span.clone(), format!("no waiver lifts `{id}`"));
    } else if !revocations.ids.contains(id) {
        problems.add(lift.span.clone(), format!("no revocation of this document has the id `{id}`"));
    }
}
