//! What holds for every policy and every evidence: the invariants of the threat model.

use super::*;
use jiff::SignedDuration;
use proptest::prelude::*;

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
