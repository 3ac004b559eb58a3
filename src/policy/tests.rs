//! The decision, told as sentences: a vocabulary of small constructors, then one test for each row of the table, then the
//! properties that hold for every policy and every evidence.

use super::*;
use crate::catalogue::Catalogue;
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::evidence::{
    Change, CoverageOutcome, Difference, Evidence, Executable, Extent, Identification, Measurement, Mention, Oddity, Request,
    Sighting, State, Unmeasured,
};
use crate::manifest::scope::RepositoryName;
use crate::manifest::{
    Affected, Approval, Artifact, Beacon, Header, Installed, Lifts, Overlay, Reason, Scope, Shape, Subject, ToolEntry, Waiver,
    Withdrawn,
};
use crate::source::Location;
use crate::tool::{Channel, Ecosystem, Package};
use crate::version::{Version, VersionRange};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-21T12:00:00Z")
}

fn linux() -> Platform {
    Platform("linux/x86_64".to_owned())
}

fn sha256(byte: u8) -> DigestSet {
    Digest::parse(Algorithm::Sha256, &hex::encode([byte; 32])).unwrap().into()
}

fn sha512(byte: u8) -> DigestSet {
    Digest::parse(Algorithm::Sha512, &hex::encode([byte; 64])).unwrap().into()
}

fn dir_hash(byte: u8) -> Digest {
    Digest::parse(Algorithm::DirHash, &hex::encode([byte; 32])).unwrap()
}

fn manifest(mode: Mode) -> Manifest {
    Manifest {
        header: Header {
            name: "acme.example/ai-tools".to_owned(),
            serial: 47,
            issued: at("2026-11-20T00:00:00Z"),
            expires: at("2026-12-04T00:00:00Z"),
        },
        mode,
        unlisted: Kind::ALL.iter().map(|k| (*k, Unlisted::Block)).collect(),
        tools: Vec::new(),
        revocations: Vec::new(),
        withdrawn: Vec::new(),
        requires_client: None,
        waivers: Vec::new(),
        overlays: Vec::new(),
        grace: crate::manifest::GRACE,
        sync: crate::manifest::SyncRules::default(),
    }
}

fn tree_shape() -> Shape {
    Shape::Tree { include: Vec::new(), exclude: Vec::new() }
}

fn installed(shape: Shape, digests: DigestSet) -> Artifact {
    Artifact::Installed(Installed { platform: Some(linux()), shape, digests, files: None })
}

fn approve(mut manifest: Manifest, tool: &str, version: &str, artifacts: Vec<Artifact>) -> Manifest {
    let approval = Approval { version: version.to_owned(), approved: None, artifacts, line: 1 };
    manifest.tools.push(ToolEntry { id: tool.parse().unwrap(), recognise: None, approvals: vec![approval].into() });
    manifest
}

/// A revocations document of these, issued an hour before [`now`] for a day.
fn revocations(revocations: Vec<Revocation>) -> Verified<Revocations> {
    Verified::for_test(Revocations {
        header: Header {
            name: "acme.example/ai-tools".to_owned(),
            serial: 90210,
            issued: at("2026-11-21T11:00:00Z"),
            expires: at("2026-11-22T11:00:00Z"),
        },
        manifest: Beacon { serial: 47, sha256: Digest::sha256_of(b"") },
        revocations,
    })
}

fn policy(manifest: Manifest) -> Policy {
    Policy::new(Verified::for_test(manifest))
}

fn overlay(group: &str, mode: Option<Mode>, revocations: Vec<Revocation>) -> Overlay {
    Overlay { group: group.to_owned(), mode, unlisted: std::collections::BTreeMap::new(), revocations, line: 88 }
}

fn in_groups(groups: &[&str]) -> Site {
    Site { groups: groups.iter().map(|g| (*g).to_owned()).collect(), repository: None }
}

fn in_repository(address: &str) -> Site {
    Site { groups: Vec::new(), repository: RepositoryName::of_remote(address) }
}

/// The same policy under `lower` as the repository's own file.
fn under(policy: Policy, lower: &Manifest) -> Policy {
    policy.narrowed_by(Narrowing::of(Layer::Repository, "vetted.toml".into(), lower))
}

fn decided(policy: &Policy, sightings: Vec<Sighting>, now: Timestamp) -> Report {
    decide(policy, &CATALOGUE, &Evidence { sightings, is_whole: true, ..Evidence::default() }, &linux(), now)
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|f| f.code.name()).collect()
}

fn finding(report: &Report, code: Code) -> &Finding {
    report.findings.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("no {code:?} in {:?}", report.findings))
}

fn revocation(id: &str, subject: Subject, introduced: &str, fixed: Option<&str>) -> Revocation {
    let range = VersionRange { introduced: introduced.to_owned(), fixed: fixed.map(str::to_owned) };
    Revocation {
        id: id.to_owned(),
        aliases: Vec::new(),
        affected: vec![Affected { subject, ranges: vec![range] }],
        digests: Vec::new(),
        reason: Reason::UndisclosedTracking,
        severity: crate::manifest::Severity::High,
        effective: at("2026-07-01T00:00:00Z"),
        advisory: None,
        replacement: None,
        message: "tracked".to_owned(),
        line: 1,
    }
}

fn claude(introduced: &str, fixed: &str) -> Revocation {
    revocation("R-1", Subject::Tool("claude-code".parse().unwrap()), introduced, Some(fixed))
}

fn waiver(lifts: Lifts, version: &str) -> Waiver {
    Waiver {
        id: "W-1".to_owned(),
        lifts: vec![lifts],
        tool: "claude-code".parse().unwrap(),
        versions: vec![version.to_owned()],
        digests: DigestSet::new(),
        scope: None,
        owner: "carol@acme.example".to_owned(),
        approver: "dave@acme.example".to_owned(),
        reason: "forensics".to_owned(),
        starts: at("2026-11-20T00:00:00Z"),
        expires: at("2026-11-27T00:00:00Z"),
        line: 1,
    }
}

fn sighting(tool: &str, version: Option<&str>) -> Sighting {
    Sighting {
        tool: tool.parse().unwrap(),
        package: None,
        version: version.map(|v| Version::parse(Scheme::SemVer, v)),
        channel: Channel::Npm,
        root: "/n/tool".into(),
        extent: Extent::Folder,
        reached_by: Vec::new(),
        executables: vec![Executable { path: "/n/tool/bin".into(), size: 3, digests: Ok(sha256(1)) }],
        identified_by: Identification::Metadata,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        measurements: Vec::new(),
    }
}

fn measured(mut sighting: Sighting, shape: Shape, digest: Digest) -> Sighting {
    sighting.measurements.push(Measurement { shape, list: None, result: Ok(digest), difference: None });
    sighting
}

