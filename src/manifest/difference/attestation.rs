//! What attestations have to show.

use super::{Change, Difference};
use crate::manifest::{AttestationPolicy, Attestor, BundleVersion, Manifest};
use std::collections::BTreeMap;

/// Compare the attestation policies of two manifests. A new one is wider: it names somebody whose word is taken.
pub(super) fn compare(old: Option<&Manifest>, new: Option<&Manifest>, difference: &mut Difference) {
    let Some(new) = new else { return };
    let by_id = |manifest: Option<&Manifest>| -> BTreeMap<String, AttestationPolicy> {
        let all = manifest.into_iter().flat_map(|m| &m.attestations);
        all.map(|policy| (policy.id.clone(), AttestationPolicy { line: 0, ..policy.clone() })).collect()
    };
    let (before, after) = (by_id(old), by_id(Some(new)));
    let defaults = (old.map_or(BundleVersion::default(), |m| m.min_bundle), new.min_bundle);
    for (id, policy) in &after {
        let Some(other) = before.get(id) else {
            difference.newly_allows.push(Change::Attestation(policy.clone()));
            continue;
        };
        if other == policy {
            continue;
        }
        let terms = || Change::AttestationTerms { from: Box::new(other.clone()), to: Box::new(policy.clone()) };
        let wider = !is_within((policy, defaults.1), (other, defaults.0));
        let narrower = !is_within((other, defaults.0), (policy, defaults.1));
        if wider {
            difference.newly_allows.push(terms());
        }
        if narrower {
            difference.no_longer.push(terms());
        }
        if !wider && !narrower {
            difference.also.push(terms());
        }
    }
    let gone = before.into_iter().filter(|(id, _)| !after.contains_key(id));
    difference.no_longer.extend(gone.map(|(_, policy)| Change::Attestation(policy)));
    // An older form asks for less, so the order is turned round.
    let (from, to) = defaults;
    if from != to {
        let list = if to < from { &mut difference.newly_allows } else { &mut difference.no_longer };
        list.push(Change::MinBundle { from, to });
    }
}

/// Whether every bundle that verifies under `inner` verifies under `outer`, each with the oldest form of a bundle where it does not say.
/// Where neither says, that default is compared by itself.
fn is_within(
    (inner, inner_default): (&AttestationPolicy, BundleVersion),
    (outer, outer_default): (&AttestationPolicy, BundleVersion),
) -> bool {
    let by = match (&inner.by, &outer.by) {
        (Attestor::Key { spki, not_after }, Attestor::Key { spki: other, not_after: end }) => {
            spki == other && end.is_none_or(|end| not_after.is_some_and(|inner| inner <= end))
        }
        (inner, outer) => inner == outer,
    };
    let asks = |inner: &Option<String>, outer: &Option<String>| outer.is_none() || inner == outer;
    let min_bundle = match (inner.min_bundle, outer.min_bundle) {
        (None, None) => true,
        (inner, outer) => inner.unwrap_or(inner_default) >= outer.unwrap_or(outer_default),
    };
    by && inner.instance == outer.instance
        && inner.predicates.iter().all(|predicate| outer.predicates.contains(predicate))
        && asks(&inner.source, &outer.source)
        && asks(&inner.source_id, &outer.source_id)
        && asks(&inner.owner_id, &outer.owner_id)
        && asks(&inner.builder, &outer.builder)
        && min_bundle
}
