//! What a hook does after it has answered: start a sync that nobody waits for, when the policy is due for a look.

use super::Context;
use crate::manifest::SyncRules;
use crate::report::checkup::{Fact, Health, Section};
use crate::report::words::{ago, count};
use crate::sync::background;
use crate::sync::record::Record;
use crate::text::printable;
use jiff::SignedDuration;
use std::path::{Path, PathBuf};

/// The policy that a check was judged by, and what it says about syncing.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Its `[sync]`.
    pub(super) rules: SyncRules,
}

/// Start a sync where one is due. What cannot be started is said and changes nothing: the answer was given.
///
/// A policy that could not be believed is synced too, by what its last sync remembered: a broken policy must not be in the way of
/// its own mending.
pub(super) fn after_the_answer(context: &Context, named: Option<&Path>) {
    let world = &context.world;
    let judged = context.judged.get().cloned().or_else(|| {
        let folder = super::sync::policy_folder(world, named).ok()?;
        let held = Record::load(world.files, &folder).held;
        let remembered =
            |held: crate::sync::record::Held| SyncRules { sources: held.sources, every: SignedDuration::from_secs(held.every) };
        Some(Judged { rules: held.map(remembered).unwrap_or_default(), folder })
    });
    let Some(Judged { folder, rules }) = judged else { return };
    if background::due(world, &folder, &rules)
        && let Err(error) = background::start(world, &folder)
    {
        context.printer.say(&format!("vetted: the policy is due for a sync, which cannot be started: {error}"));
    }
}

/// How the last sync of a policy folder went, for `vetted doctor`. Nothing where it was never synced.
pub(super) fn section(context: &Context, folder: &Path) -> Option<Section> {
    let world = &context.world;
    let record = Record::load(world.files, folder);
    let attempt = record.attempt?;
    let success = record.success.map(|at| format!("last went well {}", ago(at, world.now)));
    let mut rows = Vec::new();
    rows.extend(record.source.map(|source| ("source", vec![Fact::Text(printable(&source).into_owned())])));
    let (health, summary) = match (&record.error, success) {
        (None, Some(success)) if record.failures == 0 => (Health::Good, success),
        (_, success) => {
            let tried =
                format!("{} without success, the last one {}", count(record.failures.into(), "attempt"), ago(attempt, world.now));
            (Health::Look, success.map_or(tried.clone(), |success| format!("{tried}; it {success}")))
        }
    };
    if let Some(error) = record.error {
        rows.push(("why", vec![Fact::Text(printable(&error).into_owned())]));
        rows.push(("do", vec![Fact::Command("vetted sync".to_owned())]));
    }
    Some(Section { name: "sync", health, summary, rows })
}
