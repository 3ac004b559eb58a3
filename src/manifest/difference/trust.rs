//! Who may sign what.

use super::{Change, Difference};
use crate::manifest::trust_policy::{Role, Signer, TrustPolicy, WAIVER_LIMIT};
use std::collections::BTreeSet;

const ROLES: [Role; 3] = [Role::Root, Role::Manifest, Role::Revocations];

/// Compare two trust policies. Everything that lets somebody sign who could not is wider.
pub(super) fn compare(old: Option<&TrustPolicy>, new: Option<&TrustPolicy>, difference: &mut Difference) {
    let Some(new) = new else { return };
    if let Some(old) = old
        && old.name != new.name
    {
        difference.newly_allows.push(Change::Name { from: old.name.clone(), to: new.name.clone() });
    }
    for role in ROLES {
        roles(role, old, new, difference);
    }
    let ids: BTreeSet<&String> = old.into_iter().chain([new]).flat_map(|t| t.signers.keys()).collect();
    for id in ids {
        signer(id, old.and_then(|t| t.signers.get(id)), new.signers.get(id), difference);
    }
    let ids: BTreeSet<&String> = old.into_iter().chain([new]).flat_map(|t| t.instances.keys()).collect();
    for id in ids {
        let root = |t: &TrustPolicy| t.instances.get(id).map(|i| (i.sha256.clone(), i.trusted_root.clone()));
        let (from, to) = (old.and_then(root), root(new));
        let change = |sha256| Change::Instance { id: id.clone(), sha256 };
        match (from, to) {
            (Some((from, from_path)), Some((to, path))) if from == to => {
                if from_path != path {
                    difference.also.push(change(to));
                }
            }
            (from, to) => {
                difference.newly_allows.extend(to.map(|(sha256, _)| change(sha256)));
                difference.no_longer.extend(from.map(|(sha256, _)| change(sha256)));
            }
        }
    }
    let limit = old.map_or(WAIVER_LIMIT, |t| t.waiver_limit);
    difference.moved(&limit, &new.waiver_limit, |from, to| Change::WaiverLimit { from, to });
}

fn roles(role: Role, old: Option<&TrustPolicy>, new: &TrustPolicy, difference: &mut Difference) {
    let (before, after) = (old.and_then(|t| t.roles.get(&role)), new.roles.get(&role));
    let holders = |holders: Option<&crate::manifest::trust_policy::RoleHolders>| -> BTreeSet<String> {
        holders.into_iter().flat_map(|h| h.signers.iter().cloned()).collect()
    };
    let (from, to) = (holders(before), holders(after));
    difference.newly_allows.extend(to.difference(&from).cloned().map(|signer| Change::Holder { signer, role }));
    difference.no_longer.extend(from.difference(&to).cloned().map(|signer| Change::Holder { signer, role }));
    match (before, after) {
        (Some(before), Some(after)) => {
            // Fewer signatures are wider, so the order is turned round.
            if after.threshold != before.threshold {
                let change = Change::Threshold { role, from: before.threshold, to: after.threshold };
                let list =
                    if after.threshold < before.threshold { &mut difference.newly_allows } else { &mut difference.no_longer };
                list.push(change);
            }
        }
        // Without the role there is no such document, and what it refused is not refused any more.
        (Some(_), None) => difference.newly_allows.push(Change::RoleItself(role)),
        (None, Some(after)) => {
            difference.newly_allows.push(Change::Threshold { role, from: 0, to: after.threshold });
        }
        (None, None) => {}
    }
}

fn signer(id: &str, old: Option<&Signer>, new: Option<&Signer>, difference: &mut Difference) {
    let keys = |signer: Option<&Signer>| signer.map(|s| s.keys.clone()).unwrap_or_default();
    let (before, after) = (keys(old), keys(new));
    for key in &after {
        let signer = id.to_owned();
        match before.iter().find(|other| other.spki == key.spki) {
            None => difference.newly_allows.push(Change::Key { signer, fingerprint: key.fingerprint() }),
            Some(other) if other.not_after != key.not_after => {
                let change = Change::KeyEnd { signer, fingerprint: key.fingerprint(), from: other.not_after, to: key.not_after };
                let is_later = match (other.not_after, key.not_after) {
                    (_, None) => true,
                    (None, Some(_)) => false,
                    (Some(from), Some(to)) => to > from,
                };
                if is_later { difference.newly_allows.push(change) } else { difference.no_longer.push(change) }
            }
            Some(_) => {}
        }
    }
    for key in before.iter().filter(|key| !after.iter().any(|other| other.spki == key.spki)) {
        difference.no_longer.push(Change::Key { signer: id.to_owned(), fingerprint: key.fingerprint() });
    }
    let identities =
        |signer: Option<&Signer>| -> BTreeSet<_> { signer.into_iter().flat_map(|s| s.identities.iter().cloned()).collect() };
    let (before, after) = (identities(old), identities(new));
    let change = |identity| Change::Identity { signer: id.to_owned(), identity };
    difference.newly_allows.extend(after.difference(&before).cloned().map(change));
    difference.no_longer.extend(before.difference(&after).cloned().map(change));
}
