//! What a change allows is always said: examples, and a property over generated documents.

mod evidence;

use super::*;
use crate::catalogue::Catalogue;
use crate::digest::{Digest, DigestSet};
use crate::evidence::{Evidence, Executable, Extent, Identification, Sighting, State};
use crate::manifest::scope::Site;
use crate::manifest::trust_policy::{RoleHolders, Signer, SignerKey, WAIVER_LIMIT};
use crate::manifest::{
    Affected, GRACE, Header, Installed, Lifts, Overlay, Reason, Recognise, Scope, Severity, Shape, Subject, SyncRules, ToolEntry,
    Withdrawn,
};
use crate::policy::{Effect, Policy, decide};
use crate::tool::{Channel, Ecosystem, Package, Platform};
use crate::trust::Verified;
use crate::version::{Scheme, Version, VersionRange};
use proptest::prelude::*;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(text: &str) -> ToolId {
    text.parse().unwrap()
}

fn sha256(byte: u8) -> DigestSet {
    DigestSet::from(Digest::Sha256([byte; 32]))
}

fn manifest() -> Manifest {
    Manifest {
        header: Header {
            name: "acme.example/ai-tools".to_owned(),
            serial: 46,
            issued: at("2026-11-20T00:00:00Z"),
            expires: at("2026-12-20T00:00:00Z"),
        },
        mode: Mode::Enforce,
        unlisted: Kind::ALL.iter().map(|k| (*k, Unlisted::Block)).collect(),
        tools: Vec::new(),
        attestations: Vec::new(),
        cooldown: SignedDuration::ZERO,
        min_bundle: BundleVersion::default(),
        revocations: Vec::new(),
        withdrawn: Vec::new(),
        requires_client: None,
        lines: crate::manifest::RuleLines::default(),
        waivers: Vec::new(),
        rules: crate::manifest::Rules::new(),
        directives: Vec::new(),
        overlays: Vec::new(),
        grace: GRACE,
        sync: SyncRules::default(),
    }
}

fn approval(version: &str, byte: u8) -> Approval {
    let file = Installed {
        package: None,
        platform: None,
        shape: Shape::File { path: String::new() },
        digests: sha256(byte),
        files: None,
    };
    Approval {
        version: version.to_owned(),
        approved: None,
        artifacts: vec![Artifact::Installed(file)],
        line: 0,
        released: None,
        is_unattested: false,
    }
}

fn approving(tools: &[(&str, &str, u8)]) -> Manifest {
    let entry = |(tool, version, byte): &(&str, &str, u8)| ToolEntry {
        require: Vec::new(),
        id: id(tool),
        recognise: None,
        approvals: vec![approval(version, *byte)].into(),
    };
    Manifest { tools: tools.iter().map(entry).collect(), ..manifest() }
}

fn revocation(name: &str, introduced: &str, fixed: Option<&str>) -> Revocation {
    let range = VersionRange { introduced: introduced.to_owned(), fixed: fixed.map(str::to_owned) };
    Revocation {
        id: name.to_owned(),
        aliases: Vec::new(),
        affected: vec![Affected { subject: Subject::Tool(id("claude-code")), ranges: vec![range] }],
        digests: Vec::new(),
        reason: Reason::Policy,
        severity: Severity::High,
        effective: at("2026-07-01T00:00:00Z"),
        advisory: None,
        replacement: None,
        message: "no".to_owned(),
        line: 0,
    }
}

fn revoking(revocations: Vec<Revocation>) -> Manifest {
    Manifest { revocations, ..manifest() }
}

fn waiver() -> Waiver {
    Waiver {
        id: "W-1".to_owned(),
        lifts: vec![Lifts::Unvetted],
        tool: id("claude-code"),
        versions: vec!["1.0.0".to_owned()],
        digests: DigestSet::new(),
        scope: None,
        owner: "carol".to_owned(),
        approver: "dave".to_owned(),
        reason: "forensics".to_owned(),
        starts: at("2026-11-20T00:00:00Z"),
        expires: at("2026-11-27T00:00:00Z"),
        line: 0,
    }
}

fn between(old: &Manifest, new: &Manifest) -> Difference {
    let documents = |manifest| Documents { manifest: Some(manifest), ..Documents::default() };
    Difference::between(Some(&documents(old)), &documents(new))
}