fn mention(version: &str, integrity: DigestSet) -> Mention {
    Mention {
        tool: "claude-code".parse().unwrap(),
        package: Package::new(Ecosystem::Npm, "@anthropic-ai/claude-code"),
        request: Request::Exact(Version::parse(Scheme::SemVer, version)),
        integrity,
        location: Location { path: "package-lock.json".into(), line: Some(7) },
        brought_by: Vec::new(),
    }
}

fn judge(manifest: Manifest, sightings: Vec<Sighting>) -> Report {
    judge_at(manifest, &Evidence { sightings, ..Evidence::default() }, now())
}

fn judge_at(manifest: Manifest, evidence: &Evidence, now: Timestamp) -> Report {
    decide(&policy(manifest), &CATALOGUE, evidence, &linux(), now)
}

fn only_verdict(report: &Report) -> &Verdict {
    assert_eq!(report.verdicts.len(), 1);
    &report.verdicts[0].verdict
}

#[track_caller]
fn assert_outcome(report: &Report, verdict: &str, outcome: Outcome) {
    assert_eq!((only_verdict(report).name(), report.outcome), (verdict, outcome), "{:?}", report.verdicts[0].why);
}

#[test]
fn revoked_blocks_in_both_modes() {
    for mode in [Mode::Monitor, Mode::Enforce] {
        let mut policy = manifest(mode);
        policy.revocations.push(claude("2.1.91", "2.1.198"));
        assert_outcome(&judge(policy.clone(), vec![sighting("claude-code", Some("2.1.197"))]), "revoked", Outcome::Blocked);
        let clean = judge(policy, vec![sighting("claude-code", Some("2.1.198"))]);
        assert_eq!(only_verdict(&clean).name(), "unvetted");
        assert_eq!(clean.outcome, if mode == Mode::Monitor { Outcome::Approved } else { Outcome::Blocked });
    }
}

#[test]
fn revoked_wins_over_an_approval_of_the_same_bytes() {
    let mut policy =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.150", vec![installed(tree_shape(), dir_hash(7).into())]);
    policy.revocations.push(claude("2.1.91", "2.1.198"));
    let seen = measured(sighting("claude-code", Some("2.1.150")), tree_shape(), dir_hash(7));
    assert_outcome(&judge(policy, vec![seen]), "revoked", Outcome::Blocked);
}

#[test]
fn a_digest_is_revoked_whatever_the_tool_is_called() {
    let mut policy = manifest(Mode::Monitor);
    let mut by_digest = claude("0", "0.0.1");
    by_digest.digests.push(sha256(1));
    policy.revocations.push(by_digest);
    let report = judge(policy, vec![sighting("openai-codex", Some("0.169.0"))]);
    assert!(matches!(only_verdict(&report), Verdict::Revoked { by: RevokedBy::Digest, .. }));
}

#[test]
fn a_version_that_cannot_be_compared_counts_as_revoked_and_none_at_all_is_undecided() {
    let mut policy = manifest(Mode::Monitor);
    policy.revocations.push(claude("2.1.91", "2.1.198"));
    assert_outcome(&judge(policy.clone(), vec![sighting("claude-code", Some("nightly"))]), "revoked", Outcome::Blocked);
    assert_outcome(&judge(policy.clone(), vec![sighting("claude-code", None)]), "unverifiable", Outcome::Undecided);
    // Another tool is not touched by it.
    assert_outcome(&judge(policy, vec![sighting("openai-codex", None)]), "unvetted", Outcome::Approved);
}

#[test]
fn a_revocation_begins_when_it_says() {
    let mut policy = manifest(Mode::Monitor);
    let mut later = claude("2.1.91", "2.1.198");
    later.effective = at("2026-11-22T00:00:00Z");
    policy.revocations.push(later);
    assert_outcome(&judge(policy, vec![sighting("claude-code", Some("2.1.150"))]), "unvetted", Outcome::Approved);
}

#[test]
fn vendors_and_models_are_revoked_by_name() {
    let mut policy = manifest(Mode::Monitor);
    let mut vendor = revocation("R-V", Subject::Vendor("anthropic".to_owned()), "0", None);
    vendor.affected[0].ranges.clear();
    policy.revocations.push(vendor);
    assert_outcome(&judge(policy, vec![sighting("claude-code", None)]), "revoked", Outcome::Blocked);

    let mut policy = manifest(Mode::Monitor);
    let mut model = revocation("R-M", Subject::Model("qwen*".to_owned()), "0", None);
    model.affected[0].ranges.clear();
    policy.revocations.push(model);
    let mut seen = sighting("model-ollama-store", None);
    seen.package = Some(Package::new(Ecosystem::Ollama, "qwen3.8"));
    assert_outcome(&judge(policy.clone(), vec![seen.clone()]), "revoked", Outcome::Blocked);
    seen.package = Some(Package::new(Ecosystem::Ollama, "llama4"));
    assert_outcome(&judge(policy, vec![seen]), "unvetted", Outcome::Approved);
}

/// One tool can come as several packages; a revoked one takes the others with it only where they are named.
#[test]
fn a_package_is_revoked_wherever_it_came_from() {
    let mut policy = manifest(Mode::Monitor);
    let npm = Package::new(Ecosystem::Npm, "@anthropic-ai/claude-code");
    policy.revocations.push(revocation("R-P", Subject::Package(npm.clone()), "2.1.91", Some("2.1.198")));
    let mut seen = sighting("claude-code", Some("2.1.92-beta.1"));
    assert_outcome(&judge(policy.clone(), vec![seen.clone()]), "unvetted", Outcome::Approved);
    seen.package = Some(npm);
    assert_outcome(&judge(policy.clone(), vec![seen.clone()]), "revoked", Outcome::Blocked);
    seen.version = None;
    assert_outcome(&judge(policy, vec![seen]), "unverifiable", Outcome::Undecided);
}

#[test]
fn approved_needs_every_pinned_digest() {
    let file = Shape::File { path: "bin/claude".to_owned() };
    let policy = approve(
        manifest(Mode::Enforce),
        "claude-code",
        "2.1.329",
        vec![installed(tree_shape(), dir_hash(7).into()), installed(file.clone(), sha256(2))],
    );
    let bare = sighting("claude-code", Some("2.1.329"));
    let whole =
        measured(measured(bare.clone(), tree_shape(), dir_hash(7)), file.clone(), sha256(2).iter().next().unwrap().clone());
    assert_outcome(&judge(policy.clone(), vec![whole]), "approved", Outcome::Approved);

    let half = measured(bare.clone(), tree_shape(), dir_hash(7));
    assert_outcome(&judge(policy.clone(), vec![half]), "unverifiable", Outcome::Undecided);

    let mut changed = measured(bare, tree_shape(), dir_hash(8));
    changed.measurements[0].difference = Some(Difference { path: "cli.js".to_owned(), change: Change::Changed });
    let report = judge(policy, vec![changed]);
    assert_outcome(&report, "mismatched", Outcome::Blocked);
    assert!(report.verdicts[0].why.contains("first difference: cli.js"), "{}", report.verdicts[0].why);
    assert!(matches!(&report.findings[0].places[0], Place::Installed { path, .. } if path.ends_with("n/tool/cli.js")));
}

