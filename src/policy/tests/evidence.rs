//! What attestations, cooldowns, variants, package lists, strangers and published releases decide.

use super::*;
use crate::evidence::CoveredFolder;
use crate::manifest::{AttestationPolicy, Attestor, BundleVersion, EvidenceRef, Release};
use crate::tool::PackageVersion;
use crate::trust::attested::{Attested, Expectation};
use crate::trust::stored::{Asked, AttestedSet, Expected, StoredRefusal};

pub(super) const IDENTITY: &str = "https://forge.example/acme/tool/.github/workflows/release.yml@refs/tags/v{version}";

pub(super) fn attestation_policy(id: &str) -> AttestationPolicy {
    AttestationPolicy {
        id: id.to_owned(),
        predicates: vec!["https://slsa.dev/provenance/v1".to_owned()],
        instance: "sigstore-public-good".to_owned(),
        by: Attestor::Identity { issuer: "https://issuer.example".to_owned(), identity: IDENTITY.to_owned() },
        source: None,
        source_id: None,
        owner_id: None,
        builder: None,
        min_bundle: None,
        line: 71,
    }
}

pub(super) fn evidence_file(byte: u8) -> EvidenceRef {
    EvidenceRef { path: format!("attestations/{byte}.json").into(), sha256: [byte; 32] }
}

pub(super) fn release(digests: DigestSet, evidence: Vec<EvidenceRef>) -> Artifact {
    Artifact::Release(Release { package: None, digests, evidence })
}

pub(super) fn asked(manifest: &Manifest, digests: DigestSet, evidence: EvidenceRef, id: &str, version: &str) -> Asked {
    let policy = manifest.attestations.iter().find(|policy| policy.id == id).unwrap();
    let expectation = Box::new(Expectation::of_policy(policy, version, manifest.min_bundle));
    let expected = Expected::Policy { instance: policy.instance.clone(), expectation };
    Asked { subject: digests, evidence, expected }
}

pub(super) fn of_anyone(digests: DigestSet, evidence: EvidenceRef) -> Asked {
    Asked { subject: digests, evidence, expected: Expected::Anyone { min_bundle: BundleVersion::default() } }
}

fn shown(asked: Asked) -> (Asked, Result<Attested, StoredRefusal>) {
    let attested = Attested::for_test(&asked.subject, "release.yml");
    (asked, Ok(attested))
}

fn refused(asked: Asked) -> (Asked, Result<Attested, StoredRefusal>) {
    (asked, Err(StoredRefusal::Unreadable("`attestations/1.json` does not exist".to_owned())))
}

/// claude-code 2.1.329 by its tree, with one release file that has evidence 1, under the policy `provenance`.
fn required() -> Manifest {
    let artifacts = vec![installed(tree_shape(), dir_hash(7).into()), release(sha512(3), vec![evidence_file(1)])];
    let mut manifest = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", artifacts);
    manifest.attestations.push(attestation_policy("provenance"));
    manifest.tools[0].require.push("provenance".to_owned());
    manifest
}

fn both(manifest: &Manifest) -> Vec<(Asked, Result<Attested, StoredRefusal>)> {
    vec![
        shown(asked(manifest, sha512(3), evidence_file(1), "provenance", "2.1.329")),
        shown(of_anyone(sha512(3), evidence_file(1))),
    ]
}

fn whole() -> Sighting {
    measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7))
}

fn with(manifest: Manifest, answers: Vec<(Asked, Result<Attested, StoredRefusal>)>) -> Report {
    decided(&policy(manifest).with_attested(AttestedSet::for_test(answers)), vec![whole()], now())
}

fn lacking(report: &Report) -> &Lacking {
    let Verdict::Unattested(why) = only_verdict(report) else { panic!("{:?}", report.verdicts[0].why) };
    &why.why
}

