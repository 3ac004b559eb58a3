//! Waivers lift exactly what they name, and an end is an end.

use super::*;

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
