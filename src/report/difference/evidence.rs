//! Changes of what a release has to show before its approval counts, in words.

use super::{List, at, count, date, digest, time};
use crate::digest::Digest;
use crate::manifest::difference::Change;
use crate::manifest::{AttestationPolicy, Attestor, EvidenceRef};
use crate::text::printable_path;
use jiff::Timestamp;
use std::fmt::Write as _;

/// One of these changes as a sentence; none for others.
pub(super) fn words(change: &Change, list: List, whole: bool) -> String {
    let allows = list == List::NewlyAllows;
    match change {
        Change::Evidence { tool, version, added, dropped } => match (&added[..], &dropped[..]) {
            ([], []) => format!("evidence of {tool} {version} lies under other names"),
            (added, []) => format!("evidence of {tool} {version}: {}", files(added, whole)),
            ([], dropped) => format!("{tool} {version} without evidence that had to hold: {}", files(dropped, whole)),
            (added, dropped) => {
                format!("{tool} {version} with other evidence: {} (was {})", files(added, whole), files(dropped, whole))
            }
        },
        Change::Unattested { tool, version } if allows => {
            format!("{tool} {version}, of which the approvers say that its release has no attestation")
        }
        Change::Unattested { tool, version } => format!("{tool} {version} is no longer said to have no attestation"),
        Change::CoolsFrom { tool, version, from, to } => {
            let end = |end: &Option<Timestamp>| end.map_or("never".to_owned(), date);
            format!("{tool} {version}: its cooldown runs from {} (was {})", end(to), end(from))
        }
        Change::PackageList { tool, version, lists } => package_list(&format!("{tool} {version}"), lists, list, whole),
        Change::Require { tool, id } if allows => {
            format!("releases of {tool} for which {id} does not hold: it is not required any more")
        }
        Change::Require { tool, id } => format!("releases of {tool} for which {id} does not hold: it is required"),
        Change::Attestation(policy) => format!("attestation policy {}", policy_words(policy, whole)),
        Change::AttestationTerms { from, to } => {
            format!("attestation policy {}; before: {}", policy_words(to, whole), terms(from, whole))
        }
        Change::MinBundle { from, to } => {
            format!("bundles from version {} on count, where a policy does not say (was {})", to.name(), from.name())
        }
        Change::Cooldown { group, from, to } => {
            let long = |cooldown: &Option<jiff::SignedDuration>| match cooldown {
                None => "as everywhere".to_owned(),
                Some(cooldown) if cooldown.is_zero() => "at once".to_owned(),
                Some(cooldown) => format!("after {}", time(*cooldown)),
            };
            format!("{}approvals count from the release on: {} (was {})", at(group.as_deref()), long(to), long(from))
        }
        _ => String::new(),
    }
}

fn package_list(what: &str, lists: &[Digest], list: List, whole: bool) -> String {
    let pinned: Vec<String> = lists.iter().map(|one| digest(one, whole)).collect();
    match (&pinned[..], list) {
        ([], _) => format!("{what} with any packages besides its own: they are not compared with a list any more"),
        (pinned, List::NewlyAllows) => format!("{what} with the packages of another list: {}", pinned.join(" or ")),
        (pinned, _) => format!("{what} with other packages than those of the list {}", pinned.join(" or ")),
    }
}

fn files(files: &[EvidenceRef], whole: bool) -> String {
    match files {
        [only] => format!("{} {}", printable_path(&only.path), digest(&Digest::Sha256(only.sha256), whole)),
        several => count(several.len() as u64, "file"),
    }
}

fn policy_words(policy: &AttestationPolicy, whole: bool) -> String {
    format!("{}: {}", policy.id, terms(policy, whole))
}

/// What a policy asks for: who signs, what, and from where.
fn terms(policy: &AttestationPolicy, whole: bool) -> String {
    let who = match &policy.by {
        Attestor::Identity { issuer, identity } => format!("{identity} by {issuer} at {}", policy.instance),
        Attestor::Key { spki, not_after } => {
            let end = not_after.map(|end| format!(" until {}", date(end))).unwrap_or_default();
            format!("key {}{end}", digest(&Digest::sha256_of(spki), whole))
        }
    };
    let mut text = format!("{who} signs {}", policy.predicates.join(" or "));
    let exact = [
        ("source", &policy.source),
        ("source-id", &policy.source_id),
        ("owner-id", &policy.owner_id),
        ("builder", &policy.builder),
    ];
    for (key, value) in exact {
        if let Some(value) = value {
            let _ = write!(text, ", {key} {value}");
        }
    }
    if let Some(version) = policy.min_bundle {
        let _ = write!(text, ", bundles from version {} on", version.name());
    }
    text
}