#[test]
fn what_is_required_has_to_be_shown_in_this_run() {
    let manifest = required();
    let report = with(manifest.clone(), both(&manifest));
    assert_outcome(&report, "approved", Outcome::Approved);
    let Some(Attestation::Verified { proofs, bare }) = &report.verdicts[0].attestation else { panic!() };
    assert_eq!((proofs.len(), proofs[0].policy.as_deref(), bare.len()), (1, Some("provenance"), 0));

    // Nothing was verified, or something else was: never a pass.
    let report = with(manifest.clone(), Vec::new());
    assert_outcome(&report, "unattested", Outcome::Blocked);
    assert!(matches!(lacking(&report), Lacking::Refused { refusal, .. } if **refusal == StoredRefusal::NotVerified));
    assert_eq!(codes(&report), ["unattested-tool"]);
    assert_eq!(report.verdicts[0].rule.line, Some(71), "the line of the policy that asks for it");
    for other in [
        asked(&manifest, sha512(4), evidence_file(1), "provenance", "2.1.329"),
        asked(&manifest, sha512(3), evidence_file(2), "provenance", "2.1.329"),
        asked(&manifest, sha512(3), evidence_file(1), "provenance", "2.1.328"),
    ] {
        let report = with(manifest.clone(), vec![shown(other), shown(of_anyone(sha512(3), evidence_file(1)))]);
        assert_outcome(&report, "unattested", Outcome::Blocked);
    }
    let mut watched = manifest.clone();
    watched.mode = Mode::Monitor;
    assert_eq!(with(watched, Vec::new()).outcome, Outcome::Approved);
    // No waiver lifts it.
    let mut waived = manifest;
    waived.waivers.push(waiver(Lifts::Unvetted, "2.1.329"));
    assert_outcome(&with(waived, Vec::new()), "unattested", Outcome::Blocked);
}

/// What a required policy accepts is not refused for its form by the look at the evidence that asks for nobody.
#[test]
fn the_oldest_form_that_a_required_policy_accepts_is_accepted() {
    let mut manifest = required();
    manifest.attestations[0].min_bundle = Some(BundleVersion::V0_1);
    let by_policy = shown(asked(&manifest, sha512(3), evidence_file(1), "provenance", "2.1.329"));
    let newer = of_anyone(sha512(3), evidence_file(1));
    let older = Asked { expected: Expected::Anyone { min_bundle: BundleVersion::V0_1 }, ..newer.clone() };
    let report = with(manifest.clone(), vec![by_policy.clone(), shown(older.clone()), refused(newer.clone())]);
    assert_outcome(&report, "approved", Outcome::Approved);
    let report = with(manifest.clone(), vec![by_policy.clone(), refused(older.clone())]);
    assert_outcome(&report, "unattested", Outcome::Blocked);
    // A policy that the tool does not require says nothing about it.
    manifest.attestations.push(AttestationPolicy { min_bundle: None, ..attestation_policy("stricter") });
    manifest.tools[0].require = vec!["stricter".to_owned()];
    let by_stricter = shown(asked(&manifest, sha512(3), evidence_file(1), "stricter", "2.1.329"));
    let report = with(manifest.clone(), vec![by_stricter.clone(), shown(older)]);
    assert_outcome(&report, "unattested", Outcome::Blocked);
    assert_outcome(&with(manifest, vec![by_stricter, shown(newer)]), "approved", Outcome::Approved);
}

#[test]
fn what_is_required_and_not_written_down_is_lacking() {
    let mut bare = required();
    for artifact in &mut bare.tools[0].approvals[0].artifacts {
        if let Artifact::Release(release) = artifact {
            release.evidence.clear();
        }
    }
    assert_eq!(*lacking(&with(bare.clone(), Vec::new())), Lacking::NoEvidence);
    bare.tools[0].approvals[0].is_unattested = true;
    assert_eq!(*lacking(&with(bare.clone(), Vec::new())), Lacking::StatedNone);
    bare.tools[0].approvals[0].is_unattested = false;
    bare.tools[0].approvals[0].artifacts.pop();
    assert_eq!(*lacking(&with(bare.clone(), Vec::new())), Lacking::NoRelease);
    let mut unknown = required();
    unknown.attestations.clear();
    assert_eq!(*lacking(&with(unknown, Vec::new())), Lacking::UnknownPolicy);
}

