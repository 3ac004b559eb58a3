//! What a revocation covers, by version, digest, vendor, model and package.

use super::*;

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