#[test]
fn two_approvals_of_one_version_are_alternatives() {
    let mut policy =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    policy = approve(policy, "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(9).into())]);
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(9));
    assert_outcome(&judge(policy, vec![seen]), "approved", Outcome::Approved);
}

#[test]
fn an_approval_for_another_platform_approves_nothing_here() {
    let policy = approve(
        manifest(Mode::Enforce),
        "claude-code",
        "2.1.329",
        vec![Artifact::Installed(Installed {
            platform: Some(Platform("macos/aarch64".to_owned())),
            shape: tree_shape(),
            digests: dir_hash(7).into(),
            files: None,
        })],
    );
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7));
    assert_outcome(&judge(policy, vec![seen]), "unvetted", Outcome::Blocked);
}

#[test]
fn a_copied_program_is_compared_with_the_files_of_its_approval() {
    let file = Shape::File { path: "bin/claude".to_owned() };
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(file, sha256(1))]);
    let mut copy = sighting("claude-code", Some("2.1.329"));
    copy.extent = Extent::File;
    assert_outcome(&judge(policy.clone(), vec![copy.clone()]), "approved", Outcome::Approved);
    copy.executables[0].digests = Ok(sha256(5));
    assert_outcome(&judge(policy.clone(), vec![copy.clone()]), "mismatched", Outcome::Blocked);
    copy.executables[0].digests = Err(Unmeasured::Changed);
    assert_outcome(&judge(policy, vec![copy]), "unverifiable", Outcome::Undecided);
}

/// What an approved tree covers byte for byte needs no approval of its own; a revocation is asked first all the same.
#[test]
fn what_lies_in_an_approved_tree_is_approved_with_it_unless_it_is_revoked() {
    let mut policy = approve(manifest(Mode::Enforce), "mcp-memory", "1.0.0", vec![installed(tree_shape(), dir_hash(7).into())]);
    let outer = measured(sighting("mcp-memory", Some("1.0.0")), tree_shape(), dir_hash(7));
    let mut inner = sighting("claude-code", Some("2.1.150"));
    inner.root = "/n/tool/node_modules/inner".into();
    inner.executables[0].path = "/n/tool/node_modules/inner/cli.js".into();
    let report = judge(policy.clone(), vec![outer.clone(), inner.clone()]);
    assert_eq!(report.outcome, Outcome::Approved, "{:?}", report.findings);

    // A program of it that lies elsewhere is not covered, nor is anything when the outer tree is not the approved one.
    let mut astray = inner.clone();
    astray.executables[0].path = "/n/elsewhere".into();
    assert_eq!(judge(policy.clone(), vec![outer.clone(), astray]).outcome, Outcome::Blocked);
    let mut beside = inner.clone();
    beside.root = "/n/tool-b".into();
    assert_eq!(judge(policy.clone(), vec![outer.clone(), beside]).outcome, Outcome::Blocked);
    let mut changed = outer.clone();
    changed.measurements[0].result = Ok(dir_hash(8));
    let report = judge(policy.clone(), vec![changed, inner.clone()]);
    assert_eq!(report.verdicts.iter().filter(|j| j.effect == Effect::Block).count(), 2);

    policy.revocations.push(claude("2.1.91", "2.1.198"));
    let report = judge(policy, vec![outer, inner]);
    assert_eq!((report.outcome, report.verdicts[0].verdict.name()), (Outcome::Blocked, "revoked"));
}

#[test]
fn waivers_lift_what_they_name_and_nothing_else() {
    let mut policy = manifest(Mode::Enforce);
    policy.revocations.push(claude("2.1.91", "2.1.198"));
    policy.waivers.push(waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150"));
    policy.waivers[0].lifts.push(Lifts::Unvetted);
    let seen = |version| vec![sighting("claude-code", Some(version))];
    assert_outcome(&judge(policy.clone(), seen("2.1.150")), "waived", Outcome::Approved);
    assert_outcome(&judge(policy.clone(), seen("2.1.151")), "revoked", Outcome::Blocked);
    // A version outside the revocation is not what it speaks of.
    policy.waivers[0].versions = vec!["2.1.329".to_owned()];
    policy.waivers[0].lifts.truncate(1);
    assert_outcome(&judge(policy.clone(), seen("2.1.329")), "unvetted", Outcome::Blocked);
    policy.waivers[0].lifts.push(Lifts::Unvetted);
    policy.waivers[0].versions = vec!["2.1.150".to_owned()];

    let evidence = Evidence { sightings: seen("2.1.150"), ..Evidence::default() };
    for (instant, verdict) in [("2026-11-19T00:00:00Z", "revoked"), ("2026-11-27T00:00:00Z", "revoked")] {
        assert_eq!(only_verdict(&judge_at(policy.clone(), &evidence, at(instant))).name(), verdict, "{instant}");
    }
    policy.revocations[0].severity = crate::manifest::Severity::Critical;
    assert_outcome(&judge(policy, seen("2.1.150")), "revoked", Outcome::Blocked);
}

#[test]
fn a_waiver_never_lifts_a_mismatch() {
    let mut policy =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    policy.waivers.push(waiver(Lifts::Unvetted, "2.1.329"));
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(8));
    assert_outcome(&judge(policy, vec![seen]), "mismatched", Outcome::Blocked);
}