/// Each policy for each release file, by at least one of its bundles; the platform packages are release files too.
#[test]
fn every_release_file_needs_every_policy() {
    let mut manifest = required();
    let predicates = vec!["https://registry.example/publish/v1".to_owned()];
    manifest.attestations.push(AttestationPolicy { predicates, ..attestation_policy("publish") });
    manifest.tools[0].require.push("publish".to_owned());
    let artifacts = &mut manifest.tools[0].approvals[0].artifacts;
    artifacts.push(release(sha512(4), vec![evidence_file(2), evidence_file(3)]));
    let mut answers = both(&manifest);
    answers.extend([
        shown(asked(&manifest, sha512(3), evidence_file(1), "publish", "2.1.329")),
        refused(asked(&manifest, sha512(4), evidence_file(2), "provenance", "2.1.329")),
        shown(asked(&manifest, sha512(4), evidence_file(3), "provenance", "2.1.329")),
        shown(asked(&manifest, sha512(4), evidence_file(2), "publish", "2.1.329")),
        shown(of_anyone(sha512(4), evidence_file(2))),
        shown(of_anyone(sha512(4), evidence_file(3))),
    ]);
    assert_outcome(&with(manifest.clone(), answers.clone()), "approved", Outcome::Approved);
    for missing in 0..answers.len() {
        let mut fewer = answers.clone();
        let was_shown = fewer.remove(missing).1.is_ok();
        let report = with(manifest.clone(), fewer);
        assert_eq!(report.outcome == Outcome::Blocked, was_shown, "{missing}");
    }
}

/// Evidence that is written down must hold, whether or not anybody asks for it.
#[test]
fn evidence_that_is_written_down_has_to_hold() {
    let mut manifest = required();
    manifest.tools[0].require.clear();
    let report = with(manifest.clone(), vec![refused(of_anyone(sha512(3), evidence_file(1)))]);
    assert_outcome(&report, "unattested", Outcome::Blocked);
    assert_eq!(codes(&report), ["evidence-refused"]);
    let report = with(manifest.clone(), vec![shown(of_anyone(sha512(3), evidence_file(1)))]);
    assert_outcome(&report, "approved", Outcome::Approved);
    // Beside what is required, too.
    let mut more = required();
    if let Artifact::Release(release) = &mut more.tools[0].approvals[0].artifacts[1] {
        release.evidence.push(evidence_file(2));
    }
    let report = with(more.clone(), both(&more));
    assert_eq!(codes(&report), ["evidence-refused"]);
    // Without any, the report says that there is none.
    let none =
        approve(super::manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    let report = with(none, Vec::new());
    assert_eq!((report.outcome, report.verdicts[0].attestation.clone()), (Outcome::Approved, Some(Attestation::None)));
}

#[test]
fn a_mention_needs_the_attestation_and_the_age_as_well() {
    let judged = |manifest: &Manifest, answers, integrity| {
        let evidence = Evidence { mentions: vec![mention("2.1.329", integrity)], ..Evidence::default() };
        let policy = policy(manifest.clone()).with_attested(AttestedSet::for_test(answers));
        decide(&policy, &CATALOGUE, &evidence, &linux(), now())
    };
    let mut manifest = required();
    for integrity in [sha512(3), DigestSet::new()] {
        assert_outcome(&judged(&manifest, both(&manifest), integrity.clone()), "approved", Outcome::Approved);
        assert_outcome(&judged(&manifest, Vec::new(), integrity), "unattested", Outcome::Blocked);
    }
    manifest.cooldown = SignedDuration::from_hours(24);
    manifest.tools[0].approvals[0].released = Some(at("2026-11-21T00:00:00Z"));
    let report = judged(&manifest, both(&manifest), sha512(3));
    assert_outcome(&report, "unvetted", Outcome::Blocked);
    assert_eq!(codes(&report), ["cooling"]);
}

/// What is asked of the stored evidence is exactly what the run can use.
#[test]
fn only_the_evidence_of_approvals_that_hold_is_asked_for() {
    let manifest = required();
    let policy = policy(manifest.clone());
    let of = |sightings, mentions| {
        let evidence = Evidence { sightings, mentions, ..Evidence::default() };
        evidence_wanted(&policy, &CATALOGUE, &evidence, &linux(), now())
    };
    let all: Vec<Asked> = both(&manifest).into_iter().map(|(asked, _)| asked).collect();
    assert_eq!(of(vec![whole(), whole()], Vec::new()), all);
    assert_eq!(of(Vec::new(), vec![mention("2.1.329", sha512(3))]), all);
    let other = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(8));
    assert!(of(vec![other, sighting("claude-code", Some("2.1.328"))], vec![mention("2.1.328", sha512(3))]).is_empty());
}

