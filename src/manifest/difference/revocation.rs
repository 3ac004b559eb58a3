//! Revocations that came, went, or cover something else than before.

use super::{Became, Change, Difference, Documents};
use crate::digest::{Digest, DigestSet};
use crate::manifest::{Affected, Overlay, Revocation, Subject};
use crate::version::{Scheme, Version, VersionRange};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Revocations in force, by where they hold (`None` is every machine) and id.
type InForce<'a> = BTreeMap<(Option<&'a str>, &'a str), Vec<&'a Revocation>>;

fn in_force<'a>(documents: &Documents<'a>) -> InForce<'a> {
    let withdrawn: BTreeSet<&str> = documents.manifest.into_iter().flat_map(|m| &m.withdrawn).map(|w| w.id.as_str()).collect();
    let manifest = documents.manifest.into_iter().flat_map(|m| &m.revocations).map(|r| (None, r));
    let document = documents.revocations.into_iter().flat_map(|d| &d.revocations).map(|r| (None, r));
    let of_overlay = |overlay: &'a Overlay| overlay.revocations.iter().map(|r| (Some(overlay.group.as_str()), r));
    let overlays = documents.manifest.into_iter().flat_map(|m| &m.overlays).flat_map(of_overlay);
    let mut map = InForce::new();
    for (group, revocation) in manifest.chain(document).chain(overlays) {
        if !withdrawn.contains(revocation.id.as_str()) {
            map.entry((group, &revocation.id)).or_default().push(revocation);
        }
    }
    map
}

/// Compare the revocations that are in force on both sides.
pub(super) fn compare(old: &Documents<'_>, new: &Documents<'_>, difference: &mut Difference) {
    let (before, after) = (in_force(old), in_force(new));
    let none = Vec::new();
    for ((group, id), revocations) in &before {
        // What holds for every machine holds for those of a group.
        let others = || [after.get(&(*group, *id)), after.get(&(None, *id))].into_iter().flatten().flatten().copied();
        for revocation in revocations {
            let change = |how: Became, revocation: &Revocation| Change::Revocation {
                revocation: revocation.clone(),
                group: group.map(str::to_owned),
                how,
            };
            if others().next().is_none() {
                let withdrawn = new.manifest.into_iter().flat_map(|m| &m.withdrawn).find(|w| w.id == **id);
                let how = withdrawn.map_or(Became::Missing, |w| Became::Withdrawn(w.reason.clone()));
                difference.newly_allows.push(change(how, revocation));
                continue;
            }
            let Some(best) = others().max_by_key(|other| likeness(revocation, other)) else { continue };
            if same_refusal(best, revocation) {
                difference.unchanged.revocations += 1;
                if !same_words(best, revocation) {
                    difference.also.push(change(Became::Reworded, best));
                }
                continue;
            }
            loosened(revocation, best, |how| difference.newly_allows.push(change(how, best)));
            loosened(best, revocation, |how| difference.no_longer.push(change(opposite(how), best)));
        }
    }
    withdrawals(old, new, &before, &after, difference);
    for ((group, id), revocations) in &after {
        let others = before.get(&(*group, *id)).or_else(|| before.get(&(None, *id))).unwrap_or(&none);
        // Where the id was there before, the comparison above has spoken of it; a second entry under one id is new.
        for revocation in revocations.iter().skip(others.len()) {
            let group = group.map(str::to_owned);
            difference.no_longer.push(Change::Revocation { revocation: (*revocation).clone(), group, how: Became::Added });
        }
    }
}

