//! `[[tool]]` with its approvals.

use super::artifact::{artifact, refuse_one_thing_twice};
use super::{Lines, refuse_twins, words};
use crate::manifest::schema::{Fields, Problems};
use crate::manifest::{Approval, Approved, Artifact, Recognise, ToolEntry};
use crate::source::Spanned;
use crate::tool::ToolId;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What the rest of the document says that approvals depend on.
pub(super) struct Around<'a> {
    /// Where lines begin.
    pub(super) lines: &'a Lines,
    /// Every id that an `[[attestation]]` has.
    pub(super) attestations: &'a BTreeSet<String>,
    /// When the document was issued; `None` where that has a problem.
    pub(super) issued: Option<Timestamp>,
}

/// Every `[[tool]]`.
pub(super) fn tools(fields: &mut Fields<'_, '_>, around: &Around<'_>) -> Vec<ToolEntry> {
    let problems = fields.problems;
    let entries: Vec<_> = fields.tables("tool", "[[tool]]").into_iter().filter_map(|entry| tool(entry, around)).collect();
    refuse_twins(entries.iter().map(|e| Spanned { value: &e.value.id, span: e.span.clone() }), problems, |id| {
        format!("the tool `{id}` has an entry already; add the approval to it")
    });
    entries.into_iter().map(|entry| entry.value).collect()
}

fn tool(mut fields: Fields<'_, '_>, around: &Around<'_>) -> Option<Spanned<ToolEntry>> {
    let problems = fields.problems;
    let id = fields.need("id", str::parse::<ToolId>);
    // The package URL is for readers and other tools; approving looks at digests alone, so only its form is checked.
    fields.maybe("purl", words::package);
    let recognise = fields.table("recognise", "[tool.recognise]").map(recognise);
    let require = require(&mut fields, around);
    let mut approvals = Vec::new();
    for entry in fields.tables("approval", "[[tool.approval]]") {
        approvals.extend(approval(entry, around, fields.has("require")));
    }
    refuse_same_approval(&approvals, problems);
    fields.finish();
    let id = id?;
    let recognise = match recognise {
        Some(recognise) => Some(recognise?),
        None => None,
    };
    let approvals = approvals.into_iter().map(|(approval, _)| approval).collect();
    Some(Spanned { value: ToolEntry { id: id.value, recognise, require, approvals }, span: id.span })
}

/// `require`: which attestation policies must hold, all of them.
fn require(fields: &mut Fields<'_, '_>, around: &Around<'_>) -> Vec<String> {
    let problems = fields.problems;
    if let Some(span) = fields.key_span("require")
        && fields.is_empty_list("require")
    {
        // An empty list would say "none of them" to one reader and "any of them" to another.
        problems.add_with_help(span, "`require` is empty", "leave it out where no attestation is required");
    }
    let require = fields.list("require", words::id);
    for id in require.iter().filter(|id| !around.attestations.contains(&id.value)) {
        problems.add(id.span.clone(), format!("no [[attestation]] has the id `{}`", id.value));
    }
    refuse_twins(require.iter().cloned(), problems, |id| format!("`{id}` is required already"));
    require.into_iter().map(|id| id.value).collect()
}

/// One version may have several approvals, because installers lay the same release out in different ways; each of them is enough.
/// The same one twice is a mistake.
fn refuse_same_approval(approvals: &[(Approval, Place)], problems: &Problems) {
    let mut by_version: BTreeMap<&str, Vec<&Approval>> = BTreeMap::new();
    for (approval, place) in approvals {
        let earlier = by_version.entry(&approval.version).or_default();
        if earlier.iter().any(|twin| twin.artifacts == approval.artifacts) {
            problems.add(
                place.clone(),
                format!("version {} is approved already in this entry, with the same artifacts", approval.version),
            );
        }
        earlier.push(approval);
    }
}