#[test]
fn an_approval_is_allowed_and_its_removal_is_not() {
    let (old, new) = (approving(&[("b", "1.0.0", 1)]), approving(&[("b", "1.0.0", 1), ("c", "2.0.0", 2)]));
    let forth = between(&old, &new);
    assert!(matches!(&forth.newly_allows[..], [Change::Approval { tool, other_bytes: false, .. }] if tool.as_str() == "c"));
    assert!(forth.no_longer.is_empty());
    assert_eq!(forth.unchanged.approvals, 1);
    let back = between(&new, &old);
    assert!(back.newly_allows.is_empty());
    assert!(matches!(&back.no_longer[..], [Change::Approval { .. }]));
}

#[test]
fn other_bytes_of_an_approved_version_are_new() {
    let found = between(&approving(&[("b", "1.0.0", 1)]), &approving(&[("b", "1.0.0", 2)]));
    assert!(matches!(&found.newly_allows[..], [Change::Approval { other_bytes: true, .. }]), "{found:?}");
    assert!(matches!(&found.no_longer[..], [Change::Approval { other_bytes: true, .. }]), "{found:?}");
}

/// Bytes that differ from an approval are refused; without the approval they are merely unlisted.
#[test]
fn an_approval_that_goes_can_let_other_bytes_pass() {
    let mut new = manifest();
    new.unlisted.insert(Kind::Cli, Unlisted::Warn);
    let mut old = approving(&[("b", "1.0.0", 1)]);
    old.unlisted = new.unlisted.clone();
    assert!(matches!(&between(&old, &new).newly_allows[..], [Change::Unpinned { .. }]));
}

/// A lock file with another integrity is refused by the one approval that pins a release, and passes by version under the other.
#[test]
fn a_release_that_is_pinned_no_more_is_shown() {
    let pinned = |text: &str| {
        let mut one = approval(text, 1);
        one.artifacts
            .push(Artifact::Release(crate::manifest::Release { digests: sha256(9), ..crate::manifest::Release::default() }));
        one
    };
    let with = |approvals: Vec<Approval>| {
        let tools = vec![ToolEntry { id: id("b"), recognise: None, require: Vec::new(), approvals: approvals.into() }];
        Manifest { tools, ..manifest() }
    };
    let unpinned = |old: Vec<Approval>, new: Vec<Approval>| {
        let found = between(&with(old), &with(new)).newly_allows;
        found.iter().any(|change| matches!(change, Change::Unpinned { is_listed: true, .. }))
    };
    assert!(unpinned(vec![pinned("1.0.0"), approval("1.0.0", 2)], vec![approval("1.0.0", 2)]));
    assert!(unpinned(vec![pinned("v1.0.0"), approval("1.0.0", 2)], vec![approval("1.0.0", 2)]));
    assert!(!unpinned(vec![pinned("1.0.0"), approval("2.0.0", 2)], vec![approval("2.0.0", 2)]), "the version is unlisted now");
    assert!(!unpinned(vec![approval("1.0.0", 1), pinned("1.0.0")], vec![pinned("1.0.0")]));
}

/// Ids are easily guessed: withdrawn before it is revoked, a tool can be revoked by nobody.
#[test]
fn a_withdrawal_of_what_is_not_there_is_shown() {
    let end = |name: &str| Withdrawn { id: name.to_owned(), reason: "r".to_owned(), line: 1 };
    let mut new = manifest();
    new.withdrawn.push(end("ACME-2027-0001"));
    let found = between(&manifest(), &new);
    assert_eq!(found.newly_allows, [Change::Withdrawal { id: "ACME-2027-0001".into(), reason: "r".into() }]);
    assert!(between(&new, &new).is_empty());
    assert_eq!(between(&new, &manifest()).no_longer.len(), 1);
    let mut old = manifest();
    old.revocations.push(revocation("ACME-2027-0001", "0", None));
    let found = between(&old, &new).newly_allows;
    assert!(matches!(&found[..], [Change::Revocation { how: Became::Withdrawn(_), .. }]), "said once: {found:?}");
}