/// A waiver that lifts a revocation is no approval: else whoever may revoke could widen it by revoking more under its id.
#[test]
fn a_waiver_of_a_revocation_does_not_stand_in_for_an_approval() {
    let mut organisation = manifest(Mode::Enforce);
    organisation.waivers.push(waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150"));
    let seen = || vec![sighting("claude-code", Some("2.1.150"))];
    let report =
        decided(&policy(organisation.clone()).with_revocations(revocations(vec![claude("2.1.91", "2.1.198")])), seen(), now());
    assert_outcome(&report, "unvetted", Outcome::Blocked);
    assert!(report.verdicts[0].why.contains("W-1 lifts R-1 alone"), "{}", report.verdicts[0].why);
    // With an approval of the same bytes the waiver is what lets it pass, and without the revocation the approval alone.
    let approved = approve(organisation, "claude-code", "2.1.150", vec![installed(tree_shape(), dir_hash(7).into())]);
    let whole = || vec![measured(sighting("claude-code", Some("2.1.150")), tree_shape(), dir_hash(7))];
    let with = policy(approved.clone()).with_revocations(revocations(vec![claude("2.1.91", "2.1.198")]));
    assert_outcome(&decided(&with, whole(), now()), "waived", Outcome::Approved);
    assert_outcome(&decided(&policy(approved), whole(), now()), "approved", Outcome::Approved);
    // Where unlisted tools pass anyway, the waiver is what lets this one pass.
    let mut monitored = manifest(Mode::Monitor);
    monitored.waivers.push(waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150"));
    monitored.revocations.push(claude("2.1.91", "2.1.198"));
    assert_outcome(&judge(monitored, seen()), "waived", Outcome::Approved);
}

#[test]
fn a_waiver_holds_in_its_scope_and_nowhere_else() {
    let mut organisation = manifest(Mode::Enforce);
    organisation.revocations.push(claude("2.1.91", "2.1.198"));
    let mut scoped = waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150");
    scoped.lifts.push(Lifts::Unvetted);
    scoped.scope = Some(Scope { repositories: Vec::new(), groups: vec!["forensics".to_owned()] });
    organisation.waivers.push(scoped);
    let seen = || vec![sighting("claude-code", Some("2.1.150"))];
    let at_site = |site| decided(&policy(organisation.clone()).at(site), seen(), now());
    assert_outcome(&at_site(in_groups(&["forensics"])), "waived", Outcome::Approved);
    assert_outcome(&at_site(in_groups(&["eu"])), "revoked", Outcome::Blocked);
    assert_outcome(&at_site(Site::default()), "revoked", Outcome::Blocked);

    organisation.waivers[0].scope =
        Some(Scope { repositories: vec!["github.com/acme/forensics-*".to_owned()], groups: Vec::new() });
    let at_site = |site| decided(&policy(organisation.clone()).at(site), seen(), now());
    assert_outcome(&at_site(in_repository("git@github.com:acme/forensics-7.git")), "waived", Outcome::Approved);
    assert_outcome(&at_site(in_repository("git@github.com:acme/app.git")), "revoked", Outcome::Blocked);
    assert_outcome(&at_site(in_groups(&["forensics"])), "revoked", Outcome::Blocked);
}

/// Both documents revoke, the manifest alone withdraws, and each says who it was and where.
#[test]
fn the_revocations_document_revokes_and_only_the_manifest_withdraws() {
    let seen = || vec![sighting("claude-code", Some("2.1.150"))];
    let mut organisation = manifest(Mode::Monitor);
    let with = |manifest: &Manifest| policy(manifest.clone()).with_revocations(revocations(vec![claude("2.1.91", "2.1.198")]));
    let report = decided(&with(&organisation), seen(), now());
    assert_outcome(&report, "revoked", Outcome::Blocked);
    assert_eq!(report.verdicts[0].decided_by, "acme.example/ai-tools revocations 90210");
    assert_eq!((report.verdicts[0].rule.layer, report.verdicts[0].rule.line), ("revocations", Some(1)));
    organisation.withdrawn.push(Withdrawn { id: "R-1".to_owned(), reason: "fixed".to_owned(), line: 3 });
    assert_outcome(&decided(&with(&organisation), seen(), now()), "unvetted", Outcome::Approved);
    // A repository's own revocation under the same id is the repository's.
    let mut lower = manifest(Mode::Monitor);
    lower.revocations.push(claude("2.1.91", "2.1.198"));
    assert_outcome(&decided(&under(with(&organisation), &lower), seen(), now()), "revoked", Outcome::Blocked);
}

#[test]
fn an_overlay_narrows_on_machines_of_its_group() {
    let mut organisation = manifest(Mode::Monitor);
    organisation.overlays.push(overlay("eu", Some(Mode::Enforce), vec![claude("2.1.91", "2.1.198")]));
    let at_site = |groups: &[&str], version| {
        decided(&policy(organisation.clone()).at(in_groups(groups)), vec![sighting("claude-code", Some(version))], now())
    };
    assert_outcome(&at_site(&["us"], "2.1.150"), "unvetted", Outcome::Approved);
    assert_outcome(&at_site(&["us", "eu"], "2.1.329"), "unvetted", Outcome::Blocked);
    let report = at_site(&["eu"], "2.1.150");
    assert_outcome(&report, "revoked", Outcome::Blocked);
    assert!(report.verdicts[0].decided_by.ends_with(", overlay eu"), "{}", report.verdicts[0].decided_by);
    assert_eq!(report.policy.layers, [(Layer::Overlay { group: "eu".to_owned(), line: 88 }, PathBuf::new())]);
    // It is part of the manifest: the manifest's waivers and withdrawals hold for it.
    let mut waived = organisation.clone();
    waived.waivers.push(waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150"));
    waived.waivers[0].lifts.push(Lifts::Unvetted);
    let seen = || vec![sighting("claude-code", Some("2.1.150"))];
    assert_outcome(&decided(&policy(waived).at(in_groups(&["eu"])), seen(), now()), "waived", Outcome::Approved);
    let mut withdrawn = organisation;
    withdrawn.withdrawn.push(Withdrawn { id: "R-1".to_owned(), reason: "fixed".to_owned(), line: 3 });
    assert_outcome(&decided(&policy(withdrawn).at(in_groups(&["eu"])), seen(), now()), "unvetted", Outcome::Blocked);
}

/// What the repository revoked is the repository's: the organisation's waiver of the same id does not reach it.
#[test]
fn no_waiver_reaches_the_revocations_of_a_lower_layer() {
    let mut organisation = manifest(Mode::Enforce);
    organisation.waivers.push(waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150"));
    organisation.waivers[0].lifts.push(Lifts::Unvetted);
    let mut lower = manifest(Mode::Monitor);
    lower.revocations.push(claude("2.1.91", "2.1.198"));
    let seen = vec![sighting("claude-code", Some("2.1.150"))];
    assert_outcome(&decided(&under(policy(organisation), &lower), seen, now()), "revoked", Outcome::Blocked);
}

/// Threat T-07: what a repository writes to loosen the rules has no effect, and is said.
#[test]
fn what_a_repository_loosens_has_no_effect_and_is_said() {
    let mut organisation = manifest(Mode::Enforce);
    organisation.revocations.push(claude("2.1.91", "2.1.198"));
    let mut lower = approve(manifest(Mode::Monitor), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    lower.unlisted = Kind::ALL.iter().map(|k| (*k, Unlisted::Allow)).collect();
    lower.withdrawn.push(Withdrawn { id: "R-1".to_owned(), reason: "ours now".to_owned(), line: 3 });
    lower.revocations.push(claude("2.1.91", "2.1.92"));
    lower.waivers.push(waiver(Lifts::Unvetted, "2.1.329"));
    lower.waivers.push(waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150"));
    let judged = |version| {
        let seen = measured(sighting("claude-code", Some(version)), tree_shape(), dir_hash(7));
        decided(&under(policy(organisation.clone()), &lower), vec![seen], now())
    };
    assert_outcome(&judged("2.1.329"), "unvetted", Outcome::Blocked);
    let report = judged("2.1.150");
    assert_outcome(&report, "revoked", Outcome::Blocked);
    assert_eq!(report.policy.mode, Mode::Enforce);
    let said = &finding(&report, Code::LayerWithoutEffect).message;
    for what in [
        "approval of claude-code 2.1.329",
        "waiver W-1",
        "withdrawal of R-1",
        "mode monitor",
        "looser rule for unlisted tools",
        "change of the revocation R-1",
    ] {
        assert!(said.contains(what), "{what} is missing in: {said}");
    }
}

#[test]
fn waivers_that_end_soon_lift_nothing_or_name_nothing_are_findings() {
    let mut organisation = manifest(Mode::Monitor);
    organisation.revocations.push(claude("2.1.91", "2.1.198"));
    organisation.waivers.push(waiver(Lifts::Revocation("R-1".to_owned()), "2.1.150"));
    let seen = || vec![sighting("claude-code", Some("2.1.150"))];
    let report = judge_at(organisation.clone(), &Evidence { sightings: seen(), ..Evidence::default() }, now());
    assert_eq!(finding(&report, Code::WaiverEndsSoon).severity, Severity::Warning);
    organisation.waivers[0].expires = at("2026-12-01T00:00:00Z");
    assert_eq!(codes(&decided(&policy(organisation.clone()), seen(), now())), ["waived-tool"]);

    // Not met where everything was looked at, it is unused; where only a part was, nobody knows.
    let report = decided(&policy(organisation.clone()), Vec::new(), now());
    assert_eq!((codes(&report), report.findings[0].severity), (vec!["unused-waiver"], Severity::Note));
    assert!(judge(organisation.clone(), Vec::new()).findings.is_empty());
    // Out of its scope, before its start and after its end it is nobody's business here.
    organisation.waivers[0].scope = Some(Scope { repositories: Vec::new(), groups: vec!["forensics".to_owned()] });
    assert!(decided(&policy(organisation.clone()), Vec::new(), now()).findings.is_empty());
    organisation.waivers[0].scope = None;
    assert!(decided(&policy(organisation.clone()), Vec::new(), at("2026-11-19T00:00:00Z")).findings.is_empty());
    assert!(decided(&policy(organisation.clone()), Vec::new(), at("2026-12-02T00:00:00Z")).findings.is_empty());

    organisation.waivers[0].lifts = vec![Lifts::Revocation("R-2".to_owned())];
    let report = decided(&policy(organisation.clone()), Vec::new(), now());
    assert!(finding(&report, Code::UnknownLift).message.contains("R-2"));
    for known in ["document", "withdrawal", "overlay"] {
        let mut organisation = organisation.clone();
        let second = Revocation { id: "R-2".to_owned(), ..claude("2.1.91", "2.1.198") };
        let mut swift = Vec::new();
        match known {
            "document" => swift.push(second),
            "overlay" => organisation.overlays.push(overlay("eu", None, vec![second])),
            _ => organisation.withdrawn.push(Withdrawn { id: second.id, reason: "fixed".to_owned(), line: 1 }),
        }
        let report = decided(&policy(organisation).with_revocations(revocations(swift)), Vec::new(), now());
        assert_eq!(codes(&report), ["unused-waiver"], "{known}");
    }
}

/// Threat T-06, at the decision: fresh, in grace where the machine knew the documents, and then nothing but what is revoked.
#[test]
fn documents_grow_old_in_three_steps() {
    let mut organisation =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    organisation.waivers.push(waiver(Lifts::Unvetted, "2.1.90"));
    let swift = revocations(vec![claude("2.1.91", "2.1.198")]);
    let knew = Memory { manifest: true, revocations: true, ..Memory::default() };
    let new_here = policy(organisation).with_revocations(swift);
    let knew_them = new_here.clone().with_memory(knew);
    let good = || vec![measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7))];
    let seen = |version: &str| vec![sighting("claude-code", Some(version))];

    // t + 22 h: fresh for both.
    let fresh = at("2026-11-22T10:00:00Z");
    for policy in [&new_here, &knew_them] {
        assert_outcome(&decided(policy, good(), fresh), "approved", Outcome::Approved);
        assert_outcome(&decided(policy, seen("2.1.90"), fresh), "waived", Outcome::Approved);
    }
    // t + 25 h: expired. Only who knew them has a grace, and it is said.
    let late = at("2026-11-22T12:00:00Z");
    let report = decided(&knew_them, good(), late);
    assert_outcome(&report, "approved", Outcome::Approved);
    assert_eq!(finding(&report, Code::PolicyInGrace).severity, Severity::Warning);
    assert_outcome(&decided(&knew_them, seen("2.1.90"), late), "waived", Outcome::Approved);
    let report = decided(&new_here, good(), late);
    assert_outcome(&report, "expired", Outcome::Undecided);
    assert_eq!(finding(&report, Code::ExpiredPolicy).severity, Severity::Error);
    // After the grace: revocations block, everything else is undecided.
    let over = at("2026-11-25T12:00:00Z");
    for policy in [&new_here, &knew_them] {
        assert_outcome(&decided(policy, good(), over), "expired", Outcome::Undecided);
        assert_outcome(&decided(policy, seen("2.1.90"), over), "expired", Outcome::Undecided);
        assert_outcome(&decided(policy, seen("2.1.300"), over), "unvetted", Outcome::Undecided);
        assert_outcome(&decided(policy, seen("2.1.150"), over), "revoked", Outcome::Blocked);
        assert_eq!(decided(policy, Vec::new(), over).outcome, Outcome::Undecided);
    }
}

/// Threat T-19: a clock that was set back approves nothing and ends no revocation that has begun.
#[test]
fn a_clock_that_was_set_back_approves_nothing() {
    let organisation =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    let memory = Memory { latest: Some(now()), manifest: true, revocations: true, ..Memory::default() };
    let mut late = claude("2.1.91", "2.1.198");
    late.effective = at("2026-11-21T11:30:00Z");
    let policy = policy(organisation).with_revocations(revocations(vec![late])).with_memory(memory);
    let good = || vec![measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7))];
    assert_outcome(&decided(&policy, good(), at("2026-11-21T11:55:00Z")), "approved", Outcome::Approved);
    for clock in ["2026-11-21T11:49:00Z", "2025-11-21T12:00:00Z"] {
        let report = decided(&policy, good(), at(clock));
        assert_outcome(&report, "expired", Outcome::Undecided);
        assert_eq!(finding(&report, Code::ClockBehind).severity, Severity::Error);
        let bad = vec![sighting("claude-code", Some("2.1.150"))];
        assert_outcome(&decided(&policy, bad, at(clock)), "revoked", Outcome::Blocked);
    }
}

/// Threat T-21: no spelling of a version slips through a hole in the range.
#[test]
fn no_spelling_of_a_version_slips_out_of_a_range() {
    let swift = || revocations(vec![claude("2.1.91", "2.1.198")]);
    for mode in [Mode::Monitor, Mode::Enforce] {
        let policy = policy(manifest(mode)).with_revocations(swift());
        for version in ["2.1.92-beta.1", "2.1.91+build", "v2.1.91", "=2.1.91", "latest", "", "2.1", "2.1.197.1", "2.1.198-rc.1"] {
            let report = decided(&policy, vec![sighting("claude-code", Some(version))], now());
            assert_outcome(&report, "revoked", Outcome::Blocked);
        }
    }
}

/// Threat T-22: every digest for approving, any for revoking.
#[test]
fn one_right_digest_is_not_enough_to_approve_and_enough_to_revoke() {
    let both = |a, b| {
        let mut set = sha256(a);
        for digest in sha512(b).iter() {
            set.insert(digest.clone()).unwrap();
        }
        set
    };
    let release = Artifact::Release { digests: both(1, 1) };
    let mut organisation = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![release]);
    let judged = |manifest: &Manifest, integrity| {
        let evidence = Evidence { mentions: vec![mention("2.1.329", integrity)], ..Evidence::default() };
        judge_at(manifest.clone(), &evidence, now())
    };
    assert_outcome(&judged(&organisation, both(1, 1)), "approved", Outcome::Approved);
    for (a, b) in [(1, 2), (2, 1)] {
        assert_outcome(&judged(&organisation, both(a, b)), "mismatched", Outcome::Blocked);
    }
    for revoked in [sha256(1), sha512(1), both(1, 9), both(9, 1)] {
        let mut by_digest = claude("0", "0.0.1");
        by_digest.digests.push(revoked);
        organisation.revocations = vec![by_digest];
        assert_outcome(&judged(&organisation, both(1, 1)), "revoked", Outcome::Blocked);
    }
}

#[test]
fn an_expired_manifest_approves_nothing_and_keeps_blocking() {
    let mut policy =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    policy.revocations.push(claude("2.1.91", "2.1.198"));
    let good = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7));
    let later = at("2026-12-05T00:00:00Z");
    let report = judge_at(policy.clone(), &Evidence { sightings: vec![good], ..Evidence::default() }, later);
    assert_outcome(&report, "expired", Outcome::Undecided);
    let bad = Evidence { sightings: vec![sighting("claude-code", Some("2.1.150"))], ..Evidence::default() };
    assert_outcome(&judge_at(policy.clone(), &bad, later), "revoked", Outcome::Blocked);
    assert_eq!(judge_at(policy, &Evidence::default(), later).outcome, Outcome::Undecided);
}

