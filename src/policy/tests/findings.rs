//! From causes to findings, and what was not looked at.

use super::*;

#[test]
fn what_could_not_be_looked_at_is_never_a_pass_in_enforce_mode() {
    let coverage = vec![Coverage {
        source: "path".into(),
        place: Some("/locked".into()),
        outcome: CoverageOutcome::NotLooked("permission denied".to_owned()),
    }];
    let evidence = Evidence { coverage, ..Evidence::default() };
    assert_eq!(judge_at(manifest(Mode::Enforce), &evidence, now()).outcome, Outcome::Undecided);
    let monitored = judge_at(manifest(Mode::Monitor), &evidence, now());
    assert_eq!(monitored.outcome, Outcome::Approved);
    assert_eq!(monitored.findings[0].code, Code::NotCovered);

    let unsupported = CoverageOutcome::Unsupported("not read by this version".to_owned());
    let coverage = vec![Coverage { source: "yarn-lock".into(), place: None, outcome: unsupported }];
    let evidence = Evidence { coverage, ..Evidence::default() };
    assert_eq!(judge_at(manifest(Mode::Enforce), &evidence, now()).outcome, Outcome::Approved);

    let location = Location { path: "package.json".into(), line: None };
    let oddities = vec![Oddity::Unparsable { location, why: "not JSON".to_owned() }];
    let evidence = Evidence { oddities, ..Evidence::default() };
    assert_eq!(judge_at(manifest(Mode::Enforce), &evidence, now()).outcome, Outcome::Undecided);
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