/// The name of a file says little: a description by it may take a tool away from the rules of its vendor.
#[test]
fn a_tool_that_is_described_by_names_of_files_is_shown() {
    let described = |packages: Vec<Package>, binaries: &[&str]| {
        let binaries = binaries.iter().map(|b| (*b).to_owned()).collect();
        let recognise = Some(Recognise { vendor: "Acme".into(), kind: Kind::Sdk, packages, binaries });
        let tools = vec![ToolEntry { id: id("b"), recognise, require: Vec::new(), approvals: Vec::new().into() }];
        Manifest { tools, ..manifest() }
    };
    let lists = |old: &Manifest, new: &Manifest| {
        let found = between(old, new);
        (found.newly_allows.len(), found.no_longer.len())
    };
    let package = || vec![Package::new(Ecosystem::Npm, "acme-sdk")];
    assert_eq!(lists(&manifest(), &described(Vec::new(), &["agent"])), (1, 0));
    assert_eq!(lists(&manifest(), &described(package(), &[])), (0, 1));
    assert_eq!(lists(&described(package(), &[]), &described(package(), &["agent"])), (1, 0));
    assert_eq!(lists(&described(package(), &[]), &manifest()), (1, 0));
}

#[test]
fn who_approved_and_the_order_of_artifacts_allow_nothing() {
    let mut old = approving(&[("b", "1.0.0", 1)]);
    old.tools[0].approvals[0]
        .artifacts
        .push(Artifact::Release(crate::manifest::Release { digests: sha256(9), ..crate::manifest::Release::default() }));
    let mut new = old.clone();
    new.tools[0].approvals[0].artifacts.reverse();
    new.tools[0].approvals[0].line = 77;
    assert!(between(&old, &new).is_empty());
    new.tools[0].approvals[0].approved =
        Some(super::super::Approved { by: vec!["mallory".into()], at: at("2026-11-20T00:00:00Z"), ticket: None });
    let found = between(&old, &new);
    assert!(found.newly_allows.is_empty() && matches!(&found.also[..], [Change::Approval { .. }]));
}

#[test]
fn a_revocation_that_moves_between_the_documents_is_unchanged() {
    let (there, gone) = (revoking(vec![revocation("R", "1.0.0", None)]), manifest());
    let document = Revocations {
        header: there.header.clone(),
        manifest: super::super::Beacon { serial: 1, sha256: Digest::Sha256([0; 32]) },
        revocations: there.revocations.clone(),
    };
    let old = Documents { manifest: Some(&there), ..Documents::default() };
    let new = Documents { manifest: Some(&gone), revocations: Some(&document), ..Documents::default() };
    let found = Difference::between(Some(&old), &new);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(found.unchanged.revocations, 1);
    let back = Difference::between(Some(&new), &Documents { manifest: Some(&gone), ..Documents::default() });
    assert!(back.newly_allows.contains(&Change::Gone(DocumentKind::Revocations)));
    assert!(back.newly_allows.iter().any(|c| matches!(c, Change::Revocation { how: Became::Missing, .. })));
    let withdrawn = Withdrawn { id: "R".into(), reason: "fixed".into(), line: 1 };
    let lifted = Manifest { withdrawn: vec![withdrawn], ..gone.clone() };
    let found = Difference::between(Some(&new), &Documents { manifest: Some(&lifted), ..new });
    let [Change::Revocation { how: Became::Withdrawn(reason), .. }] = &found.newly_allows[..] else { panic!("{found:?}") };
    assert_eq!(reason, "fixed");
}