#[test]
fn an_approval_counts_when_its_release_is_old_enough() {
    let mut manifest =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    manifest.cooldown = SignedDuration::from_hours(7 * 24);
    let judged = |manifest: &Manifest, clock: &str| decided(&policy(manifest.clone()), vec![whole()], at(clock));
    // Nobody says since when it is out.
    let report = judged(&manifest, "2026-11-21T12:00:00Z");
    assert!(matches!(only_verdict(&report), Verdict::Unvetted { cooling: Some(Cooling { until: None, .. }), .. }));
    assert_eq!(report.outcome, Outcome::Blocked);

    manifest.tools[0].approvals[0].released = Some(at("2026-11-20T00:00:00Z"));
    let report = judged(&manifest, "2026-11-26T23:59:59Z");
    assert_outcome(&report, "unvetted", Outcome::Blocked);
    let found = finding(&report, Code::Cooling);
    assert!(found.message.contains("counts from 27 Nov 2026 00:00 UTC on"), "{}", found.message);
    assert!(found.message.contains("7 days old"), "{}", found.message);
    assert_eq!(found.rule.as_ref().and_then(|rule| rule.line), Some(1));
    assert_outcome(&judged(&manifest, "2026-11-27T00:00:00Z"), "approved", Outcome::Approved);

    // The clock of this machine is asked, never a later time that a document states.
    let memory = Memory { latest: Some(at("2026-12-01T00:00:00Z")), ..Memory::default() };
    let ahead = policy(manifest.clone()).with_memory(memory);
    assert_ne!(decided(&ahead, vec![whole()], at("2026-11-26T23:59:59Z")).outcome, Outcome::Approved);

    // A waiver of `unvetted` lifts it, and a lower layer can only lengthen it.
    let mut waived = manifest.clone();
    waived.waivers.push(waiver(Lifts::Unvetted, "2.1.329"));
    assert_outcome(&judged(&waived, "2026-11-22T00:00:00Z"), "waived", Outcome::Approved);
    let mut lower = super::manifest(Mode::Monitor);
    lower.cooldown = SignedDuration::from_hours(8 * 24);
    let narrowed = under(policy(manifest.clone()), &lower);
    assert_outcome(&decided(&narrowed, vec![whole()], at("2026-11-27T12:00:00Z")), "unvetted", Outcome::Blocked);
    assert_outcome(&decided(&narrowed, vec![whole()], at("2026-11-28T00:00:00Z")), "approved", Outcome::Approved);
    lower.cooldown = SignedDuration::ZERO;
    let looser = under(policy(manifest), &lower);
    assert_outcome(&decided(&looser, vec![whole()], at("2026-11-26T00:00:00Z")), "unvetted", Outcome::Blocked);
}

#[test]
fn variants_of_one_measurement_are_alternatives_and_different_ones_must_all_hold() {
    let file = Shape::File { path: "bin/claude".to_owned() };
    let one = |digests: DigestSet| digests.iter().next().unwrap().clone();
    let artifacts =
        vec![installed(tree_shape(), dir_hash(7).into()), installed(file.clone(), sha256(1)), installed(file.clone(), sha256(2))];
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", artifacts);
    for (byte, outcome) in [(1, Outcome::Approved), (2, Outcome::Approved), (3, Outcome::Blocked)] {
        let seen = measured(whole(), file.clone(), one(sha256(byte)));
        assert_eq!(judge(policy.clone(), vec![seen]).outcome, outcome, "{byte}");
    }
    // The variant of a file does not make up for the tree.
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(8));
    assert_outcome(&judge(policy, vec![measured(seen, file, one(sha256(1)))]), "mismatched", Outcome::Blocked);
}

