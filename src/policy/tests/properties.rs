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
        Some(Scope { repositories: texts(repositories), groups: texts(groups), paths: Vec::new() })
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

/// A case in which everything that can be asked for is asked for and there: a tree, a file, two release files, two policies.
mod evidenced {
    use super::super::evidence::{asked, attestation_policy, evidence_file, of_anyone, release};
    use super::*;
    use crate::manifest::AttestationPolicy;
    use crate::trust::attested::Attested;
    use crate::trust::stored::{Asked, AttestedSet, StoredRefusal};

    type Answer = (Asked, Result<Attested, StoredRefusal>);

    const VERSION: &str = "2.1.329";

    fn asking() -> Manifest {
        let file = Shape::File { path: "bin/claude".to_owned() };
        let artifacts = vec![
            installed(tree_shape(), dir_hash(7).into()),
            installed(file, sha256(2)),
            release(sha512(3), vec![evidence_file(1), evidence_file(2)]),
            release(sha512(4), vec![evidence_file(3)]),
        ];
        let mut manifest = approve(manifest(Mode::Enforce), "claude-code", VERSION, artifacts);
        let publish = vec!["https://registry.example/publish/v1".to_owned()];
        manifest.attestations =
            vec![attestation_policy("provenance"), AttestationPolicy { predicates: publish, ..attestation_policy("publish") }];
        manifest.tools[0].require = vec!["provenance".to_owned(), "publish".to_owned()];
        manifest.tools[0].approvals[0].released = Some(at("2026-11-10T00:00:00Z"));
        manifest.cooldown = SignedDuration::from_hours(7 * 24);
        manifest
    }

    fn answers(manifest: &Manifest) -> Vec<Answer> {
        let of = |digests: DigestSet, number: u8, id: &str| asked(manifest, digests, evidence_file(number), id, VERSION);
        let all = [
            of(sha512(3), 1, "provenance"),
            of(sha512(3), 2, "publish"),
            of(sha512(4), 3, "provenance"),
            of(sha512(4), 3, "publish"),
            of_anyone(sha512(3), evidence_file(1)),
            of_anyone(sha512(3), evidence_file(2)),
            of_anyone(sha512(4), evidence_file(3)),
        ];
        all.into_iter()
            .map(|asked| {
                let attested = Attested::for_test(&asked.subject, "release.yml");
                (asked, Ok(attested))
            })
            .collect()
    }

    fn seen() -> Evidence {
        let file = Shape::File { path: "bin/claude".to_owned() };
        let seen = measured(sighting("claude-code", Some(VERSION)), tree_shape(), dir_hash(7));
        let seen = measured(seen, file, sha256(2).iter().next().unwrap().clone());
        let mentions = vec![mention(VERSION, sha512(3))];
        Evidence { sightings: vec![seen], mentions, ..Evidence::default() }
    }

    fn under(manifest: Manifest, answers: Vec<Answer>) -> Policy {
        policy(manifest).with_attested(AttestedSet::for_test(answers))
    }

    fn judged(manifest: Manifest, answers: Vec<Answer>) -> Report {
        decide(&under(manifest, answers), &CATALOGUE, &seen(), &linux(), now())
    }

    /// Change one bit of the digest of a release file.
    fn flipped(manifest: &mut Manifest, which: usize, byte: usize, bit: u8) {
        let mut releases = manifest.tools[0].approvals[0].artifacts.iter_mut().filter_map(|artifact| match artifact {
            Artifact::Release(release) => Some(release),
            Artifact::Installed(_) => None,
        });
        let release = releases.nth(which).unwrap();
        let digest = release.digests.iter().next().unwrap();
        let mut bytes = digest.as_bytes().to_vec();
        bytes[byte] ^= 1 << bit;
        release.digests = Digest::parse(digest.algorithm(), &hex::encode(bytes)).unwrap().into();
    }