#[test]
fn what_could_not_be_looked_at_is_never_a_pass_in_enforce_mode() {
    let coverage = vec![Coverage {
        source: "path",
        place: Some("/locked".into()),
        outcome: CoverageOutcome::NotLooked("permission denied".to_owned()),
    }];
    let evidence = Evidence { coverage, ..Evidence::default() };
    assert_eq!(judge_at(manifest(Mode::Enforce), &evidence, now()).outcome, Outcome::Undecided);
    let monitored = judge_at(manifest(Mode::Monitor), &evidence, now());
    assert_eq!(monitored.outcome, Outcome::Approved);
    assert_eq!(monitored.findings[0].code, Code::NotCovered);

    let unsupported = CoverageOutcome::Unsupported("not read by this version".to_owned());
    let coverage = vec![Coverage { source: "yarn-lock", place: None, outcome: unsupported }];
    let evidence = Evidence { coverage, ..Evidence::default() };
    assert_eq!(judge_at(manifest(Mode::Enforce), &evidence, now()).outcome, Outcome::Approved);

    let location = Location { path: "package.json".into(), line: None };
    let oddities = vec![Oddity::Unparsable { location, why: "not JSON".to_owned() }];
    let evidence = Evidence { oddities, ..Evidence::default() };
    assert_eq!(judge_at(manifest(Mode::Enforce), &evidence, now()).outcome, Outcome::Undecided);
}

