//! What is to be said of the policy itself: how old it is, what in a lower layer has no effect, which waivers want a look.

use super::finding::{Code, Finding, Help, Place, Severity};
use super::findings::{day, observed};
use super::levels::schedule_of;
use super::{Freshness, Policy, remedy, unlisted_of};
use crate::manifest::layer::{Layer, Narrowing};
use crate::manifest::{Levelled, Lifts, Mode, Rules, Unlisted, Waiver};
use crate::source::Location;
use crate::tool::Kind;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How long before its end a waiver in use is spoken of.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The same for a waiver that runs no longer than that: one that warned from its first minute would warn of nothing.
const SOON_OF_SHORT: SignedDuration = SignedDuration::from_hours(24);

/// Documents that have expired, and a clock that cannot be right.
pub(super) fn of_freshness(policy: &Policy, freshness: Freshness, clock: Timestamp) -> Option<Finding> {
    let name = &policy.manifest().header.name;
    let (code, severity, since, message) = match freshness {
        Freshness::Fresh => return None,
        Freshness::Grace { document, expired, until } => {
            let message = format!(
                "{} expired on {}; what it approves counts until {} on machines that knew it before",
                document.file(),
                day(expired),
                minute(until)
            );
            (Code::PolicyInGrace, Severity::Warning, Some(expired), message)
        }
        Freshness::Stale { document, expired } => {
            let message =
                format!("{} expired on {}: nothing is approved, what is revoked stays revoked", document.file(), day(expired));
            (Code::ExpiredPolicy, Severity::Error, Some(expired), message)
        }
        Freshness::ClockBehind { latest } => {
            let message = format!(
                "it shows {}, and a document of the policy states {}: nothing is approved, what is revoked stays revoked",
                minute(clock),
                minute(latest)
            );
            (Code::ClockBehind, Severity::Error, None, message)
        }
    };
    Some(Finding {
        decided_by: Some(policy.authority()),
        rule: None,
        since,
        help: remedy::renew(policy, freshness).into_iter().collect(),
        ..observed(code, severity, name.clone(), message, None)
    })
}

