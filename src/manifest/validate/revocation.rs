//! `[[revocation]]` and `[[withdrawn]]`.

use super::{Lines, refuse_twins, words};
use crate::digest::{Algorithm, DigestSet};
use crate::manifest::schema::Fields;
use crate::manifest::{Affected, Replacement, Revocation, Subject};
use crate::source::Spanned;
use crate::tool::ToolId;
use crate::version::{Scheme, Version, VersionRange};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// What a document says of revocations.
pub(super) struct Revocations {
    /// Every one, withdrawn ones too.
    pub(super) all: Vec<Revocation>,
    /// Every id, that of an entry with problems too.
    pub(super) ids: BTreeSet<String>,
    /// The ids that are withdrawn.
    pub(super) withdrawn: BTreeSet<String>,
}

/// Every `[[revocation]]` and `[[withdrawn]]`.
pub(super) fn revocations(fields: &mut Fields<'_, '_>, lines: &Lines) -> Revocations {
    let problems = fields.problems;
    let mut named = Vec::new();
    let mut all = Vec::new();
    for entry in fields.tables("revocation", "[[revocation]]") {
        all.extend(revocation(entry, lines, &mut named));
    }
    let ids: BTreeSet<String> = named.iter().map(|id| id.value.clone()).collect();
    refuse_twins(named, problems, |id| format!("the id `{id}` is taken: ids are never reused"));
    let mut withdrawn = Vec::new();
    for mut entry in fields.tables("withdrawn", "[[withdrawn]]") {
        let id = entry.need("id", words::id);
        entry.need("reason", words::free_text);
        entry.finish();
        withdrawn.extend(id);
    }
    for Spanned { value, span } in withdrawn.iter().filter(|id| !ids.contains(&id.value)) {
        problems.add(span.clone(), format!("no revocation of this document has the id `{value}`"));
    }
    refuse_twins(withdrawn.iter().cloned(), problems, |id| format!("`{id}` is withdrawn already"));
    Revocations { all, ids, withdrawn: withdrawn.into_iter().map(|w| w.value).collect() }
}

fn revocation(mut fields: Fields<'_, '_>, lines: &Lines, named: &mut Vec<Spanned<String>>) -> Option<Revocation> {
    let id = fields.need("id", words::id);
    named.extend(id.clone());
    let aliases = fields.list("aliases", words::id).into_iter().map(|alias| alias.value).collect();
    let affected: Vec<_> = fields.tables("affected", "an entry of `affected`").into_iter().filter_map(affected).collect();
    let digests: Vec<_> = fields.tables("digests", "an entry of `digests`").into_iter().filter_map(file_digests).collect();
    let reason = fields.need("reason", words::word);
    let severity = fields.need("severity", words::word);
    let effective = fields.time("effective");
    let advisory = fields.maybe("advisory", words::address).map(|a| a.value);
    let replacement = fields.table("replacement", "`replacement`").and_then(replacement);
    let message = fields.need("message", words::free_text);
    if !fields.has("affected") && !fields.has("digests") {
        fields.problems.add_with_help(
            fields.span.clone(),
            "a revocation names what it refuses: `affected`, `digests` or both",
            "for example affected = [{ tool = \"example\", ranges = [{ introduced = \"2.1.91\", fixed = \"2.1.198\" }] }]",
        );
    }
    let line = lines.number(fields.span.start);
    fields.finish();
    Some(Revocation {
        id: id?.value,
        aliases,
        affected,
        digests,
        reason: reason?.value,
        severity: severity?.value,
        effective: effective?.value,
        advisory,
        replacement,
        message: message?.value,
        line,
    })
}

fn file_digests(fields: Fields<'_, '_>) -> Option<DigestSet> {
    words::digests(fields, &[Algorithm::Sha256, Algorithm::Sha512], "a revoked file")
}

fn affected(mut fields: Fields<'_, '_>) -> Option<Affected> {
    let problems = fields.problems;
    let tool = fields.maybe("tool", str::parse::<ToolId>).map(|t| Subject::Tool(t.value));
    let vendor = fields.maybe("vendor", words::free_text).map(|v| Subject::Vendor(v.value));
    let model = fields.maybe("model", words::model_glob).map(|m| Subject::Model(m.value));
    let named = ["tool", "vendor", "model"].into_iter().filter(|key| fields.has(key)).count();
    if named != 1 {
        problems.add(fields.span.clone(), "an entry of `affected` names exactly one of `tool`, `vendor` and `model`");
    }
    let only_tools_have_ranges = fields.key_span("ranges").filter(|_| !fields.has("tool"));
    let entries = fields.tables("ranges", "an entry of `ranges`");
    if let Some(span) = fields.key_span("ranges")
        && entries.is_empty()
    {
        problems.add_with_help(span, "`ranges` is empty", "leave it out to refuse every version");
    }
    let mut ranges = Vec::with_capacity(entries.len());
    for entry in entries {
        ranges.extend(range(entry));
    }
    if let Some(span) = only_tools_have_ranges {
        problems.add(span, "versions belong to a tool: a vendor or a model is refused as a whole");
    }
    fields.finish();
    Some(Affected { subject: tool.or(vendor).or(model)?, ranges })
}

fn range(mut fields: Fields<'_, '_>) -> Option<VersionRange> {
    let introduced = fields.need("introduced", words::bound);
    let fixed = fields.maybe("fixed", words::bound);
    if let (Some(introduced), Some(fixed)) = (&introduced, &fixed)
        && !is_before(&introduced.value, &fixed.value)
    {
        fields.problems.add(
            fixed.span.clone(),
            format!("the range is empty: `fixed` {} does not come after `introduced` {}", fixed.value, introduced.value),
        );
    }
    let wrong_fixed = fixed.is_none() && fields.has("fixed");
    fields.finish();
    if wrong_fixed {
        return None;
    }
    Some(VersionRange { introduced: introduced?.value, fixed: fixed.map(|f| f.value) })
}

/// Whether one bound stands before the other in some scheme that can order both. `0` stands before everything.
fn is_before(introduced: &str, fixed: &str) -> bool {
    introduced == "0" && fixed != "0"
        || [Scheme::SemVer, Scheme::Pep440].into_iter().any(|scheme| {
            let (a, b) = (Version::parse(scheme, introduced), Version::parse(scheme, fixed));
            a.is_ordered() && b.is_ordered() && a.precedence(&b) == Some(Ordering::Less)
        })
}

fn replacement(mut fields: Fields<'_, '_>) -> Option<Replacement> {
    let tool = fields.need("tool", str::parse::<ToolId>);
    let version = fields.maybe("version", words::version);
    fields.finish();
    Some(Replacement { tool: tool?.value, version: version.map(|v| v.value) })
}