    proptest! {
        /// The case by itself is allowed; whatever of its proofs is taken away or refused, it is not, nor more.
        #[test]
        fn a_proof_less_never_lets_more_pass(gone in prop::collection::vec(any::<bool>(), 7), refuse in any::<bool>()) {
            let (manifest, all) = (asking(), answers(&asking()));
            prop_assert_eq!(judged(manifest.clone(), all.clone()).outcome, Outcome::Approved);
            let fewer: Vec<Answer> = all.iter().cloned().zip(&gone).filter_map(|((asked, answer), gone)| match (gone, refuse) {
                (false, _) => Some((asked, answer)),
                (true, true) => Some((asked, Err(StoredRefusal::NotVerified))),
                (true, false) => None,
            }).collect();
            never_widens(&under(manifest.clone(), all), &under(manifest.clone(), fewer.clone()), &seen())?;
            let report = judged(manifest, fewer);
            let any_gone = gone.contains(&true);
            prop_assert_eq!(report.outcome == Outcome::Blocked, any_gone);
            if any_gone {
                prop_assert!(report.verdicts.iter().all(|j| matches!(j.verdict, Verdict::Unattested(_))));
            }
        }

        /// Evidence that the manifest does not name any more, one requirement more, a longer cooldown: never more.
        #[test]
        fn asking_for_more_never_lets_more_pass(
            upper in any_manifest(), other in any_evidence(), hours in 0_i64..1_000, more in 0_i64..1_000, dated in any::<bool>(),
        ) {
            let mut base = upper;
            base.attestations.push(attestation_policy("provenance"));
            base.cooldown = SignedDuration::from_hours(hours);
            for tool in &mut base.tools {
                for approval in tool.approvals.iter_mut() {
                    approval.released = dated.then(|| at("2026-11-01T00:00:00Z"));
                }
            }
            let mut longer = base.clone();
            longer.cooldown = SignedDuration::from_hours(hours + more);
            never_widens(&policy(base.clone()), &policy(longer), &other)?;
            let mut asks = base.clone();
            for tool in &mut asks.tools {
                tool.require.push("provenance".to_owned());
            }
            never_widens(&policy(base), &policy(asks.clone()), &other)?;
            let approved = decide(&policy(asks), &CATALOGUE, &other, &linux(), now());
            prop_assert!(!approved.verdicts.iter().any(|j| matches!(j.verdict, Verdict::Approved(Grounds::Installed))));
        }

        /// Taking the evidence of a release file out of the manifest never lets more pass where it was asked for and there.
        #[test]
        fn evidence_less_never_lets_more_pass(release in 0_usize..2, which in 0_usize..2) {
            let (whole, mut fewer) = (asking(), asking());
            let mut releases = fewer.tools[0].approvals[0].artifacts.iter_mut().filter_map(|artifact| match artifact {
                Artifact::Release(release) => Some(release),
                Artifact::Installed(_) => None,
            });
            let evidence = &mut releases.nth(release).unwrap().evidence;
            evidence.remove(which.min(evidence.len() - 1));
            never_widens(&under(whole.clone(), answers(&whole)), &under(fewer.clone(), answers(&whole)), &seen())?;
            prop_assert_ne!(judged(fewer, answers(&whole)).outcome, Outcome::Approved);
        }

        /// In the allowed case any single change of a digest that was attested, of the identity or of the version blocks.
        #[test]
        fn any_change_of_what_was_attested_blocks(which in 0_usize..2, byte in 0_usize..64, bit in 0_u8..8, what in 0_u8..4) {
            let (manifest, all) = (asking(), answers(&asking()));
            let mut changed = manifest.clone();
            match what {
                0 => flipped(&mut changed, which, byte, bit),
                1 => {
                    let policy = &mut changed.attestations[which];
                    let crate::manifest::Attestor::Identity { identity, .. } = &mut policy.by else { unreachable!() };
                    identity.insert(byte.min(identity.len()), 'x');
                }
                2 => changed.attestations[which].source_id = Some(byte.to_string()),
                _ => {
                    let mut releases = changed.tools[0].approvals[0].artifacts.iter_mut().filter_map(|artifact| match artifact {
                        Artifact::Release(release) => Some(release),
                        Artifact::Installed(_) => None,
                    });
                    releases.nth(which).unwrap().evidence[0].sha256[byte % 32] ^= 1 << bit;
                }
            }
            let report = judged(changed, all);
            prop_assert_eq!(report.outcome, Outcome::Blocked);
        }
    }
}
