//! Several documents and layers together: the revocations document, overlays, scopes, a lower layer, age and clock.

use super::*;

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
    scoped.scope = Some(Scope { repositories: Vec::new(), groups: vec!["forensics".to_owned()], paths: Vec::new() });
    organisation.waivers.push(scoped);
    let seen = || vec![sighting("claude-code", Some("2.1.150"))];
    let at_site = |site| decided(&policy(organisation.clone()).at(site), seen(), now());
    assert_outcome(&at_site(in_groups(&["forensics"])), "waived", Outcome::Approved);
    assert_outcome(&at_site(in_groups(&["eu"])), "revoked", Outcome::Blocked);
    assert_outcome(&at_site(Site::default()), "revoked", Outcome::Blocked);

    organisation.waivers[0].scope =
        Some(Scope { repositories: vec!["github.com/acme/forensics-*".to_owned()], groups: Vec::new(), paths: Vec::new() });
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
    // It runs for seven days: that is said of its last day, and not from its first minute.
    assert_eq!(codes(&decided(&policy(organisation.clone()), seen(), at("2026-11-20T00:00:00Z"))), ["waived-tool"]);
    assert_eq!(codes(&decided(&policy(organisation.clone()), seen(), at("2026-11-25T23:59:59Z"))), ["waived-tool"]);
    let report = decided(&policy(organisation.clone()), seen(), at("2026-11-26T00:00:00Z"));
    assert_eq!(finding(&report, Code::WaiverEndsSoon).severity, Severity::Warning);
    // One that runs longer is spoken of from seven days before its end.
    organisation.waivers[0].expires = at("2026-11-28T12:00:00Z");
    let report = judge_at(organisation.clone(), &Evidence { sightings: seen(), ..Evidence::default() }, now());
    assert_eq!(finding(&report, Code::WaiverEndsSoon).severity, Severity::Warning);
    organisation.waivers[0].expires = at("2026-12-01T00:00:00Z");
    assert_eq!(codes(&decided(&policy(organisation.clone()), seen(), now())), ["waived-tool"]);

    // Not met where everything was looked at, it is unused; where only a part was, nobody knows.
    let report = decided(&policy(organisation.clone()), Vec::new(), now());
    assert_eq!((codes(&report), report.findings[0].severity), (vec!["unused-waiver"], Severity::Note));
    assert!(judge(organisation.clone(), Vec::new()).findings.is_empty());
    // Out of its scope, before its start and after its end it is nobody's business here.
    organisation.waivers[0].scope =
        Some(Scope { repositories: Vec::new(), groups: vec!["forensics".to_owned()], paths: Vec::new() });
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