#[test]
fn mentions_are_judged_by_release_digest_where_both_sides_have_one() {
    let release = Artifact::Release { digests: sha512(3) };
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![release]);
    let report = |integrity| {
        let evidence = Evidence { mentions: vec![mention("2.1.329", integrity)], ..Evidence::default() };
        judge_at(policy.clone(), &evidence, now())
    };
    assert!(matches!(only_verdict(&report(sha512(3))), Verdict::Approved(Grounds::Release)));
    assert!(matches!(only_verdict(&report(sha512(4))), Verdict::Mismatched(_)));
    assert!(matches!(only_verdict(&report(DigestSet::new())), Verdict::Approved(Grounds::VersionListed)));
}

#[test]
fn a_floating_range_is_a_finding_of_its_own() {
    let mut floating = mention("0.0.0", DigestSet::new());
    floating.request = Request::Floating { text: "^2.0.59".to_owned(), locked: false };
    let mut policy = manifest(Mode::Monitor);
    policy.revocations.push(claude("2.1.91", "2.1.198"));
    let evidence = Evidence { mentions: vec![floating.clone()], ..Evidence::default() };
    let report = judge_at(policy.clone(), &evidence, now());
    let finding = report.findings.iter().find(|f| f.code == Code::FloatingVersion).unwrap();
    assert!(finding.message.contains("versions of this tool are revoked"), "{}", finding.message);

    // With a lock file that is read, the lock's own mention is judged and the range is not.
    floating.request = Request::Floating { text: "^2.0.59".to_owned(), locked: true };
    let locked = mention("2.1.150", DigestSet::new());
    let evidence = Evidence { mentions: vec![floating.clone(), locked], ..Evidence::default() };
    assert_outcome(&judge_at(policy.clone(), &evidence, now()), "revoked", Outcome::Blocked);

    // With one that is not read, nothing else speaks of it: the range is judged, and a refusal of the whole tool covers it.
    let evidence = Evidence { mentions: vec![floating], ..Evidence::default() };
    assert_outcome(&judge_at(manifest(Mode::Enforce), &evidence, now()), "unvetted", Outcome::Blocked);
    policy.revocations[0].affected[0].ranges.clear();
    assert_outcome(&judge_at(policy, &evidence, now()), "revoked", Outcome::Blocked);
}

