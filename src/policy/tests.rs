//! The decision, told as sentences: a vocabulary of small constructors, then one test for each row of the table. `documents` has what
//! several documents and layers do together, `evidence` what attestations, cooldowns, variants and package lists decide, `properties` what holds for every policy and every evidence.

mod documents;
mod evidence;
mod locks;
mod properties;

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
        attestations: Vec::new(),
        cooldown: SignedDuration::ZERO,
        min_bundle: crate::manifest::BundleVersion::default(),
        revocations: Vec::new(),
        withdrawn: Vec::new(),
        requires_client: None,
        lines: crate::manifest::RuleLines::default(),
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
    Artifact::Installed(Installed { package: None, platform: Some(linux()), shape, digests, files: None })
}

fn approve(mut manifest: Manifest, tool: &str, version: &str, artifacts: Vec<Artifact>) -> Manifest {
    let approval =
        Approval { version: version.to_owned(), approved: None, artifacts, line: 1, released: None, is_unattested: false };
    manifest.tools.push(ToolEntry {
        id: tool.parse().unwrap(),
        recognise: None,
        require: Vec::new(),
        approvals: vec![approval].into(),
    });
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
    Overlay {
        group: group.to_owned(),
        mode,
        unlisted: std::collections::BTreeMap::new(),
        cooldown: None,
        revocations,
        line: 88,
        lines: crate::manifest::RuleLines::default(),
    }
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
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    }
}

fn measured(mut sighting: Sighting, shape: Shape, digest: Digest) -> Sighting {
    sighting.measurements.push(Measurement {
        shape,
        package: None,
        list: None,
        result: Ok(digest),
        difference: None,
        covers: Vec::new(),
    });
    sighting
}

fn mention(version: &str, integrity: impl Into<crate::evidence::Integrity>) -> Mention {
    Mention {
        tool: "claude-code".parse().unwrap(),
        package: Package::new(Ecosystem::Npm, "@anthropic-ai/claude-code"),
        request: Request::Exact(Version::parse(Scheme::SemVer, version)),
        integrity: integrity.into(),
        location: Location { path: "package-lock.json".into(), line: Some(7) },
        brought_by: Vec::new(),
        role: crate::evidence::Role::Dependency,
        quote: None,
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

/// A revoked file is refused under whatever name, so what cannot be digested may be one, whichever tool the revocation speaks of.
#[test]
fn what_cannot_be_digested_is_undecided_where_any_file_is_revoked() {
    let mut policy = manifest(Mode::Monitor);
    policy.revocations.push(claude("0", "0.0.1"));
    let mut unread = sighting("openai-codex", Some("0.169.0"));
    unread.executables[0].digests = Err(Unmeasured::Io("Permission denied".to_owned()));
    assert_outcome(&judge(policy.clone(), vec![unread.clone()]), "unvetted", Outcome::Approved);
    policy.revocations[0].digests.push(sha256(1));
    assert_outcome(&judge(policy.clone(), vec![unread.clone()]), "unverifiable", Outcome::Undecided);
    policy.revocations[0].effective = at("2026-11-22T00:00:00Z");
    assert_outcome(&judge(policy, vec![unread]), "unvetted", Outcome::Approved);
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
            package: None,
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

/// A file that is pinned alone is named where it lies, also where the program that is looked at first is another one.
#[test]
fn a_mismatch_names_the_file_and_says_what_was_expected() {
    let file = Shape::File { path: "lib/main.js".to_owned() };
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(file.clone(), sha256(2))]);
    let seen = measured(sighting("claude-code", Some("2.1.329")), file, sha256(3).iter().next().unwrap().clone());
    let report = judge(policy, vec![seen]);
    assert_outcome(&report, "mismatched", Outcome::Blocked);
    assert!(matches!(&report.findings[0].places[0], Place::Installed { path, .. } if path.ends_with("n/tool/lib/main.js")));
    let why = &report.verdicts[0].why;
    assert!(why.starts_with("file lib/main.js: sha256 ") && why.contains(" is not the approved "), "{why}");
}

/// pip and uv leave alone what has the version that is asked for, and know nothing of a file that they did not install.
#[test]
fn the_remedy_of_a_mismatch_makes_the_installation_what_was_approved() {
    let policy = approve(manifest(Mode::Enforce), "llm", "0.36", vec![installed(tree_shape(), dir_hash(7).into())]);
    let command = |channel, root: &str, change| {
        let mut seen = measured(sighting("llm", Some("0.36")), tree_shape(), dir_hash(8));
        (seen.channel, seen.root) = (channel, root.into());
        seen.measurements[0].difference = Some(Difference { path: "llm/x.py".to_owned(), change });
        let report = judge(policy.clone(), vec![seen]);
        report.findings[0].help[0].command.clone().unwrap()
    };
    let venv = "/v/lib/python3.13/site-packages";
    for (channel, expected) in [
        (Channel::Venv, "/v/bin/python -m pip install --force-reinstall --no-deps llm==0.36"),
        (Channel::Pip, "python3 -m pip install --force-reinstall --no-deps llm==0.36"),
        (Channel::UvTool, "uv tool install --reinstall llm==0.36"),
        (Channel::Pipx, "pipx install --force llm==0.36"),
    ] {
        assert_eq!(command(channel, venv, Change::Changed), expected);
        assert_eq!(command(channel, venv, Change::Extra), "rm /v/lib/python3.13/site-packages/llm/x.py");
    }
}

/// A list of the policy folder that is another one says nothing against what is installed.
#[test]
fn a_broken_file_list_is_put_back_and_nothing_is_removed() {
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    let mut seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7));
    seen.measurements[0].result = Err(Unmeasured::FileList("its digest is another".to_owned()));
    let report = judge(policy, vec![seen]);
    assert_outcome(&report, "unverifiable", Outcome::Undecided);
    let help = &report.findings[0].help;
    assert!(help.iter().all(|help| help.command.is_none()), "{help:?}");
    assert!(help[0].note.as_deref().unwrap().contains("put the file back"), "{help:?}");
}