/// Of several variants the difference is told of the one that agrees with the disk the longest.
#[test]
fn the_variant_that_comes_nearest_says_what_differs() {
    let list = |byte: u8| Some(crate::manifest::FileListRef { path: format!("{byte}.json").into(), digests: sha256(byte) });
    let tree = |byte, files| {
        let (package, platform, shape) = (None, Some(linux()), tree_shape());
        Artifact::Installed(Installed { package, platform, shape, digests: dir_hash(byte).into(), files })
    };
    let manifest = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![tree(1, list(1)), tree(2, list(2))]);
    let mut seen = sighting("claude-code", Some("2.1.329"));
    for (byte, path) in [(1, "bin/claude.exe"), (2, "cli.js")] {
        seen.measurements.push(Measurement {
            shape: tree_shape(),
            package: None,
            list: Some(sha256(byte)),
            result: Ok(dir_hash(9)),
            difference: Some(Difference { path: path.to_owned(), change: Change::Changed }),
            covers: Vec::new(),
        });
    }
    let report = judge(manifest, vec![seen]);
    assert!(report.verdicts[0].why.ends_with("first difference: cli.js"), "{}", report.verdicts[0].why);
}

#[test]
fn an_artifact_of_another_package_applies_where_that_package_is() {
    let package = PackageVersion::parse_purl("pkg:npm/%40openai/codex@0.169.0-linux-x64").unwrap();
    let other = Artifact::Installed(Installed {
        package: Some(package.clone()),
        platform: Some(linux()),
        shape: tree_shape(),
        digests: dir_hash(8).into(),
        files: None,
    });
    let manifest =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into()), other]);
    let with = |result| {
        let mut seen = whole();
        let covers = vec![CoveredFolder { root: "/n/codex-linux-x64".into(), except: Vec::new() }];
        let difference = Some(Difference { path: "vendor/codex".to_owned(), change: Change::Changed });
        let package = Some(package.clone());
        seen.measurements.push(Measurement { shape: tree_shape(), package, list: None, result, difference, covers });
        judge(manifest.clone(), vec![seen])
    };
    assert_outcome(&judge(manifest.clone(), vec![whole()]), "approved", Outcome::Approved);
    assert_outcome(&with(Err(Unmeasured::NoPackage("codex".to_owned()))), "approved", Outcome::Approved);
    assert_outcome(&with(Err(Unmeasured::Changed)), "unverifiable", Outcome::Undecided);
    let report = with(Ok(dir_hash(9)));
    assert_outcome(&report, "mismatched", Outcome::Blocked);
    assert!(report.verdicts[0].why.contains("the tree of @openai/codex 0.169.0-linux-x64"), "{}", report.verdicts[0].why);
    assert!(
        matches!(&report.findings[0].places[0], Place::Installed { path, .. } if path.ends_with("n/codex-linux-x64/vendor/codex"))
    );
    // Alone it says nothing of the tool.
    let mut alone = manifest.clone();
    alone.tools[0].approvals[0].artifacts.remove(0);
    let mut seen = sighting("claude-code", Some("2.1.329"));
    seen.package = None;
    assert_outcome(&judge(alone, vec![seen]), "unvetted", Outcome::Blocked);
}

fn packages_of(list: u8) -> Artifact {
    let files = crate::manifest::FileListRef { path: "packages.json".into(), digests: sha256(list) };
    Artifact::Installed(Installed {
        package: None,
        platform: None,
        shape: Shape::Packages,
        digests: sha256(list),
        files: Some(files),
    })
}

