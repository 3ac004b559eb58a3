//! `[defaults]` and `[[overlay]]`: what holds for everybody, and what groups of machines narrow.

use super::revocation::{Ids, revocations};
use super::rules::{Written, rules};
use super::{Lines, refuse_twins, words};
use crate::manifest::schema::{Either, Fields, Problems};
use crate::manifest::{
    BundleVersion, GRACE, MAX_COOLDOWN, MAX_GRACE, Mode, Overlay, RuleLines, Rules, Schedule, Unlisted, duration,
};
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

/// What the manifest says for every machine, than which no overlay is laxer.
pub(super) struct Top<'a> {
    /// Its mode, where that could be read.
    pub(super) mode: Option<Mode>,
    /// Its defaults.
    pub(super) defaults: &'a Defaults,
    /// Its levels, as far as it says any.
    pub(super) rules: &'a Rules,
}

/// Every `[[overlay]]`.
pub(super) fn overlays(fields: &mut Fields<'_, '_>, lines: &Lines, top: &Top<'_>, ids: &mut Ids) -> Vec<Overlay> {
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

fn overlay(mut fields: Fields<'_, '_>, lines: &Lines, top: &Top<'_>, ids: &mut Ids) -> Option<Spanned<Overlay>> {
    let (problems, span, defaults) = (fields.problems, fields.span.clone(), top.defaults);
    fields.refuse(
        &["tool", "attestation", "waiver", "directive", "withdrawn", "defaults", "min-bundle", "sync", "requires-client"],
        |key| format!("an overlay has no `{key}`: it only narrows"),
        "it can have `mode`, `unlisted`, `cooldown`, `rules` and [[overlay.revocation]]",
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
    if let (Some(mode), Some(top)) = (&mode, top.mode)
        && mode.value < top
    {
        add_laxer(problems, mode.span.clone(), "mode");
    }
    let mut kinds = BTreeMap::new();
    let line_of_mode = mode.as_ref().map(|mode| lines.number(mode.span.start));
    let cooldown = cooldown(&mut fields);
    if let Some(cooldown) = &cooldown
        && cooldown.value < defaults.cooldown
    {
        add_laxer(problems, cooldown.span.clone(), "cooldown");
    }
    let line_of_cooldown = cooldown.as_ref().map(|cooldown| lines.number(cooldown.span.start));
    let mut rule_lines = RuleLines { mode: line_of_mode, cooldown: line_of_cooldown, ..RuleLines::default() };
    let levels = levels(&mut fields, lines, top.rules);
    rule_lines.rules = levels.lines;
    for Rule { kinds: named, word, span } in unlisted(&mut fields) {
        if named.iter().all(|kind| defaults.unlisted.get(kind).is_some_and(|top| word < *top)) {
            add_laxer(problems, span.clone(), "unlisted");
        }
        rule_lines.unlisted.extend(named.iter().map(|kind| (*kind, lines.number(span.start))));
        kinds.extend(named.into_iter().map(|kind| (kind, word)));
    }
    let names_something = ["mode", "unlisted", "cooldown", "rules", "revocation"].into_iter().any(|key| fields.has(key));
    let revocations = revocations(&mut fields, lines, ids);
    if !names_something {
        problems
            .add(span.clone(), "an overlay narrows something: `mode`, `unlisted`, `cooldown`, `rules` or [[overlay.revocation]]");
    }
    fields.finish();
    let group = group?;
    let (group_span, mode, line) = (group.span, mode.map(|m| m.value), lines.number(span.start));
    let cooldown = cooldown.map(|cooldown| cooldown.value);
    let overlay = Overlay {
        group: group.value,
        mode,
        unlisted: kinds,
        cooldown,
        rules: levels.rules,
        revocations,
        line,
        lines: rule_lines,
    };
    Some(Spanned { value: overlay, span: group_span })
}

/// `[overlay.rules]`: a level that is nowhere stricter than what holds for every machine is laxer.
fn levels(fields: &mut Fields<'_, '_>, lines: &Lines, top: &Rules) -> Written {
    let problems = fields.problems;
    let levels = rules(fields, lines);
    for (rule, schedule) in &levels.rules {
        let known = top.get(rule).copied().unwrap_or_else(|| Schedule::always(rule.default_level()));
        if known != *schedule
            && known.is_at_least(schedule)
            && let Some(span) = levels.spans.get(rule)
        {
            add_laxer(problems, span.clone(), rule.name());
        }
    }
    levels
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
