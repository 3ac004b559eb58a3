//! Levels of rules, for everybody and for groups of machines, and what repository content may tell AI tools to do.

use super::{Change, Difference, scope_is_within};
use crate::manifest::{Address, DirectiveApproval, Level, Levelled, Manifest, Rules, Schedule};
use std::collections::BTreeMap;

/// Compare levels and directives of two manifests. Without an old one a level that is stricter than what holds where nothing is said is
/// no news.
pub(super) fn compare(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let none = Rules::new();
    let of = |manifest: Option<&Manifest>| manifest.map_or_else(|| none.clone(), |m| m.rules.clone());
    if let Some(new) = new {
        rules(None, &of(old), &new.rules, difference, old.is_some());
        let (before, after) = (old.map(overlays).unwrap_or_default(), overlays(new));
        for group in before.keys().chain(after.keys().filter(|group| !before.contains_key(*group))) {
            let (from, to) = (before.get(group).unwrap_or(&none), after.get(group).unwrap_or(&none));
            rules(Some(group), from, to, difference, true);
        }
    }
    directives(old, new, difference);
}

fn overlays(manifest: &Manifest) -> BTreeMap<&str, Rules> {
    // A group has one overlay: a second one is refused where the manifest is read.
    manifest.overlays.iter().map(|overlay| (overlay.group.as_str(), overlay.rules.clone())).collect()
}

fn rules(group: Option<&str>, from: &Rules, to: &Rules, difference: &mut Difference, tells_stricter: bool) {
    // What an overlay does not say adds nothing, which is the mildest that it can be.
    let unsaid = |rule: Levelled| match group {
        None => Schedule::always(rule.default_level()),
        Some(_) => Schedule::always(Level::Monitor),
    };
    for rule in Levelled::ALL {
        let (said_before, said_now) = (from.get(rule).copied(), to.get(rule).copied());
        let (before, now) = (said_before.unwrap_or_else(|| unsaid(*rule)), said_now.unwrap_or_else(|| unsaid(*rule)));
        if before == now {
            continue;
        }
        let change = || Change::Level { group: group.map(str::to_owned), rule: *rule, from: said_before, to: said_now };
        let (wider, narrower) = (!now.is_at_least(&before), !before.is_at_least(&now));
        if wider {
            difference.newly_allows.push(change());
        }
        if narrower && tells_stricter {
            difference.no_longer.push(change());
        }
    }
}

fn directives(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let by_id = |manifest: Option<&Manifest>| -> BTreeMap<String, DirectiveApproval> {
        let all = manifest.into_iter().flat_map(|manifest| &manifest.directives);
        all.map(|d| (d.id.clone(), DirectiveApproval { line: 0, ..d.clone() })).collect()
    };
    let (before, after) = (by_id(old), by_id(new));
    for (id, directive) in &after {
        match before.get(id) {
            None => difference.newly_allows.push(Change::Directive(directive.clone())),
            Some(same) if same == directive => {}
            Some(other) => {
                let terms = || Change::DirectiveTerms { from: Box::new(other.clone()), to: Box::new(directive.clone()) };
                difference.terms(!is_within(directive, other), !is_within(other, directive), terms);
            }
        }
    }
    for (_, directive) in before.into_iter().filter(|(id, _)| !after.contains_key(id)) {
        difference.no_longer.push(Change::Directive(directive));
    }
}

/// Whether everything that `inner` approves, `outer` approves too.
fn is_within(inner: &DirectiveApproval, outer: &DirectiveApproval) -> bool {
    let same_or_any = |inner: &Option<String>, outer: &Option<String>| outer.is_none() || inner == outer;
    let value = match (&inner.value, &outer.value) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(inner), Some(outer)) => match (Address::parse(inner), Address::parse(outer)) {
            (Some(inner), Some(outer)) => outer.holds(&inner),
            _ => inner == outer,
        },
    };
    inner.kind == outer.kind
        && same_or_any(&inner.client, &outer.client)
        && same_or_any(&inner.name, &outer.name)
        && value
        && (outer.sha256.is_none() || inner.sha256 == outer.sha256)
        && scope_is_within(inner.scope.as_ref(), outer.scope.as_ref())
}
