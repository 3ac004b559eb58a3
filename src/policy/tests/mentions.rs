//! What a repository asks for, held against approvals and revocations.

use super::*;

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
