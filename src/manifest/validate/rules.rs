//! `[rules]`: how much findings weigh, and from when on.

use super::{Lines, words};
use crate::manifest::schema::{Either, Fields};
use crate::manifest::{Level, Levelled, Rules, Schedule};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a `[rules]` table says.
#[derive(Default)]
pub(super) struct Written {
    /// The levels.
    pub(super) rules: Rules,
    /// Where each stands.
    pub(super) lines: BTreeMap<Levelled, u32>,
    /// The same as bytes of the file.
    pub(super) spans: BTreeMap<Levelled, Range<usize>>,
}

/// `[rules]`, or `[overlay.rules]`.
pub(super) fn rules(fields: &mut Fields<'_, '_>, lines: &Lines) -> Written {
    let mut written = Written::default();
    let Some(mut table) = fields.table("rules", "[rules]") else { return written };
    for rule in Levelled::ALL {
        let span = table.key_span(rule.name());
        let schedule = match table.word_or_table(rule.name(), "a level", words::word::<Level>) {
            None => None,
            Some(Either::Word(level)) => Some(Schedule::always(level.value)),
            Some(Either::Table(dates)) => schedule(dates),
        };
        if let Some((schedule, span)) = schedule.zip(span) {
            written.rules.insert(*rule, schedule);
            written.lines.insert(*rule, lines.number(span.start));
            written.spans.insert(*rule, span);
        }
    }
    table.finish();
    written
}

/// `{ warn = TIME, enforce = TIME }`: monitor before the first of them.
fn schedule(mut fields: Fields<'_, '_>) -> Option<Schedule> {
    let (problems, span) = (fields.problems, fields.span.clone());
    let names_none = !fields.has("warn") && !fields.has("enforce");
    let (warn, enforce) = (fields.maybe_time("warn"), fields.maybe_time("enforce"));
    // A date that cannot be read must not become none.
    let is_whole = fields.has("warn") == warn.is_some() && fields.has("enforce") == enforce.is_some();
    fields.finish();
    if names_none {
        problems.add_with_help(
            span,
            "a level with dates names `warn`, `enforce` or both",
            "for example { warn = 2026-12-01T00:00:00Z, enforce = 2027-01-01T00:00:00Z }, or one of the words monitor, warn, enforce",
        );
        return None;
    }
    if let (Some(warn), Some(enforce)) = (&warn, &enforce)
        && enforce.value <= warn.value
    {
        problems.add(enforce.span.clone(), "`enforce` does not come after `warn`: a level only rises");
        return None;
    }
    is_whole.then(|| Schedule { first: Level::Monitor, warn: warn.map(|w| w.value), enforce: enforce.map(|e| e.value) })
}