#[test]
fn one_cause_is_one_finding_with_every_place() {
    let mut policy = manifest(Mode::Monitor);
    policy.revocations.push(claude("2.1.91", "2.1.198"));
    let mut second = sighting("claude-code", Some("2.1.197"));
    second.executables[0].path = "/elsewhere".into();
    let report = judge(policy, vec![sighting("claude-code", Some("2.1.197")), second]);
    assert_eq!(report.verdicts.len(), 2);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].places.len(), 2);
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Monitor), Just(Mode::Enforce)]
}

fn any_unlisted() -> impl Strategy<Value = Unlisted> {
    prop_oneof![Just(Unlisted::Allow), Just(Unlisted::Warn), Just(Unlisted::Block)]
}

const IDS: [&str; 3] = ["R-1", "R-2", "R-3"];

prop_compose! {
    /// Revocations over a small world in which everything collides: three ids, two tools, three versions, four digests.
    fn any_revocations()(
        revoked in prop::collection::vec(
            (0_usize..3, any::<bool>(), prop::option::of(0_u8..3), 0_u8..5, any::<bool>(), any::<bool>()), 0..3),
    ) -> Vec<Revocation> {
        let mut revocations = Vec::new();
        for (id, other, version, digest, critical, begun) in revoked {
            let tool = if other { "openai-codex" } else { "claude-code" };
            let subject = Subject::Tool(tool.parse().unwrap());
            let mut revocation = match version {
                Some(v) => revocation(IDS[id], subject, &format!("1.0.{v}"), Some(&format!("1.0.{}", v + 1))),
                None => revocation(IDS[id], subject, "0", None),
            };
            if version.is_none() {
                revocation.affected[0].ranges.clear();
            }
            if digest < 4 {
                revocation.digests.push(sha256(digest));
            }
            if critical {
                revocation.severity = crate::manifest::Severity::Critical;
            }
            if !begun {
                revocation.effective = at("2027-07-01T00:00:00Z");
            }
            revocations.push(revocation);
        }
        revocations
    }
}

prop_compose! {
    fn any_site()(group in any::<bool>(), repository in any::<bool>()) -> Site {
        Site {
            groups: if group { vec!["forensics".to_owned()] } else { Vec::new() },
            repository: repository.then(|| RepositoryName::of_remote("git@github.com:acme/forensics-7").unwrap()),
        }
    }
}

fn any_scope() -> impl Strategy<Value = Option<Scope>> {
    let scope = |repositories: &[&str], groups: &[&str]| {
        let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
        Some(Scope { repositories: texts(repositories), groups: texts(groups) })
    };
    let repositories = ["github.com/acme/forensics-*"];
    prop_oneof![
        Just(None),
        Just(scope(&[], &["forensics"])),
        Just(scope(&repositories, &[])),
        Just(scope(&repositories, &["forensics"])),
    ]
}

prop_compose! {
    /// A policy over the same small world.
    fn any_manifest()(
        mode in any_mode(),
        unlisted in any_unlisted(),
        approvals in prop::collection::vec((0_u8..3, 0_u8..4), 0..4),
        revocations in any_revocations(),
        waivers in prop::collection::vec((prop::option::of(0_u8..3), 1_u8..16, any_scope()), 0..3),
        withdrawn in prop::option::of(0_usize..3),
    ) -> Manifest {
        let mut manifest = manifest(mode);
        manifest.unlisted = Kind::ALL.iter().map(|k| (*k, unlisted)).collect();
        for (version, digest) in approvals {
            let artifact = installed(tree_shape(), dir_hash(digest).into());
            manifest = approve(manifest, "claude-code", &format!("1.0.{version}"), vec![artifact]);
        }
        manifest.revocations = revocations;
        for (number, (version, lifts, scope)) in waivers.into_iter().enumerate() {
            let mut waiver = waiver(Lifts::Unvetted, "");
            waiver.id = format!("W-{number}");
            waiver.versions = version.map(|v| format!("1.0.{v}")).into_iter().collect();
            waiver.lifts = (0..3).filter(|bit| lifts & (1 << bit) != 0).map(|bit| Lifts::Revocation(IDS[bit].to_owned())).collect();
            if lifts & 8 != 0 {
                waiver.lifts.push(Lifts::Unvetted);
            }
            waiver.scope = scope;
            manifest.waivers.push(waiver);
        }
        let ended = withdrawn.map(|id| Withdrawn { id: IDS[id].to_owned(), reason: "fixed".to_owned(), line: 1 });
        manifest.withdrawn.extend(ended);
        manifest
    }
}

prop_compose! {
    fn any_evidence()(
        seen in prop::collection::vec((prop::option::of(0_u8..3), 0_u8..4, 0_u8..4), 1..4),
    ) -> Evidence {
        let sightings = seen.into_iter().map(|(version, tree, file)| {
            let version = version.map(|v| format!("1.0.{v}"));
            let mut sighting = measured(sighting("claude-code", version.as_deref()), tree_shape(), dir_hash(tree));
            sighting.executables[0].digests = Ok(sha256(file));
            sighting
        });
        Evidence { sightings: sightings.collect(), ..Evidence::default() }
    }
}

/// Fail where `after` lets something pass that `before` does not.
fn never_widens(before: &Policy, after: &Policy, evidence: &Evidence) -> Result<(), TestCaseError> {
    let judged = |policy: &Policy| decide(policy, &CATALOGUE, evidence, &linux(), now());
    let (before, after) = (judged(before), judged(after));
    // Undecided in the place of blocked permits no more: neither is a pass.
    prop_assert!(before.outcome == Outcome::Approved || after.outcome != Outcome::Approved);
    prop_assert!(after.policy.mode >= before.policy.mode);
    // Subject by subject: what was not a pass does not become one.
    for judgement in after.verdicts.iter().filter(|j| j.effect <= Effect::Warn) {
        let same = before.verdicts.iter().filter(|j| j.item == judgement.item);
        prop_assert!(same.clone().count() == 0 || same.clone().any(|j| j.effect <= Effect::Warn), "{}", judgement.why);
    }
    Ok(())
}

