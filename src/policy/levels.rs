//! The level of a rule under a policy: the strictest of all layers, and which line says it.

use super::verdict::{Effect, Rule};
use super::{Freshness, Origin, Policy};
use crate::manifest::{Level, Levelled, Mode, Rules, Schedule};
use crate::tool::Kind;
use jiff::Timestamp;

/// The level of a rule, and who set it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight<'a> {
    /// The level.
    pub(super) level: Level,
    /// The document or layer that makes it as strict as it is.
    pub(super) origin: Origin<'a>,
    /// The line there; none where nothing is written.
    pub(super) line: Option<u32>,
}

impl Weight<'_> {
    /// Where the level stands, where a line says it.
    pub(super) fn rule(&self, policy: &Policy) -> Option<Rule> {
        let line = Some(self.line?);
        Some(Rule { layer: self.origin.layer(), path: self.origin.path(policy).map(ToOwned::to_owned), line, quote: None })
    }
}

impl Policy {
    /// The level of a rule at an instant of the decision ([`Policy::instant`]): the strictest of all layers. A level only rises with
    /// time, so a later instant, which a document may state, never makes it milder.
    #[must_use]
    pub fn level(&self, rule: Levelled, now: Timestamp) -> Level {
        self.weight(rule, now).level
    }

    /// [`Policy::level`], with the outermost layer that makes it so strict.
    pub(super) fn weight(&self, rule: Levelled, now: Timestamp) -> Weight<'_> {
        let manifest = self.manifest();
        let level = schedule_of(&manifest.rules, rule).at(now);
        let mut weight = Weight { level, origin: Origin::Manifest, line: manifest.lines.rules.get(&rule).copied() };
        for layer in self.layers() {
            let Some(schedule) = layer.rules.get(&rule) else { continue };
            if schedule.at(now) > weight.level {
                let line = layer.lines.rules.get(&rule).copied();
                weight = Weight { level: schedule.at(now), origin: Origin::Layer(layer), line };
            }
        }
        weight
    }

    /// Where the rule for unlisted tools of a kind stands, in the outermost layer that makes it as strict as it is; without a line
    /// where nothing is written.
    pub(super) fn unlisted_rule(&self, kind: Kind) -> Rule {
        let in_force = self.unlisted(kind);
        let top = super::unlisted_of(self.manifest(), kind);
        let (origin, lines) = match self.layers().iter().find(|layer| layer.unlisted.get(&kind) == Some(&in_force)) {
            Some(layer) if top < in_force => (Origin::Layer(layer), &layer.lines),
            _ => (Origin::Manifest, &self.manifest().lines),
        };
        let line = lines.unlisted.get(&kind).copied();
        Rule { layer: origin.layer(), path: origin.path(self).map(ToOwned::to_owned), line, quote: None }
    }

    /// What a level does to the run. `is_open` says whether newer documents could let it pass.
    pub(super) fn effect_of_level(&self, level: Level, is_open: bool, freshness: Freshness) -> Effect {
        match level {
            Level::Monitor => Effect::Pass,
            Level::Enforce if self.mode() == Mode::Enforce => {
                if is_open && !freshness.approves() {
                    Effect::Undecided
                } else {
                    Effect::Block
                }
            }
            Level::Warn | Level::Enforce => Effect::Warn,
        }
    }

    /// The most that an unlisted tool does to the run.
    pub(super) fn most_of_unvetted(&self, now: Timestamp) -> Effect {
        match self.level(Levelled::UnvettedTool, now) {
            Level::Monitor => Effect::Pass,
            Level::Warn => Effect::Warn,
            Level::Enforce => Effect::Block,
        }
    }
}

/// What a document says of a rule, else what holds where nothing is said.
pub(super) fn schedule_of(rules: &Rules, rule: Levelled) -> Schedule {
    rules.get(&rule).copied().unwrap_or_else(|| Schedule::always(rule.default_level()))
}
