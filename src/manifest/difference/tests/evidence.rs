//! The same for what a release has to show: evidence, policies of attestations, cooldowns, lists of packages.

use super::{approval, at, between, id, manifest, sha256};
use crate::digest::{Digest, DigestSet};
use crate::manifest::difference::Change;
use crate::manifest::{
    Approval, Approved, Artifact, AttestationPolicy, Attestor, BundleVersion, EvidenceRef, FileListRef, Installed, Manifest,
    Overlay, Release, RuleLines, Shape, ToolEntry,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn bundle(byte: u8) -> EvidenceRef {
    EvidenceRef { path: format!("attestations/{byte}.sigstore.json").into(), sha256: [byte; 32] }
}

fn packages(byte: u8) -> Artifact {
    let list = DigestSet::from(Digest::Sha256([byte; 32]));
    let files = Some(FileListRef { path: format!("{byte}/packages.json").into(), digests: list.clone() });
    Artifact::Installed(Installed { platform: None, package: None, shape: Shape::Packages, digests: list, files })
}

/// An approval with a release, one bundle and one list of packages.
fn whole() -> Approval {
    let release = Release { package: None, digests: sha256(9), evidence: vec![bundle(1)] };
    let mut approval = approval("1.0.0", 1);
    approval.artifacts.extend([Artifact::Release(release), packages(1)]);
    approval.released = Some(at("2026-11-10T00:00:00Z"));
    approval
}

fn policy(name: &str) -> AttestationPolicy {
    AttestationPolicy {
        id: name.to_owned(),
        predicates: vec!["https://slsa.dev/provenance/v1".to_owned()],
        instance: "sigstore-public-good".to_owned(),
        by: Attestor::Identity {
            issuer: "https://login.acme.example".to_owned(),
            identity: "https://git.acme.example/a@v{version}".to_owned(),
        },
        source: Some("https://git.acme.example/a".to_owned()),
        source_id: Some("17".to_owned()),
        owner_id: None,
        builder: None,
        min_bundle: Some(BundleVersion::V0_2),
        line: 7,
    }
}

fn requiring() -> Manifest {
    let require = vec!["A-1".to_owned()];
    let tools = vec![ToolEntry { id: id("b"), recognise: None, require, approvals: vec![whole()].into() }];
    Manifest { tools, attestations: vec![policy("A-1")], cooldown: 7 * DAY, ..manifest() }
}

/// The words of what is newly allowed, no longer allowed, and changed besides, when `change` is made to [`requiring`].
fn lists(change: impl Fn(&mut Manifest)) -> [Vec<&'static str>; 3] {
    let mut new = requiring();
    change(&mut new);
    let found = between(&requiring(), &new);
    let word = |change: &Change| match change {
        Change::Approval { .. } => "approval",
        Change::Evidence { .. } => "evidence",
        Change::Unattested { .. } => "none",
        Change::CoolsFrom { .. } => "from",
        Change::PackageList { .. } => "list",
        Change::Require { .. } => "require",
        Change::Attestation(_) => "policy",
        Change::AttestationTerms { .. } => "terms",
        Change::MinBundle { .. } => "min-bundle",
        Change::Cooldown { .. } => "cooldown",
        other => panic!("{other:?}"),
    };
    [found.newly_allows, found.no_longer, found.also].map(|list| list.iter().map(word).collect())
}

fn of_approval(change: impl Fn(&mut Approval)) -> [Vec<&'static str>; 3] {
    lists(|manifest| change(&mut manifest.tools[0].approvals[0]))
}

fn release(approval: &mut Approval) -> &mut Release {
    let release = approval.artifacts.iter_mut().find_map(|artifact| match artifact {
        Artifact::Release(release) => Some(release),
        Artifact::Installed(_) => None,
    });
    release.expect("the approval has one")
}

fn none() -> [Vec<&'static str>; 3] {
    Default::default()
}

fn wider(word: &'static str) -> [Vec<&'static str>; 3] {
    [vec![word], vec![], vec![]]
}

fn narrower(word: &'static str) -> [Vec<&'static str>; 3] {
    [vec![], vec![word], vec![]]
}

fn both(word: &'static str) -> [Vec<&'static str>; 3] {
    [vec![word], vec![word], vec![]]
}

#[test]
fn evidence_that_goes_is_wider_and_so_is_more_where_it_is_required() {
    assert_eq!(of_approval(|_| {}), none());
    assert_eq!(of_approval(|a| release(a).evidence.clear()), wider("evidence"));
    assert_eq!(of_approval(|a| release(a).evidence = vec![bundle(2)]), wider("evidence"));
    assert_eq!(of_approval(|a| release(a).evidence.push(bundle(2))), wider("evidence"), "one that verifies is enough");
    assert_eq!(of_approval(|a| release(a).evidence[0].path = "b.json".into()), [vec![], vec![], vec!["evidence"]]);
    let more = |manifest: &mut Manifest| {
        manifest.tools[0].require.clear();
        release(&mut manifest.tools[0].approvals[0]).evidence.push(bundle(2));
    };
    assert_eq!(lists(more), [vec!["require"], vec!["evidence"], vec![]]);
    assert_eq!(of_approval(|a| a.is_unattested = true), wider("none"));
    // An approval of the same bytes beside the first one, without what the first one has to show.
    let beside = |manifest: &mut Manifest| {
        let mut other = whole();
        release(&mut other).evidence.clear();
        manifest.tools[0].approvals = vec![whole(), other].into();
    };
    assert_eq!(lists(beside), wider("approval"));
}

#[test]
fn lists_of_packages_are_alternatives() {
    let set = |lists: &[u8]| {
        of_approval(|a| {
            a.artifacts.retain(|artifact| !matches!(artifact, Artifact::Installed(i) if i.shape == Shape::Packages));
            a.artifacts.extend(lists.iter().map(|byte| packages(*byte)));
        })
    };
    assert_eq!(set(&[1]), none());
    assert_eq!(set(&[2]), both("list"));
    assert_eq!(set(&[1, 2]), wider("list"));
    assert_eq!(set(&[]), wider("list"));
    let mut old = requiring();
    old.tools[0].approvals[0].artifacts.push(packages(2));
    let found = between(&old, &requiring());
    assert!(found.newly_allows.is_empty() && matches!(&found.no_longer[..], [Change::PackageList { .. }]), "{found:?}");
}

#[test]
fn what_counts_earlier_is_wider() {
    let released = |time: Option<&str>| of_approval(|a| a.released = time.map(at));
    assert_eq!(released(Some("2026-11-09T00:00:00Z")), wider("from"));
    assert_eq!(released(Some("2026-11-11T00:00:00Z")), narrower("from"));
    assert_eq!(released(None), narrower("from"), "never");
    let approved = |time| Some(Approved { by: vec!["alice".into()], at: at(time), ticket: None });
    let by = |time, released| {
        lists(|m| {
            m.tools[0].approvals[0].approved = approved(time);
            m.tools[0].approvals[0].released = released;
        })
    };
    assert_eq!(by("2026-11-01T00:00:00Z", None), [vec!["from"], vec![], vec!["approval"]]);
    assert_eq!(by("2026-11-01T00:00:00Z", whole().released), [vec![], vec![], vec!["approval"]]);
    assert_eq!(lists(|m| m.cooldown = 6 * DAY), wider("cooldown"));
    assert_eq!(lists(|m| m.cooldown = 8 * DAY), narrower("cooldown"));
    assert_eq!(lists(|m| m.overlays.push(slower(30))), narrower("cooldown"));
    let mut old = requiring();
    old.overlays.push(slower(30));
    assert!(matches!(&between(&old, &requiring()).newly_allows[..], [Change::Cooldown { group: Some(_), to: None, .. }]));
}

fn slower(days: i32) -> Overlay {
    Overlay {
        group: "eu".to_owned(),
        mode: None,
        unlisted: BTreeMap::new(),
        rules: crate::manifest::Rules::new(),
        cooldown: Some(days * DAY),
        revocations: Vec::new(),
        line: 1,
        lines: RuleLines::default(),
    }
}

#[test]
fn a_policy_that_asks_for_less_is_wider() {
    let with = |change: &dyn Fn(&mut AttestationPolicy)| lists(|m| change(&mut m.attestations[0]));
    assert_eq!(with(&|p| p.line = 99), none());
    assert_eq!(with(&|p| p.source = None), wider("terms"));
    assert_eq!(with(&|p| p.source_id = None), wider("terms"));
    assert_eq!(with(&|p| p.source_id = Some("18".into())), both("terms"));
    assert_eq!(with(&|p| p.owner_id = Some("4".into())), narrower("terms"));
    assert_eq!(with(&|p| p.builder = Some("https://b.example".into())), narrower("terms"));
    assert_eq!(with(&|p| p.predicates.push("https://a.example/p".into())), wider("terms"));
    assert_eq!(with(&|p| p.predicates = vec!["https://a.example/p".into()]), both("terms"));
    assert_eq!(with(&|p| p.instance = "github".into()), both("terms"));
    assert_eq!(with(&|p| p.min_bundle = Some(BundleVersion::V0_1)), wider("terms"));
    assert_eq!(with(&|p| p.min_bundle = Some(BundleVersion::V0_3)), narrower("terms"));
    assert_eq!(with(&|p| p.min_bundle = None), [vec![], vec![], vec!["terms"]], "as it is by default");
    let key = |spki: u8, not_after: Option<&str>| Attestor::Key { spki: vec![spki], not_after: not_after.map(at) };
    assert_eq!(with(&|p| p.by = key(1, None)), both("terms"));
    let keys = |from: Attestor, to: Attestor| {
        let with = |by| Manifest { attestations: vec![AttestationPolicy { by, ..policy("A-1") }], ..requiring() };
        let found = between(&with(from), &with(to));
        (found.newly_allows.len(), found.no_longer.len())
    };
    assert_eq!(keys(key(1, None), key(2, None)), (1, 1));
    assert_eq!(keys(key(1, None), key(1, Some("2027-01-01T00:00:00Z"))), (0, 1));
    assert_eq!(keys(key(1, Some("2027-01-01T00:00:00Z")), key(1, Some("2027-01-02T00:00:00Z"))), (1, 0));
    for (identity, issuer) in [("https://git.acme.example/b@v{version}", "https://login.acme.example"), ("a", "b")] {
        let by = Attestor::Identity { issuer: issuer.into(), identity: identity.into() };
        assert_eq!(with(&|p| p.by = by.clone()), both("terms"));
    }
    assert_eq!(lists(|m| m.attestations.push(policy("A-2"))), wider("policy"));
    assert_eq!(lists(|m| m.min_bundle = BundleVersion::V0_1), wider("min-bundle"));
    assert_eq!(lists(|m| m.min_bundle = BundleVersion::V0_3), narrower("min-bundle"));
    assert_eq!(lists(|m| m.tools[0].require.clear()), wider("require"));
    assert_eq!(lists(|m| m.tools[0].require.push("A-2".into())), narrower("require"));
}

/// What a bundle shows, by its byte: who signed, what, from which repository, in which form. The last one does not verify.
fn claims(byte: u8, version: &str) -> Option<(Attestor, &'static str, &'static str, &'static str, BundleVersion)> {
    let identity = format!("https://git.acme.example/{}@v{version}", if byte == 2 { "b" } else { "a" });
    let by = Attestor::Identity { issuer: "https://login.acme.example".to_owned(), identity };
    let predicate = if byte == 3 { "https://a.example/p" } else { "https://slsa.dev/provenance/v1" };
    let id = if byte == 4 { "18" } else { "17" };
    let form = if byte == 5 { BundleVersion::V0_1 } else { BundleVersion::V0_3 };
    (byte < 6).then_some((by, predicate, "https://git.acme.example/a", id, form))
}

fn holds(policy: &AttestationPolicy, file: &EvidenceRef, version: &str, default: BundleVersion) -> bool {
    let Some((by, predicate, source, source_id, form)) = claims(file.sha256[0], version) else { return false };
    let wanted = match &policy.by {
        Attestor::Identity { issuer, identity } => {
            Attestor::Identity { issuer: issuer.clone(), identity: identity.replace("{version}", version) }
        }
        key @ Attestor::Key { .. } => key.clone(),
    };
    let asks = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    wanted == by
        && policy.predicates.iter().any(|wanted| wanted == predicate)
        && asks(&policy.source, source)
        && asks(&policy.source_id, source_id)
        && policy.owner_id.is_none()
        && policy.builder.is_none()
        && policy.min_bundle.unwrap_or(default) <= form
}

/// What counts as approved: by tool, version, list of packages on disk, label, instant and group of the machine. What the text says of
/// evidence and cooldown (`docs/manifest.md`), written down once more, without signatures.
fn counting(manifest: &Manifest) -> Vec<String> {
    let mut counting = Vec::new();
    for group in ["", "eu"] {
        let overlays = manifest.overlays.iter().filter(|overlay| overlay.group == group).filter_map(|o| o.cooldown);
        let cooldown = overlays.chain([manifest.cooldown]).max().unwrap_or_default();
        for now in [at("2026-11-20T00:00:00Z"), at("2026-12-15T00:00:00Z")] {
            for tool in &manifest.tools {
                for approval in &tool.approvals {
                    if !is_cool(approval, cooldown, now) || !is_attested(manifest, tool, approval) {
                        continue;
                    }
                    let bytes: Vec<String> = approval.artifacts.iter().filter_map(file).collect();
                    let lists: Vec<&DigestSet> = approval.artifacts.iter().filter_map(list).collect();
                    let fits = |byte: &u8| lists.is_empty() || lists.iter().any(|list| **list == sha256(*byte));
                    for on_disk in [1, 2, 3].iter().filter(|byte| fits(byte)) {
                        // Saying that there is no attestation lets pass without one, besides.
                        let labels: &[&str] = if approval.is_unattested { &["", "none"] } else { &[""] };
                        let of =
                            |label: &&str| format!("{} {} {bytes:?} {on_disk} {label} {now} {group}", tool.id, approval.version);
                        counting.extend(labels.iter().map(of));
                    }
                }
            }
        }
    }
    counting
}

fn file(artifact: &Artifact) -> Option<String> {
    match artifact {
        Artifact::Installed(i) if i.shape != Shape::Packages => Some(format!("{:?}", i.digests)),
        _ => None,
    }
}

fn list(artifact: &Artifact) -> Option<&DigestSet> {
    match artifact {
        Artifact::Installed(i) if i.shape == Shape::Packages => Some(&i.digests),
        _ => None,
    }
}

fn is_cool(approval: &Approval, cooldown: SignedDuration, now: Timestamp) -> bool {
    cooldown.is_zero() || approval.cools_from().is_some_and(|from| from.checked_add(cooldown).is_ok_and(|until| until <= now))
}

fn is_attested(manifest: &Manifest, tool: &ToolEntry, approval: &Approval) -> bool {
    // What is written down must hold, required or not.
    let verifies =
        |file: &EvidenceRef| claims(file.sha256[0], &approval.version).is_some_and(|(.., form)| form >= manifest.min_bundle);
    if !approval.releases().flat_map(|r| &r.evidence).all(verifies) {
        return false;
    }
    let required = |id: &String| {
        let Some(policy) = manifest.attestations.iter().find(|policy| policy.id == *id) else { return false };
        let shows = |r: &Release| r.evidence.iter().any(|file| holds(policy, file, &approval.version, manifest.min_bundle));
        approval.releases().next().is_some() && approval.releases().all(shows)
    };
    tool.require.iter().all(required)
}

/// One change of a manifest, by a number for what and one for how.
fn change(manifest: &mut Manifest, (what, how): (u8, u8)) {
    let byte = how % 6 + 1;
    let time = |how: u8| [None, Some(at("2026-11-01T00:00:00Z")), Some(at("2026-11-18T00:00:00Z"))][usize::from(how % 3)];
    if what < 9 {
        let approval = &mut manifest.tools[usize::from(how) % 2].approvals[0];
        match what {
            0 => release(approval).evidence.clear(),
            1 => release(approval).evidence.push(bundle(byte)),
            2 => release(approval).evidence = vec![bundle(byte)],
            3 => approval.is_unattested = !approval.is_unattested,
            4 => approval.released = time(how),
            5 => approval.approved = time(how).map(|at| Approved { by: vec!["alice".into()], at, ticket: None }),
            6 => approval.artifacts.push(packages(how % 3 + 1)),
            7 => approval.artifacts.retain(|artifact| list(artifact).is_none()),
            _ => {
                let more = approval.clone();
                let tool = &mut manifest.tools[usize::from(how) % 2];
                tool.approvals = tool.approvals.iter().cloned().chain([more]).rev().collect();
            }
        }
        return;
    }
    if what < 12 {
        let id = format!("A-{}", how % 2 + 1);
        let require = &mut manifest.tools[usize::from(how / 2) % 2].require;
        if require.contains(&id) {
            require.retain(|known| *known != id);
        } else {
            require.push(id);
        }
        return;
    }
    let policy = &mut manifest.attestations[usize::from(how) % 2];
    match what {
        12 => policy.source = policy.source.is_none().then(|| "https://git.acme.example/a".to_owned()),
        13 => policy.source_id = [None, Some("17".to_owned()), Some("18".to_owned())][usize::from(how / 2 % 3)].clone(),
        14 => policy.builder = policy.builder.is_none().then(|| "https://b.example".to_owned()),
        15 => policy.predicates.push("https://a.example/p".to_owned()),
        16 => policy.predicates.truncate(1),
        17 => {
            let of = if how % 4 < 2 { "a" } else { "b" };
            let identity = format!("https://git.acme.example/{of}@v{{version}}");
            policy.by = Attestor::Identity { issuer: "https://login.acme.example".to_owned(), identity };
        }
        18 => policy.by = Attestor::Key { spki: vec![how % 2], not_after: None },
        19 => policy.min_bundle = [None, Some(BundleVersion::V0_1), Some(BundleVersion::V0_3)][usize::from(how / 2 % 3)],
        20 => manifest.min_bundle = [BundleVersion::V0_1, BundleVersion::V0_2, BundleVersion::V0_3][usize::from(how % 3)],
        21 => manifest.cooldown = i32::from(how % 3) * 7 * DAY,
        22 => manifest.overlays = vec![slower(i32::from(how % 3) * 14)],
        _ => manifest.overlays.clear(),
    }
}

fn two_tools() -> Manifest {
    let mut manifest = requiring();
    let mut other = manifest.tools[0].clone();
    other.id = id("c");
    other.require.clear();
    manifest.tools.push(other);
    manifest.attestations.push(policy("A-2"));
    manifest
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Whatever counts as approved under the new manifest and did not under the old one, a signer is told of something.
    #[test]
    fn nothing_counts_newly_without_a_word(
        before in prop::collection::vec((0_u8..24, 0_u8..12), 0..12),
        after in prop::collection::vec((0_u8..24, 0_u8..12), 1..3),
    ) {
        let mut old = two_tools();
        for one in before {
            change(&mut old, one);
        }
        let mut new = old.clone();
        for one in after {
            change(&mut new, one);
        }
        let found = between(&old, &new);
        let known = counting(&old);
        let newly: Vec<String> = counting(&new).into_iter().filter(|subject| !known.contains(subject)).collect();
        prop_assert!(newly.is_empty() || !found.newly_allows.is_empty(), "{newly:?} counts newly: {found:?}");
    }
}
