//! Which version is written in the place of another: only one that the policy leaves no choice about.

use super::*;
use crate::evidence::Integrity;
use crate::manifest::{Release, Replacement};
use crate::policy::{Choice, Fixable, Pinning, Unfit, point_to_fix, unfit};
use crate::tool::PackageVersion;

const CLAUDE: &str = "claude-code";

fn asks(text: &str) -> Mention {
    Mention { request: Request::Floating { text: text.to_owned(), locked: false }, ..mention("1.0.0", Integrity::none()) }
}

fn approving(versions: &[&str]) -> Manifest {
    versions.iter().fold(manifest(Mode::Enforce), |manifest, version| approve(manifest, CLAUDE, version, Vec::new()))
}

fn choice_of(policy: &Policy, unfit: Unfit<'_>) -> Choice {
    Pinning { policy, catalogue: &CATALOGUE, platform: &linux(), clock: now() }.choice(unfit)
}

fn choice(manifest: Manifest, mention: &Mention) -> Choice {
    choice_of(&policy(manifest), Unfit { mention, revocation: None })
}

fn one(version: &str) -> Choice {
    Choice::One(version.to_owned())
}

fn several(versions: &[&str]) -> Choice {
    Choice::Several(versions.iter().map(|version| (*version).to_owned()).collect())
}

#[test]
fn the_only_approved_version_is_chosen_in_or_out_of_the_range() {
    for text in ["^2.0.0", "^3.0.0", "latest", "*", ""] {
        assert_eq!(choice(approving(&["2.1.329"]), &asks(text)), one("2.1.329"), "{text}");
    }
    assert_eq!(choice(approving(&["2.1.329"]), &mention("2.1.91", Integrity::none())), one("2.1.329"));
    // The same version twice is one.
    assert_eq!(choice(approving(&["2.1.329", "2.1.329"]), &asks("*")), one("2.1.329"));
    assert_eq!(choice(approving(&[]), &asks("*")), Choice::Nothing);
    assert_eq!(choice(approve(manifest(Mode::Enforce), "openai-codex", "1.0.0", Vec::new()), &asks("*")), Choice::Nothing);
}

#[test]
fn among_several_only_a_range_that_holds_one_of_them_chooses() {
    let three = || approving(&["1.9.0", "2.1.150", "2.1.329"]);
    assert_eq!(choice(three(), &asks("^1.0.0")), one("1.9.0"));
    assert_eq!(choice(three(), &asks("^2.1.0")), several(&["2.1.150", "2.1.329"]));
    // Neither the newest nor the nearest is a better one.
    assert_eq!(choice(three(), &asks("^3.0.0")), several(&["1.9.0", "2.1.150", "2.1.329"]));
    for text in ["latest", "*", ">=1"] {
        assert_eq!(choice(three(), &asks(text)), several(&["1.9.0", "2.1.150", "2.1.329"]), "{text}");
    }
    assert_eq!(choice(three(), &mention("2.1.91", Integrity::none())), several(&["1.9.0", "2.1.150", "2.1.329"]));
}

#[test]
fn ranges_of_python_are_read_as_python_reads_them() {
    let manifest = ["0.80.1", "0.86.2"].iter().fold(manifest(Mode::Enforce), |m, v| approve(m, "aider", v, Vec::new()));
    let asks = |text: &str| Mention {
        tool: "aider".parse().unwrap(),
        package: Package::new(Ecosystem::Pypi, "aider-chat"),
        ..asks(text)
    };
    assert_eq!(choice(manifest.clone(), &asks("~=0.80.0")), one("0.80.1"));
    assert_eq!(choice(manifest.clone(), &asks(">=0.81,<1")), one("0.86.2"));
    assert_eq!(choice(manifest.clone(), &asks("==0.80.*")), one("0.80.1"));
    assert_eq!(choice(manifest.clone(), &asks(">=0.80")), several(&["0.80.1", "0.86.2"]));
    // Poetry's own, which nothing here reads.
    assert_eq!(choice(manifest, &asks("^0.80")), several(&["0.80.1", "0.86.2"]));
}

#[test]
fn what_the_decision_does_not_approve_does_not_count() {
    let two = || approving(&["2.1.150", "2.1.329"]);
    let mut revoked = two();
    revoked.revocations.push(claude("2.1.91", "2.1.198"));
    assert_eq!(choice(revoked, &asks("*")), one("2.1.329"));
    // A lower layer narrows what may be chosen, and only there.
    let mut lower = manifest(Mode::Enforce);
    lower.revocations.push(claude("2.1.91", "2.1.198"));
    let narrowed = under(policy(two()), &lower);
    assert_eq!(choice_of(&narrowed, Unfit { mention: &asks("*"), revocation: None }), one("2.1.329"));
    let mut young = two();
    young.cooldown = SignedDuration::from_hours(24 * 7);
    young.tools[0].approvals =
        vec![Approval { released: Some(at("2026-10-01T00:00:00Z")), ..young.tools[0].approvals[0].clone() }].into();
    young.tools[1].approvals =
        vec![Approval { released: Some(at("2026-11-20T00:00:00Z")), ..young.tools[1].approvals[0].clone() }].into();
    assert_eq!(choice(young, &asks("*")), one("2.1.150"));
    // Documents that may not be used any more approve nothing.
    let mut expired = approving(&["2.1.329"]);
    expired.header.expires = at("2026-11-01T00:00:00Z");
    expired.grace = SignedDuration::ZERO;
    assert_eq!(choice(expired, &asks("*")), Choice::Nothing);
}

