//! `[defaults]` and `[[overlay]]`: what holds for everybody, and what groups of machines narrow.

use super::revocation::{Ids, revocations};
use super::{Lines, refuse_twins, words};
use crate::manifest::schema::{Either, Fields, Problems};
use crate::manifest::{BundleVersion, GRACE, MAX_COOLDOWN, MAX_GRACE, Mode, Overlay, RuleLines, Unlisted, duration};
use crate::source::Spanned;
use crate::text::printable;
use crate::tool::Kind;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::ops::Range;

/// `[defaults]`.
pub(super) struct Defaults {
    /// What happens to an unlisted tool, by kind; complete.
    pub(super) unlisted: BTreeMap<Kind, Unlisted>,
    /// Where the rules stand that are written.
    pub(super) lines: RuleLines,
    /// For how long after their end documents still approve.
    pub(super) grace: SignedDuration,
    /// How old a release has to be.
    pub(super) cooldown: SignedDuration,
    /// The oldest form of a bundle.
    pub(super) min_bundle: BundleVersion,
}

/// `[defaults]`. What it leaves open is the strict reading: a kind that is not named is blocked.
pub(super) fn defaults(fields: &mut Fields<'_, '_>, lines: &Lines) -> Defaults {
    let mut defaults = Defaults {
        unlisted: every_kind(Unlisted::Block),
        lines: RuleLines::default(),
        grace: GRACE,
        cooldown: SignedDuration::ZERO,
        min_bundle: BundleVersion::default(),
    };
    let Some(mut table) = fields.table("defaults", "[defaults]") else { return defaults };
    for Rule { kinds, word, span } in unlisted(&mut table) {
        defaults.lines.unlisted.extend(kinds.iter().map(|kind| (*kind, lines.number(span.start))));
        defaults.unlisted.extend(kinds.into_iter().map(|kind| (kind, word)));
    }
    let grace = table.maybe("grace", |text| duration::between(text, SignedDuration::ZERO, MAX_GRACE));
    if let Some(grace) = grace {
        defaults.grace = grace.value;
    }
    if let Some(cooldown) = cooldown(&mut table) {
        defaults.lines.cooldown = Some(lines.number(cooldown.span.start));
        defaults.cooldown = cooldown.value;
    }
    if let Some(min_bundle) = table.maybe("min-bundle", words::bundle_version) {
        defaults.min_bundle = min_bundle.value;
    }
    table.finish();
    defaults
}

fn cooldown(fields: &mut Fields<'_, '_>) -> Option<Spanned<SignedDuration>> {
    fields.maybe("cooldown", |text| duration::between(text, SignedDuration::ZERO, MAX_COOLDOWN))
}

/// Every `[[overlay]]`. `mode` and `defaults` are those of the manifest, than which none is laxer.
pub(super) fn overlays(
    fields: &mut Fields<'_, '_>,
    lines: &Lines,
    top: (Option<Mode>, &Defaults),
    ids: &mut Ids,
) -> Vec<Overlay> {
    let problems = fields.problems;
    let mut all = Vec::new();
    for entry in fields.tables("overlay", "[[overlay]]") {
        all.extend(overlay(entry, lines, top, ids));
    }
    refuse_twins(all.iter().map(|o| Spanned { value: &o.value.group, span: o.span.clone() }), problems, |group| {
        format!("the group `{group}` has an overlay already; add to it")
    });
    all.into_iter().map(|overlay| overlay.value).collect()
}