#[test]
fn a_revocation_is_compared_by_what_it_covers() {
    let old = revocation("R", "1.0.0", Some("2.0.0"));
    let with = |change: &dyn Fn(&mut Revocation)| {
        let mut new = old.clone();
        change(&mut new);
        between(&revoking(vec![old.clone()]), &revoking(vec![new]))
    };
    let how = |list: &[Change]| -> Vec<Became> {
        list.iter().map(|c| if let Change::Revocation { how, .. } = c { how.clone() } else { panic!("{c:?}") }).collect()
    };
    for (what, change, wider, narrower) in [
        (
            "a later end",
            &(|r: &mut Revocation| r.affected[0].ranges[0].fixed = Some("2.1.0".into())) as &dyn Fn(&mut Revocation),
            vec![],
            vec![Became::Wider],
        ),
        ("no end", &|r| r.affected[0].ranges[0].fixed = None, vec![], vec![Became::Wider]),
        ("no ranges", &|r| r.affected[0].ranges.clear(), vec![], vec![Became::Wider]),
        ("an earlier end", &|r| r.affected[0].ranges[0].fixed = Some("2.0.0-rc.1".into()), vec![Became::Narrower], vec![]),
        (
            "both ends moved",
            &|r| r.affected[0].ranges[0] = VersionRange { introduced: "1.5.0".into(), fixed: None },
            vec![Became::Narrower],
            vec![Became::Wider],
        ),
        ("another tool", &|r| r.affected[0].subject = Subject::Tool(id("c")), vec![Became::Narrower], vec![Became::Wider]),
        ("a digest more", &|r| r.digests.push(sha256(1)), vec![], vec![Became::Wider]),
        ("milder", &|r| r.severity = Severity::Low, vec![Became::Milder], vec![]),
        ("harder", &|r| r.severity = Severity::Critical, vec![], vec![Became::Harder]),
        ("later", &|r| r.effective = at("2027-01-01T00:00:00Z"), vec![Became::Later], vec![]),
        ("earlier", &|r| r.effective = at("2026-01-01T00:00:00Z"), vec![], vec![Became::Earlier]),
    ] {
        let found = with(change);
        assert_eq!((how(&found.newly_allows), how(&found.no_longer)), (wider, narrower), "{what}");
    }
    let reworded = with(&|r| r.message = "other words".into());
    assert_eq!(how(&reworded.also), [Became::Reworded]);
    assert!(reworded.newly_allows.is_empty() && reworded.no_longer.is_empty());
    // An order that cannot be shown is an order that may be the other way round.
    let odd = revocation("R", "2.0.0-nightly.5", None);
    let other = revocation("R", "2.0.0-nightly.4", None);
    let found = between(&revoking(vec![odd]), &revoking(vec![other]));
    assert_eq!(how(&found.newly_allows), [Became::Narrower]);
}

#[test]
fn a_waiver_is_compared_by_what_it_lets_pass() {
    let with = |change: &dyn Fn(&mut Waiver)| {
        let mut new = waiver();
        change(&mut new);
        let manifest = |waiver| Manifest { waivers: vec![waiver], ..manifest() };
        let found = between(&manifest(waiver()), &manifest(new));
        (found.newly_allows.len(), found.no_longer.len(), found.also.len())
    };
    let scope = |groups: &[&str]| {
        Some(Scope { repositories: Vec::new(), groups: groups.iter().map(|g| (*g).to_owned()).collect(), paths: Vec::new() })
    };
    assert_eq!(with(&|w| w.line = 9), (0, 0, 0));
    assert_eq!(with(&|w| w.expires = at("2026-11-28T00:00:00Z")), (1, 0, 0));
    assert_eq!(with(&|w| w.expires = at("2026-11-26T00:00:00Z")), (0, 1, 0));
    assert_eq!(with(&|w| w.starts = at("2026-11-19T00:00:00Z")), (1, 0, 0));
    assert_eq!(with(&|w| w.versions.clear()), (1, 0, 0));
    assert_eq!(with(&|w| w.versions.push("2".into())), (1, 0, 0));
    assert_eq!(with(&|w| w.lifts.push(Lifts::Revocation("R".into()))), (1, 0, 0));
    assert_eq!(with(&|w| w.tool = id("c")), (1, 1, 0));
    assert_eq!(with(&|w| w.digests = sha256(1)), (0, 1, 0));
    assert_eq!(with(&|w| w.scope = scope(&["a"])), (0, 1, 0));
    assert_eq!(with(&|w| w.scope = scope(&[])), (0, 0, 1));
    assert_eq!(with(&|w| w.owner = "erin".into()), (0, 0, 1));
}