#[test]
fn a_waiver_never_lifts_a_mismatch() {
    let mut policy =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    policy.waivers.push(waiver(Lifts::Unvetted, "2.1.329"));
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(8));
    assert_outcome(&judge(policy, vec![seen]), "mismatched", Outcome::Blocked);
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
    let release = Artifact::Release(crate::manifest::Release { digests: both(1, 1), ..crate::manifest::Release::default() });
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
    let release = Artifact::Release(crate::manifest::Release { digests: sha512(3), ..crate::manifest::Release::default() });
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![release]);
    let report = |integrity| {
        let evidence = Evidence { mentions: vec![mention("2.1.329", integrity)], ..Evidence::default() };
        judge_at(policy.clone(), &evidence, now())
    };
    assert!(matches!(only_verdict(&report(sha512(3))), Verdict::Approved(Grounds::Release)));
    assert!(matches!(only_verdict(&report(sha512(4))), Verdict::Mismatched(_)));
    assert!(matches!(only_verdict(&report(DigestSet::new())), Verdict::Approved(Grounds::VersionListed)));
}

/// An approval pins both digests of a release, and a lock states one of them: that one has to be the approved one.
#[test]
fn a_lock_with_one_digest_is_held_against_an_approval_with_two() {
    let mut pinned = sha512(3);
    pinned.insert(Digest::Sha256([5; 32])).unwrap();
    let release = Artifact::Release(crate::manifest::Release { digests: pinned, ..crate::manifest::Release::default() });
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![release]);
    let report = |integrity| {
        let evidence = Evidence { mentions: vec![mention("2.1.329", integrity)], ..Evidence::default() };
        judge_at(policy.clone(), &evidence, now())
    };
    assert!(matches!(only_verdict(&report(sha512(3))), Verdict::Approved(Grounds::Release)));
    assert!(matches!(only_verdict(&report(Digest::Sha256([5; 32]).into())), Verdict::Approved(Grounds::Release)));
    for other in [sha512(4), Digest::Sha256([6; 32]).into()] {
        assert!(matches!(only_verdict(&report(other)), Verdict::Mismatched(_)));
    }
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

    // So are those of its package.
    let package = Package::new(Ecosystem::Npm, "@anthropic-ai/claude-code");
    policy.revocations = vec![revocation("R-P", Subject::Package(package), "2.1.91", Some("2.1.198"))];
    let report = judge_at(policy.clone(), &evidence, now());
    let finding = report.findings.iter().find(|f| f.code == Code::FloatingVersion).unwrap();
    assert!(finding.message.contains("versions of this tool are revoked"), "{}", finding.message);
    policy.revocations = vec![revocation("R-P", Subject::Package(Package::new(Ecosystem::Npm, "other")), "0", None)];
    let report = judge_at(policy.clone(), &evidence, now());
    let finding = report.findings.iter().find(|f| f.code == Code::FloatingVersion).unwrap();
    assert!(!finding.message.contains("revoked"), "{}", finding.message);
    policy.revocations = vec![claude("2.1.91", "2.1.198")];

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

#[test]
fn codes_are_kebab_case_and_unique() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|c| c.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for name in &names {
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        assert_eq!(Code::from_name(name).map(Code::name), Some(*name));
    }
}
