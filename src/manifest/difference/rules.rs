//! Mode, unlisted tools, cooldown, overlays, grace, and where documents are had from.

use super::{Change, Difference};
use crate::manifest::{GRACE, Manifest, Mode, POLL, Unlisted};
use crate::tool::Kind;
use jiff::SignedDuration;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What one place says: the whole manifest, or one group of machines.
#[derive(Default)]
struct Rules {
    mode: Option<Mode>,
    unlisted: BTreeMap<Kind, Unlisted>,
    cooldown: Option<SignedDuration>,
}

/// Compare the rules of two manifests. Without an old one, what is stricter than nothing is no news.
pub(super) fn compare(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let Some(new) = new else { return };
    let strictest = || Rules {
        mode: Some(Mode::Enforce),
        unlisted: Kind::ALL.map(|kind| (kind, Unlisted::Block)).into(),
        // There is no longest one.
        cooldown: Some(new.cooldown),
    };
    let of = |m: &Manifest| Rules { mode: Some(m.mode), unlisted: m.unlisted.clone(), cooldown: Some(m.cooldown) };
    compare_rules(None, &old.map_or_else(strictest, of), &of(new), difference);
    let (before, after) = (old.map(overlays).unwrap_or_default(), overlays(new));
    for group in before.keys().chain(after.keys().filter(|group| !before.contains_key(*group))) {
        let none = Rules::default();
        let (from, to) = (before.get(group).unwrap_or(&none), after.get(group).unwrap_or(&none));
        compare_rules(Some(group), from, to, difference);
    }
    difference.moved(&old.map_or(GRACE, |m| m.grace), &new.grace, |from, to| Change::Grace { from, to });
    sources(old, new, difference);
    let requirement = |m: &Manifest| m.requires_client.as_ref().map(ToString::to_string);
    let (from, to) = (old.and_then(requirement), requirement(new));
    if from != to {
        // Which of two requirements is the stricter one is not worth being wrong about.
        let list = if from.is_none() { &mut difference.no_longer } else { &mut difference.newly_allows };
        list.push(Change::Client { from, to });
    }
}

/// What overlays say, several of one group joined by the strictest.
fn overlays(manifest: &Manifest) -> BTreeMap<&str, Rules> {
    let mut groups: BTreeMap<&str, Rules> = BTreeMap::new();
    for overlay in &manifest.overlays {
        let rules = groups.entry(&overlay.group).or_default();
        rules.mode = rules.mode.max(overlay.mode);
        rules.cooldown = rules.cooldown.max(overlay.cooldown);
        for (kind, rule) in &overlay.unlisted {
            let known = rules.unlisted.entry(*kind).or_insert(*rule);
            *known = (*known).max(*rule);
        }
    }
    groups
}

fn compare_rules(group: Option<&str>, from: &Rules, to: &Rules, difference: &mut Difference) {
    let group = || group.map(str::to_owned);
    // Nothing said is less than anything said, and less is laxer.
    if to.mode != from.mode {
        let change = Change::Mode { group: group(), from: from.mode, to: to.mode };
        if to.mode < from.mode { difference.newly_allows.push(change) } else { difference.no_longer.push(change) }
    }
    difference.moved(&Reverse(from.cooldown), &Reverse(to.cooldown), |Reverse(from), Reverse(to)| Change::Cooldown {
        group: group(),
        from,
        to,
    });
    let mut moves: BTreeMap<(Option<Unlisted>, Option<Unlisted>), Vec<Kind>> = BTreeMap::new();
    for kind in Kind::ALL {
        let (from, to) = (from.unlisted.get(&kind).copied(), to.unlisted.get(&kind).copied());
        if from != to {
            moves.entry((from, to)).or_default().push(kind);
        }
    }
    for ((from, to), kinds) in moves {
        let change = Change::Unlisted { group: group(), kinds, from, to };
        if to < from { difference.newly_allows.push(change) } else { difference.no_longer.push(change) }
    }
}

/// A new address can bring nothing that is not signed, and it can hold back what is: it counts as wider.
fn sources(old: Option<&Manifest>, new: &Manifest, difference: &mut Difference) {
    let before = old.map(|m| m.sync.sources.as_slice()).unwrap_or_default();
    let after = new.sync.sources.as_slice();
    let added = after.iter().filter(|source| !before.contains(source));
    difference.newly_allows.extend(added.cloned().map(Change::Source));
    let removed = before.iter().filter(|source| !after.contains(source));
    difference.no_longer.extend(removed.cloned().map(Change::Source));
    let kept = |list: &[String], other: &[String]| list.iter().filter(|s| other.contains(s)).cloned().collect::<Vec<_>>();
    if kept(before, after) != kept(after, before) {
        difference.also.push(Change::SourceOrder);
    }
    // The longer nobody asks, the longer a withdrawn approval lives on.
    difference.moved(&old.map_or(POLL, |m| m.sync.every), &new.sync.every, |from, to| Change::Poll { from, to });
}