#[test]
fn laxer_rules_are_wider_and_stricter_ones_narrower() {
    let with = |change: &dyn Fn(&mut Manifest)| {
        let mut new = manifest();
        change(&mut new);
        let (forth, back) = (between(&manifest(), &new), between(&new, &manifest()));
        ((forth.newly_allows.len(), forth.no_longer.len()), (back.newly_allows.len(), back.no_longer.len()))
    };
    let overlay = |mode| Overlay {
        group: "eu".into(),
        mode,
        unlisted: BTreeMap::from([(Kind::Sdk, Unlisted::Block)]),
        rules: crate::manifest::Rules::new(),
        cooldown: None,
        revocations: vec![revocation("R", "0", None)],
        line: 1,
        lines: crate::manifest::RuleLines::default(),
    };
    assert_eq!(with(&|m| m.mode = Mode::Monitor), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| *m.unlisted.get_mut(&Kind::Sdk).unwrap() = Unlisted::Warn), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.grace = SignedDuration::from_hours(96)), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.sync.every = SignedDuration::from_hours(2)), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.sync.sources.push("https://a.example/".into())), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.overlays.push(overlay(Some(Mode::Enforce)))), ((0, 3), (3, 0)));
    let client = |text| Some(crate::manifest::ClientRequirement::parse(text).unwrap());
    assert_eq!(with(&|m| m.requires_client = client(">=0.3.0")), ((0, 1), (1, 0)));
    assert_eq!(with(&|m| m.header.expires = at("2026-12-30T00:00:00Z")), ((1, 0), (0, 1)));
}

#[test]
fn without_an_old_issue_everything_that_allows_is_new() {
    let mut new = approving(&[("b", "1.0.0", 1)]);
    new.mode = Mode::Monitor;
    new.waivers.push(waiver());
    let documents = Documents { manifest: Some(&new), ..Documents::default() };
    let found = Difference::between(None, &documents);
    assert_eq!(found.newly_allows.len(), 3, "{found:?}");
    assert_eq!(found.steps, [Step { document: DocumentKind::Manifest, from: None, to: 46, expires: new.header.expires }]);
    assert!(Difference::between(Some(&documents), &documents).is_empty());
}

fn trust() -> TrustPolicy {
    let signer = |id: &str, byte: u8| {
        let key = SignerKey { spki: vec![byte], not_after: None };
        (id.to_owned(), Signer { id: id.to_owned(), keys: vec![key], identities: Vec::new() })
    };
    let role =
        |threshold, signers: &[&str]| RoleHolders { threshold, signers: signers.iter().map(|s| (*s).to_owned()).collect() };
    TrustPolicy {
        name: "acme".to_owned(),
        version: 1,
        expires: at("2027-11-20T00:00:00Z"),
        signers: BTreeMap::from([signer("alice", 1), signer("bob", 2)]),
        roles: BTreeMap::from([
            (Role::Root, role(2, &["alice", "bob"])),
            (Role::Manifest, role(2, &["alice", "bob"])),
            (Role::Revocations, role(1, &["bob"])),
        ]),
        waiver_limit: WAIVER_LIMIT,
        instances: BTreeMap::new(),
    }
}

#[test]
fn whoever_may_sign_more_is_wider() {
    let with = |change: &dyn Fn(&mut TrustPolicy)| {
        let mut new = trust();
        change(&mut new);
        let old = trust();
        let documents = |trust| Documents { trust: Some(trust), ..Documents::default() };
        let found = Difference::between(Some(&documents(&old)), &documents(&new));
        (found.newly_allows.len(), found.no_longer.len())
    };
    let soon = at("2026-12-01T00:00:00Z");
    assert_eq!(with(&|t| t.version = 2), (0, 0));
    assert_eq!(with(&|t| t.roles.get_mut(&Role::Manifest).unwrap().threshold = 1), (1, 0));
    assert_eq!(with(&|t| t.roles.get_mut(&Role::Revocations).unwrap().signers.push("alice".into())), (1, 0));
    assert_eq!(with(&|t| drop(t.roles.remove(&Role::Revocations))), (1, 1));
    assert_eq!(with(&|t| t.signers.get_mut("bob").unwrap().keys[0].spki = vec![3]), (1, 1));
    assert_eq!(with(&|t| t.signers.get_mut("bob").unwrap().keys[0].not_after = Some(soon)), (0, 1));
    assert_eq!(with(&|t| t.waiver_limit = SignedDuration::from_hours(1)), (0, 1));
    assert_eq!(with(&|t| t.name = "other".into()), (1, 0));
}

/// A file of a tool with a version, a digest, or neither.
fn sighting(tool: &str, version: Option<&str>, byte: u8) -> Sighting {
    Sighting {
        tool: id(tool),
        package: None,
        version: version.map(|v| Version::parse(Scheme::SemVer, v)),
        channel: Channel::Native,
        root: "/bin/x".into(),
        extent: Extent::File,
        reached_by: Vec::new(),
        executables: vec![Executable { path: "/bin/x".into(), size: 1, digests: Ok(sha256(byte)) }],
        identified_by: Identification::Name,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    }
}

