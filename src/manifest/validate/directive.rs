//! `[[directive]]`: what repository content may tell AI tools to do.

use super::approval::approved;
use super::scope::scope;
use super::{Lines, refuse_twins, words};
use crate::manifest::schema::Fields;
use crate::manifest::{Address, DirectiveApproval, DirectiveKind};
use crate::source::Spanned;

/// Every `[[directive]]`.
pub(super) fn directives(fields: &mut Fields<'_, '_>, lines: &Lines) -> Vec<DirectiveApproval> {
    let problems = fields.problems;
    let entries = fields.tables("directive", "[[directive]]");
    let all: Vec<_> = entries.into_iter().filter_map(|entry| directive(entry, lines)).collect();
    refuse_twins(all.iter().map(|d| Spanned { value: &d.value.id, span: d.span.clone() }), problems, |id| {
        format!("the id `{id}` is taken: ids are never reused")
    });
    all.into_iter().map(|directive| directive.value).collect()
}

fn directive(mut fields: Fields<'_, '_>, lines: &Lines) -> Option<Spanned<DirectiveApproval>> {
    let (problems, whole) = (fields.problems, fields.span.clone());
    let id = fields.need("id", words::id);
    let kind = fields.need("kind", words::word::<DirectiveKind>);
    let client = fields.maybe("client", words::id);
    let name = fields.maybe("name", words::free_text);
    if let Some(kind) = kind.as_ref().map(|kind| kind.value).filter(|kind| !kind.has_value()) {
        fields.refuse(
            &["value"],
            |key| format!("a directive of the kind `{kind}` has no `{key}`"),
            "`sha256` pins its definition; the finding prints it",
        );
        if !fields.has("sha256") {
            problems.add_with_help(
                whole.clone(),
                format!("a directive of the kind `{kind}` pins its definition by `sha256`"),
                "the finding prints the entry to copy",
            );
        }
    } else if !fields.has("value") && !fields.has("sha256") {
        problems.add(whole.clone(), "a directive names what it approves: `value`, `sha256` or both");
    }
    let (names_value, names_digest, names_scope) = (fields.has("value"), fields.has("sha256"), fields.has("scope"));
    let value = if kind.as_ref().is_some_and(|kind| kind.value.has_value()) { fields.maybe("value", words::place) } else { None };
    let sha256 = fields.maybe("sha256", words::sha256);
    if !fields.has("approved") {
        problems.add(whole.clone(), "a directive says who approved it: `approved = { by = [\"...\"], at = ... }`");
    }
    let approved = fields.table("approved", "`approved`").map(approved);
    let scope = fields.table("scope", "`scope`").map(scope);
    let names = (fields.has("client"), fields.has("name"));
    let line = lines.number(whole.start);
    fields.finish();
    let is_address = kind.as_ref().is_some_and(|kind| kind.value != DirectiveKind::PluginMarketplace);
    if let Some(value) = value.as_ref().filter(|value| is_address && Address::parse(&value.value).is_none()) {
        problems.add_with_help(
            value.span.clone(),
            "`value` is no address with a scheme and a host alone: without a user, a variable or a path that climbs",
            "for example \"https://llm.acme.example/v1\"",
        );
    }
    // What narrows and cannot be read must not be left out: the approval would be one of more.
    let is_whole = names == (client.is_some(), name.is_some())
        && names_value == value.is_some()
        && names_digest == sha256.is_some()
        && names_scope == scope.is_some();
    let id = id?;
    let directive = DirectiveApproval {
        id: id.value,
        kind: kind?.value,
        client: client.map(|client| client.value),
        name: name.map(|name| name.value),
        value: value.map(|value| value.value),
        sha256: sha256.and_then(|sha256| sha256.value.as_bytes().try_into().ok()),
        approved: approved??,
        scope,
        line,
    };
    is_whole.then_some(Spanned { value: directive, span: id.span })
}
