//! A lock names several files of one version, and an approval pins some of them.

use super::*;
use crate::evidence::Integrity;

fn file(byte: u8) -> DigestSet {
    Digest::Sha256([byte; 32]).into()
}

fn approving(files: &[u8]) -> Vec<Artifact> {
    let release = |byte: &u8| Artifact::Release(crate::manifest::Release { digests: file(*byte), ..Default::default() });
    files.iter().map(release).collect()
}

fn judged(approvals: &[&[u8]], integrity: Integrity) -> Verdict {
    let mut policy = manifest(Mode::Enforce);
    for files in approvals {
        policy = approve(policy, "claude-code", "2.1.329", approving(files));
    }
    let evidence = Evidence { mentions: vec![mention("2.1.329", integrity)], ..Evidence::default() };
    only_verdict(&judge_at(policy, &evidence, now())).clone()
}

fn named(files: &[u8]) -> Integrity {
    Integrity::of_files(files.iter().map(|byte| file(*byte)).collect())
}

fn nameless(files: &[u8]) -> Integrity {
    Integrity::of_nameless(files.iter().map(|byte| file(*byte)).collect())
}

#[test]
fn every_file_that_may_arrive_has_to_be_approved() {
    for files in [&[1][..], &[2], &[1, 2, 3], &[3, 3]] {
        assert!(matches!(judged(&[&[1, 2, 3]], named(files)), Verdict::Approved(Grounds::Release)), "{files:?}");
    }
    for files in [&[9][..], &[1, 9], &[9, 1, 2, 3]] {
        let Verdict::Mismatched(mismatch) = judged(&[&[1, 2, 3]], named(files)) else { panic!("{files:?}") };
        assert_eq!(mismatch.digests.unwrap().actual, Digest::Sha256([9; 32]), "{files:?}");
    }
    assert!(matches!(judged(&[&[1]], Integrity::none()), Verdict::Approved(Grounds::VersionListed)));
}

#[test]
fn approvals_of_one_version_approve_its_files_together() {
    assert!(matches!(judged(&[&[1], &[2]], named(&[1, 2])), Verdict::Approved(Grounds::Release)));
    assert!(matches!(judged(&[&[1], &[2]], named(&[1, 2, 9])), Verdict::Mismatched(_)));
    assert!(matches!(judged(&[&[1], &[]], named(&[9])), Verdict::Mismatched(_)));
}

/// A source distribution is approved by nobody, and a list of bare digests holds its digest among the others.
#[test]
fn of_bare_digests_one_may_be_the_source_distribution() {
    for files in [&[1][..], &[1, 2], &[1, 9], &[9, 1, 2]] {
        assert!(matches!(judged(&[&[1, 2]], nameless(files)), Verdict::Approved(Grounds::Release)), "{files:?}");
    }
    for files in [&[9][..], &[8, 9], &[1, 8, 9]] {
        assert!(matches!(judged(&[&[1, 2]], nameless(files)), Verdict::Mismatched(_)), "{files:?}");
    }
}

#[test]
fn every_file_of_a_lock_is_asked_for_among_the_revoked_ones() {
    let mut policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", approving(&[1, 2]));
    let mut revocation = claude("0", "0.0.1");
    revocation.digests.push(file(2));
    policy.revocations.push(revocation);
    let evidence = Evidence { mentions: vec![mention("2.1.329", named(&[1, 2]))], ..Evidence::default() };
    assert_outcome(&judge_at(policy, &evidence, now()), "revoked", Outcome::Blocked);
}