fn recognise(mut fields: Fields<'_, '_>) -> Option<Recognise> {
    let vendor = fields.need("vendor", words::free_text);
    let kind = fields.need("kind", words::word);
    let packages: Vec<_> = fields.list("packages", words::package).into_iter().map(|p| p.value).collect();
    let binaries: Vec<_> = fields.list("binaries", binary).into_iter().map(|b| b.value).collect();
    if packages.is_empty() && binaries.is_empty() {
        fields.problems.add(fields.span.clone(), "[tool.recognise] names at least one of `packages` and `binaries`");
    }
    fields.finish();
    Some(Recognise { vendor: vendor?.value, kind: kind?.value, packages, binaries })
}

fn binary(text: &str) -> Result<String, String> {
    let name = words::relative_path(text)?;
    if name.contains('/') { Err(format!("`{name}` is a path, not the name of a file")) } else { Ok(name) }
}

type Place = std::ops::Range<usize>;

fn approval(mut fields: Fields<'_, '_>, around: &Around<'_>, is_required: bool) -> Option<(Approval, Place)> {
    let problems = fields.problems;
    let version = fields.need("version", words::version);
    let approved = fields.table("approved", "`approved`").map(approved);
    let released = fields.maybe_time("released");
    if let (Some(released), Some(issued)) = (&released, around.issued)
        && released.value > issued
    {
        problems.add_with_help(
            released.span.clone(),
            "`released` lies after `issued` of the document",
            "it is when the registry published the release",
        );
    }
    let unattested = fields.maybe("attestation", |text| match text {
        "none" => Ok(()),
        _ => Err(format!("`{text}` is not `none`, the one word that may stand here")),
    });
    let tables = fields.tables("artifact", "[[tool.approval.artifact]]");
    if tables.is_empty() {
        problems.add_with_help(
            fields.span.clone(),
            "an approval without artifacts approves nothing",
            "`vetted approve TOOL --installed` pins what lies on disk",
        );
    }
    let artifacts: Vec<_> = tables.into_iter().filter_map(artifact).collect();
    refuse_one_thing_twice(&artifacts, problems);
    let has_evidence = artifacts.iter().any(|artifact| matches!(&artifact.value, Artifact::Release(r) if !r.evidence.is_empty()));
    if let Some(unattested) = &unattested {
        refuse_what_contradicts_none(unattested, has_evidence, is_required, problems);
    }
    let line = around.lines.number(fields.span.start);
    fields.finish();
    let approved = match approved {
        Some(approved) => Some(approved?),
        None => None,
    };
    let version = version?;
    let artifacts = artifacts.into_iter().map(|artifact| artifact.value).collect();
    let (released, is_unattested) = (released.map(|released| released.value), unattested.is_some());
    Some((Approval { version: version.value, approved, released, is_unattested, artifacts, line }, version.span))
}

/// `attestation = "none"` says that there is nothing to verify.
fn refuse_what_contradicts_none(none: &Spanned<()>, has_evidence: bool, is_required: bool, problems: &Problems) {
    if has_evidence {
        problems.add_with_help(
            none.span.clone(),
            "`attestation = \"none\"` stands beside `evidence`",
            "evidence that is written down has to hold: remove one of the two",
        );
    } else if is_required {
        problems.add_with_help(
            none.span.clone(),
            "this approval can never hold: the tool has `require`, and the approval says that there is no attestation",
            "remove the approval, or `require` of the tool",
        );
    }
}

pub(super) fn approved(mut fields: Fields<'_, '_>) -> Option<Approved> {
    let by: Vec<_> = fields.list("by", words::free_text).into_iter().map(|name| name.value).collect();
    let at = fields.time("at");
    let ticket = fields.maybe("ticket", words::free_text);
    if by.is_empty() {
        fields.problems.add(fields.span.clone(), "`approved` names at least one person in `by`");
    } else if by.iter().collect::<BTreeSet<_>>().len() < by.len() {
        fields.problems.add(fields.span.clone(), "`by` names the same person twice");
    }
    fields.finish();
    Some(Approved { by, at: at?.value, ticket: ticket.map(|t| t.value) })
}
