//! `[[waiver]]`: what keeps a permission to pass from becoming a habit (threat T-20).

use super::revocation::VERDICT_WORDS;
use super::scope::scope;
use super::{Lines, refuse_twins, words};
use crate::digest::{Algorithm, DigestSet};
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::trust_policy::MAX_WAIVER;
use crate::manifest::{Lifts, Waiver};
use crate::source::Spanned;
use crate::tool::ToolId;
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// Every `[[waiver]]`. `critical` are the ids of this document's revocations that no waiver lifts; those of the other document are
/// seen when both are believed.
pub(super) fn waivers(fields: &mut Fields<'_, '_>, lines: &Lines, critical: &BTreeSet<&str>) -> Vec<Waiver> {
    let problems = fields.problems;
    let mut all = Vec::new();
    for entry in fields.tables("waiver", "[[waiver]]") {
        all.extend(waiver(entry, lines, critical));
    }
    refuse_twins(all.iter().map(|w| Spanned { value: &w.value.id, span: w.span.clone() }), problems, |id| {
        format!("the id `{id}` is taken: ids are never reused")
    });
    all.into_iter().map(|w| w.value).collect()
}

fn waiver(mut fields: Fields<'_, '_>, lines: &Lines, critical: &BTreeSet<&str>) -> Option<Spanned<Waiver>> {
    let problems = fields.problems;
    let id = fields.need("id", words::id);
    let lifts = fields.list("lifts", |text| words::id(text).map(Lifts::of_word));
    if !fields.has("lifts") || fields.is_empty_list("lifts") {
        problems.add(fields.span.clone(), "a waiver names what it lifts: ids of revocations, or `unvetted`");
    }
    for lift in &lifts {
        refuse_what_no_waiver_lifts(lift, critical, problems);
    }
    let tool = fields.need("tool", str::parse::<ToolId>);
    let versions = fields.list("versions", words::request).into_iter().map(|v| v.value).collect();
    let names_digest = fields.has("digest");
    let digests = fields
        .table("digest", "`digest`")
        .and_then(|table| words::digests(table, &[Algorithm::Sha256, Algorithm::Sha512], "a waived file"));
    let names_scope = fields.has("scope");
    let scope = fields.table("scope", "`scope`").map(scope);
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
        } else if duration > MAX_WAIVER {
            problems
                .add(expires.span.clone(), "a waiver runs for at most 366 days, and for no longer than the trust policy lets it");
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
            // A waiver whose digest or scope cannot be read must not become one for any bytes, everywhere.
            digests: if names_digest { digests? } else { DigestSet::new() },
            scope: if names_scope { Some(scope?) } else { None },
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

fn refuse_what_no_waiver_lifts(lift: &Spanned<Lifts>, critical: &BTreeSet<&str>, problems: &Problems) {
    let Lifts::Revocation(id) = &lift.value else { return };
    if critical.contains(id.as_str()) {
        problems.add(lift.span.clone(), format!("`{id}` is critical: no waiver lifts it"));
    } else if VERDICT_WORDS.contains(&id.as_str()) {
        problems.add(lift.span.clone(), format!("no waiver lifts `{id}`"));
    }
}
