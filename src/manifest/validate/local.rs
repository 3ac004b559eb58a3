//! What is about addresses and machines: `[sync]` of the manifest, `vetted-machine.toml`, `vetted-source.toml`.

use super::{refuse_twins, words};
use crate::manifest::machine::Machine;
use crate::manifest::schema::Fields;
use crate::manifest::source::{SourcePin, parse_address};
use crate::manifest::{SyncRules, duration};
use jiff::SignedDuration;

/// How often a newer policy may be asked for, at most and at least.
const EVERY: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(5), SignedDuration::from_hours(7 * 24));

/// `[sync]`.
pub(super) fn sync(fields: &mut Fields<'_, '_>) -> SyncRules {
    let mut rules = SyncRules::default();
    let Some(mut table) = fields.table("sync", "[sync]") else { return rules };
    rules.sources = sources(&mut table);
    if let Some(every) = table.maybe("every", |text| duration::between(text, EVERY.0, EVERY.1)) {
        rules.every = every.value;
    }
    table.finish();
    rules
}

/// The document `vetted-machine.toml`.
pub(super) fn machine(fields: &mut Fields<'_, '_>) -> Machine {
    let problems = fields.problems;
    if !fields.has("groups") {
        problems.add(fields.span.clone(), "the document lacks the key `groups`");
    }
    let groups = fields.list("groups", words::id);
    refuse_twins(groups.iter().cloned(), problems, |group| format!("the group `{group}` stands twice"));
    Machine { groups: groups.into_iter().map(|group| group.value).collect() }
}

/// The document `vetted-source.toml`.
pub(super) fn source_pin(fields: &mut Fields<'_, '_>) -> Option<SourcePin> {
    if !fields.has("sources") {
        fields.problems.add(fields.span.clone(), "the document lacks the key `sources`");
    }
    let sources = sources(fields);
    let names_trust = fields.has("trust");
    let fingerprint = fields.table("trust", "`trust`").and_then(|mut trust| {
        let sha256 = trust.need("sha256", words::sha256);
        trust.finish();
        sha256
    });
    // A fingerprint that cannot be read must not become none.
    let fingerprint = if names_trust { Some(fingerprint?.value) } else { None };
    Some(SourcePin { sources, fingerprint })
}

/// `sources`: addresses, tried in order.
fn sources(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let problems = fields.problems;
    if let Some(span) = fields.key_span("sources")
        && fields.is_empty_list("sources")
    {
        problems.add(span, "`sources` names at least one address");
    }
    let sources = fields.list("sources", parse_address);
    refuse_twins(sources.iter().cloned(), problems, |address| format!("the address `{address}` stands twice"));
    sources.into_iter().map(|source| source.value).collect()
}