fn answered(mut sighting: Sighting, list: u8, difference: Option<&str>, covers: Vec<CoveredFolder>) -> Sighting {
    let difference = difference.map(|path| Difference { path: path.to_owned(), change: Change::Extra });
    sighting.measurements.push(Measurement {
        shape: Shape::Packages,
        package: None,
        list: Some(sha256(list)),
        result: Ok(sha256(list).iter().next().unwrap().clone()),
        difference,
        covers,
    });
    sighting
}

#[test]
fn packages_conform_to_their_list_or_name_what_does_not() {
    let artifacts = vec![installed(tree_shape(), dir_hash(7).into()), packages_of(5)];
    let manifest = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", artifacts);
    assert_outcome(&judge(manifest.clone(), vec![answered(whole(), 5, None, Vec::new())]), "approved", Outcome::Approved);
    let report = judge(manifest.clone(), vec![answered(whole(), 5, Some("node_modules/evil/index.js"), Vec::new())]);
    assert_outcome(&report, "mismatched", Outcome::Blocked);
    assert!(
        report.verdicts[0].why.contains("node_modules/evil/index.js belongs to no package on the list"),
        "{}",
        report.verdicts[0].why
    );
    assert_outcome(&judge(manifest.clone(), vec![answered(whole(), 6, None, Vec::new())]), "unverifiable", Outcome::Undecided);
    assert_outcome(&judge(manifest, vec![whole()]), "unverifiable", Outcome::Undecided);
}

/// A package that a conforming list names is approved with the tool, wherever it lies; what was left out of it is not.
#[test]
fn what_a_conforming_package_list_covers_is_approved_with_the_tool() {
    let artifacts = vec![installed(tree_shape(), dir_hash(7).into()), packages_of(5)];
    let manifest = approve(manifest(Mode::Enforce), "mcp-memory", "1.0.0", artifacts);
    let folder = |root: &str, except: &[&str]| CoveredFolder {
        root: root.into(),
        except: except.iter().map(|glob| (*glob).to_owned()).collect(),
    };
    let outer = |covers, difference| {
        answered(measured(sighting("mcp-memory", Some("1.0.0")), tree_shape(), dir_hash(7)), 5, difference, covers)
    };
    let mut inner = sighting("claude-code", Some("2.1.329"));
    inner.root = "/n/hoisted/claude".into();
    inner.executables[0].path = "/n/hoisted/claude/cli.js".into();
    let judged = |outer: Sighting, inner: Sighting| judge(manifest.clone(), vec![outer, inner]).outcome;

    let plain = || vec![folder("/n/hoisted/claude", &[])];
    assert_eq!(judged(outer(plain(), None), inner.clone()), Outcome::Approved);
    assert_eq!(judged(outer(plain(), Some("x")), inner.clone()), Outcome::Blocked);
    assert_eq!(judged(outer(vec![folder("/n/hoisted/other", &[])], None), inner.clone()), Outcome::Blocked);
    // What runs was left out of the comparison, or belongs to a package that is not listed.
    assert_eq!(judged(outer(vec![folder("/n/hoisted/claude", &["cli.js"])], None), inner.clone()), Outcome::Blocked);
    let mut nested = inner.clone();
    nested.executables[0].path = "/n/hoisted/claude/node_modules/native/claude".into();
    assert_eq!(judged(outer(plain(), None), nested.clone()), Outcome::Blocked);
    let listed = || vec![folder("/n/hoisted/claude", &["bin/x"]), folder("/n/hoisted/claude/node_modules/native", &[])];
    assert_eq!(judged(outer(listed(), None), nested), Outcome::Approved);
    let mut strange = inner;
    strange.strangers.push("/n/hoisted/claude/evil.pth".into());
    assert_eq!(judged(outer(plain(), None), strange), Outcome::Blocked);
}