/// The subjects that pass: each as tool, version, byte, instant and group of the machine.
fn passing(manifest: &Manifest, revocations: &Revocations) -> Vec<String> {
    ["", "eu"].iter().flat_map(|group| passing_in(manifest, revocations, group)).collect()
}

fn passing_in(manifest: &Manifest, revocations: &Revocations, group: &str) -> Vec<String> {
    let site = Site { groups: vec![group.to_owned()], repository: None };
    let policy = Policy::new(Verified::for_test(manifest.clone()));
    let policy = policy.with_revocations(Verified::for_test(revocations.clone())).at(site);
    let mut passing = Vec::new();
    for now in [at("2026-11-21T12:00:00Z"), at("2026-11-29T12:00:00Z")] {
        for tool in ["claude-code", "gemini-cli"] {
            for version in [Some("1.0.0"), Some("2.0.0"), Some("odd"), None] {
                for byte in [1, 2] {
                    let sightings = vec![sighting(tool, version, byte)];
                    let evidence = Evidence { sightings, ..Evidence::default() };
                    let report = decide(&policy, &CATALOGUE, &evidence, &Platform::here(), now);
                    if report.verdicts.iter().all(|v| matches!(v.effect, Effect::Pass | Effect::Warn)) {
                        passing.push(format!("{tool} {version:?} {byte} {now} {group}"));
                    }
                }
            }
        }
    }
    passing
}

fn any_tool() -> impl Strategy<Value = ToolId> {
    prop_oneof![Just(id("claude-code")), Just(id("gemini-cli"))]
}

fn any_version() -> impl Strategy<Value = String> {
    prop_oneof![Just("1.0.0".to_owned()), Just("2.0.0".to_owned())]
}

prop_compose! {
    fn any_entry()(tool in any_tool(), versions in prop::collection::vec((any_version(), 1_u8..3), 0..3)) -> ToolEntry {
        ToolEntry { id: tool, recognise: None, require: Vec::new(), approvals: versions.iter().map(|(v, byte)| approval(v, *byte)).collect() }
    }
}

prop_compose! {
    fn any_revocation()(
        name in prop_oneof![Just("R-1"), Just("R-2")],
        subject in prop_oneof![
            any_tool().prop_map(Subject::Tool),
            Just(Subject::Vendor("anthropic".into())),
            Just(Subject::Vendor("Google".into())),
        ],
        ranges in prop::collection::vec(
            (prop_oneof![Just("0"), Just("1.0.0"), Just("1.5.0")], prop_oneof![Just(None), Just(Some("2.0.0")), Just(Some("3.0.0"))]),
            0..2,
        ),
        digests in prop::collection::vec((1_u8..3).prop_map(sha256), 0..2),
        by_digest_alone in any::<bool>(),
        severity in prop_oneof![Just(Severity::Low), Just(Severity::Critical)],
        effective in prop_oneof![Just("2026-07-01T00:00:00Z"), Just("2026-11-25T00:00:00Z")],
    ) -> Revocation {
        let is_tool = matches!(subject, Subject::Tool(_));
        let ranges = ranges.into_iter().filter(|_| is_tool);
        let ranges = ranges.map(|(a, b)| VersionRange { introduced: a.to_owned(), fixed: b.map(str::to_owned) }).collect();
        Revocation {
            affected: if by_digest_alone && !digests.is_empty() { Vec::new() } else { vec![Affected { subject, ranges }] },
            digests,
            severity,
            effective: at(effective),
            ..revocation(name, "0", None)
        }
    }
}

prop_compose! {
    fn any_waiver()(
        name in prop_oneof![Just("W-1"), Just("W-2")],
        tool in any_tool(),
        lifts in prop::sample::subsequence(vec![Lifts::Unvetted, Lifts::Revocation("R-1".into()), Lifts::Revocation("R-2".into())], 1..4),
        versions in prop::sample::subsequence(vec!["1.0.0".to_owned(), "2.0.0".to_owned()], 0..3),
        digests in prop_oneof![Just(DigestSet::new()), Just(sha256(1))],
        expires in prop_oneof![Just("2026-11-27T00:00:00Z"), Just("2026-12-01T00:00:00Z")],
        is_of_group in prop::bool::weighted(0.3),
    ) -> Waiver {
        let scope = is_of_group.then(|| Scope { repositories: Vec::new(), groups: vec!["eu".to_owned()], paths: Vec::new() });
        Waiver { id: name.to_owned(), tool, lifts, versions, digests, scope, expires: at(expires), ..waiver() }
    }
}