proptest! {
    /// Invariant (a) of the threat model: a lower layer never widens, whatever it says.
    #[test]
    fn a_lower_layer_only_narrows(upper in any_manifest(), lower in any_manifest(), evidence in any_evidence()) {
        let alone = policy(upper);
        let narrowed = under(alone.clone(), &lower);
        never_widens(&alone, &narrowed, &evidence)?;
    }

    /// The same for a document that one person on call may sign, whatever stands in it: ids of waived and of withdrawn
    /// revocations, critical or not, any tool, any version, any digest, begun or not.
    #[test]
    fn the_revocations_document_only_narrows(
        upper in any_manifest(), swift in any_revocations(), evidence in any_evidence(), mut site in any_site(),
    ) {
        site.repository = None;
        let alone = policy(upper).at(site);
        never_widens(&alone, &alone.clone().with_revocations(revocations(swift)), &evidence)?;
    }

    /// The same for an overlay, and for being in one more group where no waiver asks for the group.
    #[test]
    fn an_overlay_only_narrows(
        upper in any_manifest(), mode in prop::option::of(any_mode()), unlisted in any_unlisted(), more in any_revocations(),
        evidence in any_evidence(),
    ) {
        let mut one = overlay("eu", mode, more);
        one.unlisted = Kind::ALL.iter().map(|k| (*k, unlisted)).collect();
        let without = policy(upper.clone()).at(in_groups(&["eu"]));
        let mut upper = upper;
        upper.overlays.push(one);
        never_widens(&without, &policy(upper).at(in_groups(&["eu"])), &evidence)?;
    }

    /// Taking a waiver away never lets more pass.
    #[test]
    fn a_waiver_less_never_lets_more_pass(
        upper in any_manifest(), swift in any_revocations(), evidence in any_evidence(), site in any_site(), which in 0_usize..3,
    ) {
        prop_assume!(which < upper.waivers.len());
        let mut fewer = upper.clone();
        fewer.waivers.remove(which);
        let place = |manifest| policy(manifest).with_revocations(revocations(swift.clone())).at(site.clone());
        never_widens(&place(upper.clone()), &place(fewer), &evidence)?;
    }

    /// A waiver outside of its scope is as if it were not there.
    #[test]
    fn a_waiver_out_of_scope_is_as_if_absent(upper in any_manifest(), evidence in any_evidence(), site in any_site()) {
        let mut without = upper.clone();
        without.waivers.retain(|w| w.scope.as_ref().is_none_or(|scope| scope.holds(&site)));
        let judged = |manifest| decide(&policy(manifest).at(site.clone()), &CATALOGUE, &evidence, &linux(), now());
        prop_assert_eq!(judged(upper), judged(without));
    }

    /// Documents beyond their grace let nothing pass, and one who did not know them has no grace.
    #[test]
    fn nothing_passes_beyond_the_grace(
        upper in any_manifest(), swift in any_revocations(), evidence in any_evidence(), knew in any::<(bool, bool)>(),
        hours in 0_i64..2_000,
    ) {
        let memory = Memory { manifest: knew.0, revocations: knew.1, ..Memory::default() };
        let policy = policy(upper).with_revocations(revocations(swift)).with_memory(memory);
        let clock = now() + SignedDuration::from_hours(hours);
        let report = decide(&policy, &CATALOGUE, &evidence, &linux(), clock);
        // The revocations end after 23 h and have 72 h of grace where they are known; the manifest ends 12.5 days later.
        if hours >= 23 && !knew.1 || hours >= 95 {
            prop_assert_ne!(report.outcome, Outcome::Approved);
            let passes = |j: &Judgement| matches!(j.verdict, Verdict::Approved(_) | Verdict::Waived { .. });
            prop_assert!(!report.verdicts.iter().any(passes));
        }
        // What is revoked and cannot be lifted blocks at every age.
        let fresh = decide(&policy, &CATALOGUE, &evidence, &linux(), now());
        let revoked = |report: &Report| report.verdicts.iter().filter(|j| j.verdict.rank() == 0).count();
        prop_assert!(revoked(&report) >= revoked(&fresh) || hours < 23);
    }

    /// Invariant (d): in an approved case, any single change of a digest blocks.
    #[test]
    fn any_change_of_a_digest_in_an_approved_case_blocks(which in 0_usize..2, byte in 0_usize..32, bit in 0_u8..8) {
        let file = Shape::File { path: "bin/claude".to_owned() };
        let artifacts = vec![installed(tree_shape(), dir_hash(7).into()), installed(file.clone(), sha256(2))];
        let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", artifacts);
        let mut seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7));
        seen = measured(seen, file, sha256(2).iter().next().unwrap().clone());
        prop_assert_eq!(judge(policy.clone(), vec![seen.clone()]).outcome, Outcome::Approved);
        let result = &mut seen.measurements[which].result;
        let digest = result.as_ref().unwrap();
        let mut bytes = digest.as_bytes().to_vec();
        bytes[byte] ^= 1 << bit;
        *result = Ok(Digest::parse(digest.algorithm(), &hex::encode(bytes)).unwrap());
        let report = judge(policy, vec![seen]);
        prop_assert_eq!(only_verdict(&report).name(), "mismatched");
        prop_assert_eq!(report.outcome, Outcome::Blocked);
    }

    /// Whatever is revoked is never approved, and nothing is approved without a positive fact.
    #[test]
    fn approval_is_a_positive_fact(policy in any_manifest(), evidence in any_evidence()) {
        let report = judge_at(policy.clone(), &evidence, now());
        for judgement in &report.verdicts {
            let Item::Sighting(sighting) = &judgement.item else { continue };
            if let Verdict::Approved(_) = judgement.verdict {
                let version = sighting.version.as_ref().unwrap().to_string();
                let tree = sighting.measurements[0].result.as_ref().unwrap();
                let pinned = policy.tools.iter().flat_map(|t| &t.approvals).any(|approval| {
                    approval.version == version
                        && approval.artifacts.iter().any(|a| matches!(a, Artifact::Installed(i) if i.digests.get(Algorithm::DirHash) == Some(tree)))
                });
                prop_assert!(pinned);
                let file = sighting.executables[0].digests.as_ref().unwrap();
                let in_force = policy.revocations.iter().filter(|r| r.effective <= now());
                let standing = in_force.filter(|r| !policy.withdrawn.iter().any(|w| w.id == r.id));
                prop_assert!(!standing.clone().any(|r| r.digests.iter().any(|d| d.shares_any(file))));
            }
        }
    }
}

#[test]
fn codes_are_kebab_case_and_unique() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|c| c.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for name in &names {
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        assert_eq!(Code::from_name(name).map(Code::name), Some(*name));
    }
}