#[test]
fn a_stranger_beside_approved_bytes_is_a_mismatch() {
    let manifest = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    let mut seen = whole();
    seen.strangers.push("/n/tool/evil.pth".into());
    let mut waived = manifest.clone();
    waived.waivers.push(waiver(Lifts::Unvetted, "2.1.329"));
    let report = judge(waived, vec![seen.clone()]);
    assert_outcome(&report, "mismatched", Outcome::Blocked);
    assert!(report.verdicts[0].why.contains("evil.pth is extra"), "{}", report.verdicts[0].why);
    assert!(
        matches!(&finding(&report, Code::MismatchedDigest).places[0], Place::Installed { path, .. } if path.ends_with("evil.pth"))
    );
    // Without an approval it is worth a look all the same.
    let report = judge(super::manifest(Mode::Monitor), vec![seen.clone(), seen]);
    assert_eq!(report.outcome, Outcome::Approved);
    assert_eq!(report.findings.iter().filter(|f| f.code == Code::StrangerFile).count(), 1);
}

#[test]
fn what_was_built_here_is_named_and_stops_nothing() {
    let manifest = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    let mut seen = whole();
    seen.built.push("/n/tool/build/pty.node".into());
    let report = judge(manifest, vec![seen]);
    assert_outcome(&report, "approved", Outcome::Approved);
    let found = finding(&report, Code::LocallyBuilt);
    assert!(matches!(&found.places[0], Place::Installed { path, .. } if path.ends_with("pty.node")));
}

#[test]
fn an_unvetted_tool_is_compared_with_what_was_published_and_never_approved_by_it() {
    let releases = approve(manifest(Mode::Monitor), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    let judged = |mode, seen| {
        let policy = policy(manifest(mode)).with_releases(Verified::for_test(releases.clone()));
        decided(&policy, vec![seen], now())
    };
    let report = judged(Mode::Enforce, whole());
    assert_outcome(&report, "unvetted", Outcome::Blocked);
    assert_eq!(report.verdicts[0].published, Some(Published::Same));
    assert!(matches!(&report.findings[0].places[0], Place::Installed { remark: Some(r), .. } if r.contains("byte for byte")));

    let altered = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(8));
    let report = judged(Mode::Monitor, altered);
    assert_outcome(&report, "unvetted", Outcome::Approved);
    assert_eq!(finding(&report, Code::AlteredRelease).severity, Severity::Warning);
    let unknown = judged(Mode::Monitor, sighting("claude-code", Some("2.1.328")));
    assert_eq!(unknown.verdicts[0].published, None);
    // Where the policy itself speaks of the version, its own word counts alone.
    let own = approve(manifest(Mode::Monitor), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(8).into())]);
    let policy = policy(own).with_releases(Verified::for_test(releases.clone()));
    let report = decided(&policy, vec![whole()], now());
    assert_eq!((report.verdicts[0].verdict.name(), report.verdicts[0].published.clone()), ("mismatched", None));
}

/// A lock file names the package for a platform by a version of its own; the approval speaks of it as a release file.
#[test]
fn a_mention_of_a_platform_package_is_compared_with_its_own_release_file() {
    let package = |purl: &str| Some(PackageVersion::parse_purl(purl).unwrap());
    let of = |purl, digests| Artifact::Release(Release { package: package(purl), digests, evidence: Vec::new() });
    let main = of("pkg:npm/%40anthropic-ai/claude-code@2.1.329", sha512(1));
    let native = of("pkg:npm/%40anthropic-ai/claude-code@2.1.329-linux-x64", sha512(2));
    let manifest = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![main, native]);
    let judged = |version, integrity| {
        let evidence = Evidence { mentions: vec![mention(version, integrity)], ..Evidence::default() };
        judge_at(manifest.clone(), &evidence, now())
    };
    assert_outcome(&judged("2.1.329", sha512(1)), "approved", Outcome::Approved);
    assert_outcome(&judged("2.1.329", sha512(2)), "mismatched", Outcome::Blocked);
    assert_outcome(&judged("2.1.329-linux-x64", sha512(2)), "approved", Outcome::Approved);
    assert_outcome(&judged("2.1.329-linux-x64", sha512(1)), "mismatched", Outcome::Blocked);
    assert_outcome(&judged("2.1.329-darwin-arm64", sha512(2)), "unvetted", Outcome::Blocked);
}