fn distinct<T>(list: Vec<T>, key: impl Fn(&T) -> String) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    list.into_iter().filter(|one| seen.insert(key(one))).collect()
}

prop_compose! {
    fn any_manifest()(
        tools in prop::collection::vec(any_entry(), 0..3),
        revocations in prop::collection::vec(any_revocation(), 0..3),
        waivers in prop::collection::vec(any_waiver(), 0..3),
        monitor in prop::bool::weighted(0.1),
        lax in prop::bool::weighted(0.2),
        overlay in prop::option::of((prop::option::of(Just(Mode::Enforce)), prop::bool::ANY, prop::option::of(any_revocation()))),
        withdrawn in prop::sample::subsequence(vec!["R-1", "R-2"], 0..2),
    ) -> Manifest {
        let is_ended = |r: &Revocation| withdrawn.contains(&r.id.as_str());
        let overlays = overlay.into_iter().map(|(mode, strict, revocation)| Overlay {
            group: "eu".to_owned(),
            mode,
            rules: crate::manifest::Rules::new(),
            unlisted: if strict { BTreeMap::from([(Kind::Cli, Unlisted::Block)]) } else { BTreeMap::new() },
            cooldown: None,
            revocations: revocation.into_iter().filter(|r| !is_ended(r)).collect(),
            line: 1,
            lines: crate::manifest::RuleLines::default(),
        });
        let revocations = revocations.into_iter().filter(|r| !is_ended(r)).collect();
        let mut manifest = Manifest {
            overlays: overlays.collect(),
            withdrawn: withdrawn.iter().map(|id| Withdrawn { id: (*id).to_owned(), reason: "r".to_owned(), line: 1 }).collect(),
            tools: distinct(tools, |t| t.id.to_string()),
            revocations: distinct(revocations, |r| r.id.clone()),
            waivers: distinct(waivers, |w| w.id.clone()),
            mode: if monitor { Mode::Monitor } else { Mode::Enforce },
            ..manifest()
        };
        if lax {
            manifest.unlisted.insert(Kind::Cli, Unlisted::Warn);
        }
        manifest
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Whatever passes under the new documents and did not under the old ones, a signer is told of something.
    #[test]
    fn nothing_passes_newly_without_a_word(
        old in any_manifest(),
        other in any_manifest(),
        documents in (prop::collection::vec(any_revocation(), 0..2), prop::collection::vec(any_revocation(), 0..2)),
        // Two manifests made apart differ in everything: most parts are kept, so that one change stands alone.
        kept in prop::array::uniform6(prop::bool::weighted(0.6)),
    ) {
        let keep = |index: usize| if kept[index] { &old } else { &other };
        let new = Manifest {
            tools: keep(0).tools.clone(),
            revocations: keep(1).revocations.clone(),
            // What is withdrawn is left out of the same manifest.
            withdrawn: keep(1).withdrawn.clone(),
            overlays: if keep(1).withdrawn.is_empty() { keep(5).overlays.clone() } else { keep(1).overlays.clone() },
            waivers: keep(2).waivers.clone(),
            mode: keep(3).mode,
            unlisted: keep(3).unlisted.clone(),
            ..old.clone()
        };
        let document = |revocations| Revocations {
            header: old.header.clone(),
            manifest: super::super::Beacon { serial: 1, sha256: Digest::Sha256([0; 32]) },
            revocations,
        };
        let before = document(documents.0.clone());
        let after = document(if kept[4] { documents.0 } else { documents.1 });
        let found = Difference::between(
            Some(&Documents { manifest: Some(&old), revocations: Some(&before), trust: None }),
            &Documents { manifest: Some(&new), revocations: Some(&after), trust: None },
        );
        let known = passing(&old, &before);
        let newly: Vec<String> = passing(&new, &after).into_iter().filter(|subject| !known.contains(subject)).collect();
        prop_assert!(newly.is_empty() || !found.newly_allows.is_empty(), "{newly:?} passes newly: {found:?}");
    }
}