#[test]
fn an_approval_of_packages_of_another_ecosystem_is_of_another_thing() {
    let release = |ecosystem: Ecosystem, name: &str| {
        let package = Some(PackageVersion { package: Package::new(ecosystem, name), version: "2.1.329".to_owned() });
        vec![Artifact::Release(Release { package, digests: sha256(1), evidence: Vec::new() })]
    };
    let approving = |artifacts: Vec<Artifact>| approve(manifest(Mode::Enforce), CLAUDE, "2.1.329", artifacts);
    assert_eq!(choice(approving(release(Ecosystem::Pypi, "claude-code")), &asks("*")), Choice::Nothing);
    assert_eq!(choice(approving(release(Ecosystem::Npm, "@anthropic-ai/claude-code")), &asks("*")), one("2.1.329"));
}

#[test]
fn the_replacement_that_a_revocation_names_is_chosen_where_it_is_approved() {
    let old = mention("2.1.91", Integrity::none());
    let manifest = |replacement: &str| {
        let mut manifest = approving(&["2.1.200", "2.1.329"]);
        let replacement = Replacement { tool: CLAUDE.parse().unwrap(), version: Some(replacement.to_owned()) };
        manifest.revocations.push(Revocation { replacement: Some(replacement), ..claude("2.1.91", "2.1.198") });
        policy(manifest)
    };
    let unfit = Unfit { mention: &old, revocation: Some("R-1") };
    assert_eq!(choice_of(&manifest("2.1.329"), unfit), one("2.1.329"));
    assert_eq!(choice_of(&manifest("2.1.400"), unfit), several(&["2.1.200", "2.1.329"]));
}

#[test]
fn a_choice_among_very_many_is_none_and_a_range_still_holds_one() {
    let versions: Vec<String> = (0..60).map(|minor| format!("1.{minor}.0")).collect();
    let manifest = || approving(&versions.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(choice(manifest(), &asks("*")), Choice::Several(some) if some.len() == 16));
    assert_eq!(choice(manifest(), &asks("~1.59.0")), one("1.59.0"));
}

#[test]
fn what_is_unfit_is_what_floats_or_is_refused() {
    let mut manifest = approving(&["2.1.329"]);
    manifest.revocations.push(claude("2.1.91", "2.1.198"));
    let place = |mention: Mention, path: &str| Mention { location: Location { path: path.into(), line: Some(1) }, ..mention };
    let locked =
        |path: &str| place(Mention { request: Request::Floating { text: "^2".to_owned(), locked: true }, ..asks("^2") }, path);
    let mentions = vec![
        place(asks("^2"), "a/package.json"),
        place(mention("2.1.91", Integrity::none()), "b/package-lock.json"),
        locked("b/web/package.json"),
        place(mention("2.1.329", Integrity::none()), "c/package-lock.json"),
        locked("c/package.json"),
        place(mention("2.1.300", Integrity::none()), "d/package.json"),
    ];
    let evidence = Evidence { mentions, ..Evidence::default() };
    let report = judge_at(manifest, &evidence, now());
    let mut paths: Vec<(&str, Option<&str>)> =
        unfit(&report, &evidence).iter().map(|u| (u.mention.location.path.to_str().unwrap(), u.revocation)).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            ("a/package.json", None),
            ("b/package-lock.json", Some("R-1")),
            ("b/web/package.json", Some("R-1")),
            ("d/package.json", None)
        ]
    );
    // Where unlisted tools may be there, nothing is wrong with them.
    let mut allowed = approving(&["2.1.329"]);
    allowed.unlisted = Kind::ALL.iter().map(|kind| (*kind, Unlisted::Allow)).collect();
    let evidence = Evidence { mentions: vec![mention("2.1.300", Integrity::none())], ..Evidence::default() };
    assert!(unfit(&judge_at(allowed, &evidence, now()), &evidence).is_empty());
}

#[test]
fn a_finding_says_that_it_is_fixed_where_it_is() {
    let location = |line: u32| Location { path: "package.json".into(), line: Some(line) };
    let mention = |line: u32| Mention { location: location(line), ..asks("^2") };
    let evidence = Evidence { mentions: vec![mention(1), mention(2)], ..Evidence::default() };
    let fix = |line: u32| Fixable { tool: CLAUDE.parse().unwrap(), location: location(line), version: "2.1.329".to_owned() };
    let commands = |fixes: &[Fixable]| {
        let mut report = judge_at(approving(&["2.1.329"]), &evidence, now());
        point_to_fix(&mut report, fixes);
        let help = finding(&report, Code::FloatingVersion).help.clone();
        help.into_iter().map(|help| help.command.or(help.note).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(commands(&[fix(1), fix(2)]), ["vetted check --fix"]);
    let partly = commands(&[fix(2)]);
    assert_eq!((partly[0].as_str(), partly.len()), ("vetted check --fix", 2), "{partly:?}");
    assert!(!commands(&[]).contains(&"vetted check --fix".to_owned()));
}