/// Withdrawals of what is on neither side. Whoever revokes under such an id later revokes nothing, so a signer has to see it; it may
/// also be that the document with the revocation was left out.
fn withdrawals(old: &Documents<'_>, new: &Documents<'_>, before: &InForce<'_>, after: &InForce<'_>, difference: &mut Difference) {
    let all = |documents: &Documents<'_>| -> BTreeMap<String, String> {
        let withdrawn = documents.manifest.into_iter().flat_map(|m| &m.withdrawn);
        withdrawn.map(|w| (w.id.clone(), w.reason.clone())).collect()
    };
    let (known, now) = (all(old), all(new));
    let is_told = |side: &InForce<'_>, id: &String| side.keys().any(|(_, other)| other == id);
    let change = |(id, reason): (&String, &String)| Change::Withdrawal { id: id.clone(), reason: reason.clone() };
    let begun = now.iter().filter(|(id, _)| !known.contains_key(*id) && !is_told(before, id));
    difference.newly_allows.extend(begun.map(change));
    let ended = known.iter().filter(|(id, _)| !now.contains_key(*id) && !is_told(after, id));
    difference.no_longer.extend(ended.map(change));
}

/// What `new` refuses less than `old`.
fn loosened(old: &Revocation, new: &Revocation, mut note: impl FnMut(Became)) {
    if !covers_all(new, old) {
        note(Became::Narrower);
    }
    if new.severity < old.severity {
        note(Became::Milder);
    }
    if new.effective > old.effective {
        note(Became::Later);
    }
}

fn opposite(how: Became) -> Became {
    match how {
        Became::Narrower => Became::Wider,
        Became::Milder => Became::Harder,
        Became::Later => Became::Earlier,
        other => other,
    }
}

/// How much of an old revocation another one keeps: the one that keeps most is the one it is compared with.
fn likeness(old: &Revocation, new: &Revocation) -> u8 {
    let mut points = 3;
    loosened(old, new, |_| points -= 1);
    points
}

fn same_refusal(a: &Revocation, b: &Revocation) -> bool {
    let mut same = true;
    loosened(a, b, |_| same = false);
    loosened(b, a, |_| same = false);
    same
}

fn same_words(a: &Revocation, b: &Revocation) -> bool {
    (&a.aliases, a.reason, &a.advisory, &a.replacement, &a.message)
        == (&b.aliases, b.reason, &b.advisory, &b.replacement, &b.message)
}

/// Whether everything that `inner` covers, `outer` provably covers.
fn covers_all(outer: &Revocation, inner: &Revocation) -> bool {
    let known: BTreeSet<&Digest> = outer.digests.iter().flat_map(DigestSet::iter).collect();
    inner.digests.iter().flat_map(DigestSet::iter).all(|digest| known.contains(digest))
        && inner.affected.iter().all(|one| outer.affected.iter().any(|other| affected_covers_all(other, one)))
}

fn affected_covers_all(outer: &Affected, inner: &Affected) -> bool {
    let same_subject = match (&outer.subject, &inner.subject) {
        (Subject::Vendor(a), Subject::Vendor(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    };
    let in_ranges = |range: &VersionRange| outer.ranges.iter().any(|other| range_covers_all(other, range));
    same_subject && (outer.ranges.is_empty() || (!inner.ranges.is_empty() && inner.ranges.iter().all(in_ranges)))
}

/// Whether a range lies in another one, whatever scheme orders the versions.
fn range_covers_all(outer: &VersionRange, inner: &VersionRange) -> bool {
    if outer == inner {
        return true;
    }
    [Scheme::SemVer, Scheme::Pep440].into_iter().all(|scheme| {
        let at_most = |a: &str, b: &str| {
            let (a, b) = (Version::parse(scheme, a), Version::parse(scheme, b));
            // Two bounds that the scheme cannot read would compare by their text: nothing is known of their order.
            a.is_ordered() && b.is_ordered() && a.precedence(&b).is_some_and(|order| order != Ordering::Greater)
        };
        let starts = outer.introduced == inner.introduced || outer.introduced == "0" || {
            inner.introduced != "0" && at_most(&outer.introduced, &inner.introduced)
        };
        let ends = match (&inner.fixed, &outer.fixed) {
            (a, b) if a == b => true,
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(inner), Some(outer)) => at_most(inner, outer),
        };
        starts && ends
    })
}
