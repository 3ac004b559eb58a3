//! `[[revocation]]` and `[[withdrawn]]`.

use super::{Lines, refuse_twins, words};
use crate::digest::{Algorithm, DigestSet};
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::{Affected, Replacement, Revocation, Subject, Withdrawn};
use crate::source::Spanned;
use crate::tool::ToolId;
use crate::version::{Scheme, Version, VersionRange};
use std::cmp::Ordering;

/// Words that waivers and verdicts have: a revocation of such a name could be taken for one of them.
pub(super) const VERDICT_WORDS: [&str; 6] = ["revoked", "mismatched", "unverifiable", "unattested", "expired", "unvetted"];

/// The ids that the revocations of a document have, those of its overlays too, and those of entries with problems.
#[derive(Default)]
pub(super) struct Ids(Vec<Spanned<String>>);

impl Ids {
    /// Note every id that stands a second time. Only after all revocations were read.
    pub(super) fn refuse_twins(self, problems: &Problems) {
        refuse_twins(self.0, problems, |id| format!("the id `{id}` is taken: ids are never reused"));
    }
}

/// Every `[[revocation]]` below a table.
pub(super) fn revocations(fields: &mut Fields<'_, '_>, lines: &Lines, ids: &mut Ids) -> Vec<Revocation> {
    fields.tables("revocation", "[[revocation]]").into_iter().filter_map(|entry| revocation(entry, lines, ids)).collect()
}

/// Every `[[withdrawn]]`. What it ends may stand in the other document: which ids there are cannot be known here.
pub(super) fn withdrawn(fields: &mut Fields<'_, '_>, lines: &Lines) -> Vec<Withdrawn> {
    let problems = fields.problems;
    let mut all = Vec::new();
    let mut ids = Vec::new();
    for mut entry in fields.tables("withdrawn", "[[withdrawn]]") {
        let id = entry.need("id", revocation_id);
        let reason = entry.need("reason", words::free_text);
        let line = lines.number(entry.span.start);
        entry.finish();
        ids.extend(id.clone());
        all.extend(id.zip(reason).map(|(id, reason)| Withdrawn { id: id.value, reason: reason.value, line }));
    }
    refuse_twins(ids, problems, |id| format!("`{id}` is withdrawn already"));
    all
}

fn revocation_id(text: &str) -> Result<String, String> {
    if VERDICT_WORDS.contains(&text) {
        return Err(format!("`{text}` is the word for a verdict, and no revocation has it for an id"));
    }
    words::id(text)
}

fn revocation(mut fields: Fields<'_, '_>, lines: &Lines, ids: &mut Ids) -> Option<Revocation> {
    let id = fields.need("id", revocation_id);
    ids.0.extend(id.clone());
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
    let package = fields.maybe("package", words::package).map(|p| p.value);
    let named = ["tool", "vendor", "model", "package"].into_iter().filter(|key| fields.has(key)).count();
    if named != 1 {
        problems.add(fields.span.clone(), "an entry of `affected` names exactly one of `tool`, `vendor`, `model` and `package`");
    }
    let ranges_span = fields.key_span("ranges");
    let scheme = package.as_ref().map(|package| package.ecosystem.scheme());
    let entries = fields.tables("ranges", "an entry of `ranges`");
    if let Some(span) = ranges_span {
        if entries.is_empty() {
            problems.add_with_help(span, "`ranges` is empty", "leave it out to refuse every version");
        } else if named == 1 && (fields.has("vendor") || fields.has("model")) {
            problems.add(span, "versions belong to a tool or a package: a vendor or a model is refused as a whole");
        } else if scheme == Some(Scheme::Opaque) {
            problems.add_with_help(
                span,
                "the versions of this kind of package have no order",
                "leave `ranges` out to refuse every version, or refuse files by `digests`",
            );
        }
    }
    let schemes = scheme.map_or(vec![Scheme::SemVer, Scheme::Pep440], |scheme| vec![scheme]);
    let mut ranges = Vec::new();
    if scheme != Some(Scheme::Opaque) {
        ranges.extend(entries.into_iter().filter_map(|entry| range(entry, &schemes)));
    }
    fields.finish();
    Some(Affected { subject: tool.or(vendor).or(model).or(package.map(Subject::Package))?, ranges })
}

/// A range whose bounds one of `schemes` can order. Which order a tool has is not said here; that of a package is known.
fn range(mut fields: Fields<'_, '_>, schemes: &[Scheme]) -> Option<VersionRange> {
    let introduced = fields.need("introduced", |text| words::bound(text, schemes));
    let fixed = fields.maybe("fixed", |text| words::bound(text, schemes));
    if let (Some(introduced), Some(fixed)) = (&introduced, &fixed)
        && !is_before(&introduced.value, &fixed.value, schemes)
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
fn is_before(introduced: &str, fixed: &str, schemes: &[Scheme]) -> bool {
    introduced == "0" && fixed != "0"
        || schemes.iter().any(|scheme| {
            let (a, b) = (Version::parse(*scheme, introduced), Version::parse(*scheme, fixed));
            a.is_ordered() && b.is_ordered() && a.precedence(&b) == Some(Ordering::Less)
        })
}

fn replacement(mut fields: Fields<'_, '_>) -> Option<Replacement> {
    let tool = fields.need("tool", str::parse::<ToolId>);
    let version = fields.maybe("version", words::version);
    fields.finish();
    Some(Replacement { tool: tool?.value, version: version.map(|v| v.value) })
}