/// A minute for people, in UTC as in the documents: `4 Dec 2026, 17:42 UTC`.
fn minute(instant: Timestamp) -> String {
    instant.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// What stands in the layers of a repository and a user and has no effect there.
pub(super) fn of_layers(policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut mode = policy.manifest().mode;
    let mut unlisted: BTreeMap<Kind, Unlisted> = Kind::ALL.iter().map(|k| (*k, unlisted_of(policy.manifest(), *k))).collect();
    let mut levels: Rules = Levelled::ALL.iter().map(|rule| (*rule, schedule_of(&policy.manifest().rules, *rule))).collect();
    for narrowing in policy.layers() {
        let mut without_effect = without_effect(policy, narrowing, mode, &unlisted);
        without_effect.extend(lower_levels(narrowing, &mut levels));
        mode = narrowing.mode.map_or(mode, |own| own.max(mode));
        for (kind, rule) in &mut unlisted {
            *rule = narrowing.unlisted.get(kind).copied().map_or(*rule, |own| own.max(*rule));
        }
        if without_effect.is_empty() {
            continue;
        }
        let message = format!("a lower layer only narrows; without effect: {}", without_effect.join(", "));
        let (path, remark) = (narrowing.path.clone(), None);
        let place = match narrowing.layer {
            Layer::User => Place::Installed { path, brought_by: None, remark },
            Layer::Repository | Layer::Overlay { .. } => {
                let location = Location { path, line: None };
                Place::Repository { location, remark, quote: None }
            }
        };
        let subject = narrowing.path.display().to_string();
        findings.push(observed(Code::LayerWithoutEffect, Severity::Warning, subject, message, place));
    }
    findings
}

/// Levels that a layer says in vain, below those that are in force already, which it raises where it can. Several layers together may
/// say more than a schedule can: then the earlier one is kept to compare with.
fn lower_levels(narrowing: &Narrowing, levels: &mut Rules) -> Option<String> {
    let mut lower = Vec::new();
    for (rule, own) in &narrowing.rules {
        let Some(known) = levels.get_mut(rule) else { continue };
        if own.is_at_least(known) {
            *known = *own;
        } else if known.is_at_least(own) {
            lower.push(rule.name());
        }
    }
    (!lower.is_empty() && !narrowing.layer.is_of_manifest()).then(|| format!("a lower level ({})", lower.join(", ")))
}

/// What a layer says in vain below a policy of this mode and these rules. An overlay is written by those who wrote the rest: what
/// it repeats is no attempt.
fn without_effect(policy: &Policy, narrowing: &Narrowing, mode: Mode, unlisted: &BTreeMap<Kind, Unlisted>) -> Vec<String> {
    if narrowing.layer.is_of_manifest() {
        return Vec::new();
    }
    let mut said = narrowing.without_effect.clone();
    if narrowing.mode.is_some_and(|own| own < mode) {
        said.push("mode monitor".to_owned());
    }
    let looser: Vec<String> = unlisted
        .iter()
        .filter(|(kind, rule)| narrowing.unlisted.get(kind).is_some_and(|own| own < rule))
        .map(|(kind, _)| kind.to_string())
        .collect();
    if !looser.is_empty() {
        said.push(format!("a looser rule for unlisted tools ({})", looser.join(", ")));
    }
    let ended = narrowing.withdrawn.iter().filter(|id| policy.knows_revocation(id));
    said.extend(ended.map(|id| format!("withdrawal of {id}, which is the organisation's")));
    let taken = narrowing.revocations.iter().filter(|r| policy.knows_revocation(&r.id));
    said.extend(taken.map(|r| format!("a change of the revocation {}, which stays as the organisation wrote it", r.id)));
    said
}

/// Waivers that hold here and want a look, under documents that may still be used. `used` are those that lifted something; what was not met is unused only where
/// everything was looked at.
pub(super) fn of_waivers(policy: &Policy, used: &BTreeSet<&str>, is_whole: bool, clock: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now = policy.instant(clock);
    for waiver in policy.manifest().waivers.iter().filter(|waiver| waiver.starts <= clock && holds_here(policy, waiver, now)) {
        let mut add = |code, severity, message: String, help: Vec<Help>| {
            findings.push(Finding {
                decided_by: Some(policy.authority()),
                rule: None,
                since: Some(waiver.starts),
                reference: Some(waiver.id.clone()),
                help,
                ..observed(code, severity, waiver.id.clone(), message, None)
            });
        };
        let is_used = used.contains(waiver.id.as_str());
        let soon = if waiver.expires.duration_since(waiver.starts) > SOON { SOON } else { SOON_OF_SHORT };
        if is_used && waiver.expires.duration_since(now) <= soon {
            let message = format!("it lets {} pass until {}", waiver.tool, minute(waiver.expires));
            let help = format!("replace {} before, or ask {} for another waiver", waiver.tool, waiver.owner);
            add(Code::WaiverEndsSoon, Severity::Warning, message, vec![Help::note(help)]);
        }
        if !is_used && is_whole {
            let message = format!("it holds here until {} and lifts nothing of {}", minute(waiver.expires), waiver.tool);
            add(Code::UnusedWaiver, Severity::Note, message, Vec::new());
        }
        for id in waiver.lifts.iter().filter_map(revocation_of).filter(|id| !policy.knows_revocation(id)) {
            let message = format!("it names the revocation {id}, which no document of the policy has");
            let help = format!("ask {} which one is meant", waiver.owner);
            add(Code::UnknownLift, Severity::Warning, message, vec![Help::note(help)]);
        }
    }
    findings
}

fn holds_here(policy: &Policy, waiver: &Waiver, now: Timestamp) -> bool {
    now < waiver.expires && waiver.scope.as_ref().is_none_or(|scope| scope.holds(policy.site()))
}

fn revocation_of(lifts: &Lifts) -> Option<&String> {
    match lifts {
        Lifts::Revocation(id) => Some(id),
        Lifts::Unvetted => None,
    }
}