fn overlay(
    mut fields: Fields<'_, '_>,
    lines: &Lines,
    (top_mode, defaults): (Option<Mode>, &Defaults),
    ids: &mut Ids,
) -> Option<Spanned<Overlay>> {
    let (problems, span) = (fields.problems, fields.span.clone());
    fields.refuse(
        &["tool", "attestation", "waiver", "withdrawn", "defaults", "min-bundle", "sync", "requires-client"],
        |key| format!("an overlay has no `{key}`: it only narrows"),
        "it can have `mode`, `unlisted`, `cooldown` and [[overlay.revocation]]",
    );
    if !fields.has("when") {
        problems.add(span.clone(), "an overlay says for whom it holds: `when = { group = \"...\" }`");
    }
    let group = fields.table("when", "`when`").and_then(|mut when| {
        let group = when.need("group", words::id);
        when.finish();
        group
    });
    let mode = fields.maybe("mode", words::word);
    if let (Some(mode), Some(top)) = (&mode, top_mode)
        && mode.value < top
    {
        add_laxer(problems, mode.span.clone(), "mode");
    }
    let mut rules = BTreeMap::new();
    let line_of_mode = mode.as_ref().map(|mode| lines.number(mode.span.start));
    let cooldown = cooldown(&mut fields);
    if let Some(cooldown) = &cooldown
        && cooldown.value < defaults.cooldown
    {
        add_laxer(problems, cooldown.span.clone(), "cooldown");
    }
    let line_of_cooldown = cooldown.as_ref().map(|cooldown| lines.number(cooldown.span.start));
    let mut rule_lines = RuleLines { mode: line_of_mode, unlisted: BTreeMap::new(), cooldown: line_of_cooldown };
    for Rule { kinds, word, span } in unlisted(&mut fields) {
        if kinds.iter().all(|kind| defaults.unlisted.get(kind).is_some_and(|top| word < *top)) {
            add_laxer(problems, span.clone(), "unlisted");
        }
        rule_lines.unlisted.extend(kinds.iter().map(|kind| (*kind, lines.number(span.start))));
        rules.extend(kinds.into_iter().map(|kind| (kind, word)));
    }
    let names_something = ["mode", "unlisted", "cooldown", "revocation"].into_iter().any(|key| fields.has(key));
    let revocations = revocations(&mut fields, lines, ids);
    if !names_something {
        problems.add(span.clone(), "an overlay narrows something: `mode`, `unlisted`, `cooldown` or [[overlay.revocation]]");
    }
    fields.finish();
    let group = group?;
    let (group_span, mode, line) = (group.span, mode.map(|m| m.value), lines.number(span.start));
    let cooldown = cooldown.map(|cooldown| cooldown.value);
    let overlay = Overlay { group: group.value, mode, unlisted: rules, cooldown, revocations, line, lines: rule_lines };
    Some(Spanned { value: overlay, span: group_span })
}

fn add_laxer(problems: &Problems, span: Range<usize>, key: &str) {
    problems.add_with_help(
        span,
        format!("this `{key}` is laxer than the manifest's own, and an overlay only narrows"),
        "what stands in the manifest holds for every machine",
    );
}

/// A rule for unlisted tools as it is written: of every kind, or of one.
struct Rule {
    kinds: Vec<Kind>,
    word: Unlisted,
    span: Range<usize>,
}

fn every_kind(rule: Unlisted) -> BTreeMap<Kind, Unlisted> {
    Kind::ALL.into_iter().map(|kind| (kind, rule)).collect()
}

/// `unlisted`: one word, or a word for each kind.
fn unlisted(fields: &mut Fields<'_, '_>) -> Vec<Rule> {
    let problems = fields.problems;
    match fields.word_or_table("unlisted", "`unlisted`", words::word) {
        None => Vec::new(),
        Some(Either::Word(rule)) => vec![Rule { kinds: Kind::ALL.to_vec(), word: rule.value, span: rule.span }],
        Some(Either::Table(mut kinds)) => {
            let mut rules = Vec::new();
            for (kind, rule) in kinds.entries() {
                match (words::word(kind.value), words::word(rule.value)) {
                    (Ok(kind), Ok(word)) => rules.push(Rule { kinds: vec![kind], word, span: rule.span }),
                    (kind_result, rule_result) => {
                        kind_result.err().into_iter().for_each(|e: String| problems.add(kind.span.clone(), printable(&e)));
                        rule_result.err().into_iter().for_each(|e: String| problems.add(rule.span.clone(), printable(&e)));
                    }
                }
            }
            rules
        }
    }
}
