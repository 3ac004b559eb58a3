//! Over generated documents: what passes newly is always said.

use super::*;

/// A file of a tool with a version, a digest, or neither.
fn sighting(tool: &str, version: Option<&str>, byte: u8) -> Sighting {
    Sighting {
        tool: id(tool),
        package: None,
        version: version.map(|v| Version::parse(Scheme::SemVer, v)),
        channel: Channel::Native,
        root: "/bin/x".into(),
        extent: Extent::File,
        reached_by: Vec::new(),
        executables: vec![Executable { path: "/bin/x".into(), size: 1, digests: Ok(sha256(byte)) }],
        identified_by: Identification::Name,
        renamed: None,
        brought_by: None,
        state: State::Present,
        claimed_version: None,
        embedded_version: None,
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    }
}

/// The subjects that pass: each as tool, version, byte, instant and group of the machine.
fn passing(manifest: &Manifest, revocations: &Revocations) -> Vec<String> {
    ["", "eu"].iter().flat_map(|group| passing_in(manifest, revocations, group)).collect()
}

fn passing_in(manifest: &Manifest, revocations: &Revocations, group: &str) -> Vec<String> {
    let site = Site { groups: vec![group.to_owned()], repository: None };
    let policy = Policy::new(Verified::for_test(manifest.clone()));
    let policy = policy.with_revocations(Verified::for_test(revocations.clone())).at(site);
    let mut passing = Vec::new();
    for now in [at("2026-11-21T12:00:00Z"), at("2026-11-29T12:00:00Z")] {
        for tool in ["claude-code", "gemini-cli"] {
            for version in [Some("1.0.0"), Some("2.0.0"), Some("odd"), None] {
                for byte in [1, 2] {
                    let sightings = vec![sighting(tool, version, byte)];
                    let evidence = Evidence { sightings, ..Evidence::default() };
                    let report = decide(&policy, &CATALOGUE, &evidence, &Platform::here(), now);
                    if report.verdicts.iter().all(|v| matches!(v.effect, Effect::Pass | Effect::Warn)) {
                        passing.push(format!("{tool} {version:?} {byte} {now} {group}"));
                    }
                }
            }
        }
    }
    passing
}

fn any_tool() -> impl Strategy<Value = ToolId> {
    prop_oneof![Just(id("claude-code")), Just(id("gemini-cli"))]
}

fn any_version() -> impl Strategy<Value = String> {
    prop_oneof![Just("1.0.0".to_owned()), Just("2.0.0".to_owned())]
}

prop_compose! {
    fn any_entry()(tool in any_tool(), versions in prop::collection::vec((any_version(), 1_u8..3), 0..3)) -> ToolEntry {
        ToolEntry { id: tool, recognise: None, require: Vec::new(), approvals: versions.iter().map(|(v, byte)| approval(v, *byte)).collect() }
    }
}

prop_compose! {
    fn any_revocation()(
        name in prop_oneof![Just("R-1"), Just("R-2")],
        subject in prop_oneof![
            any_tool().prop_map(Subject::Tool),
            Just(Subject::Vendor("anthropic".into())),
            Just(Subject::Vendor("Google".into())),
        ],
        ranges in prop::collection::vec(
            (prop_oneof![Just("0"), Just("1.0.0"), Just("1.5.0")], prop_oneof![Just(None), Just(Some("2.0.0")), Just(Some("3.0.0"))]),
            0..2,
        ),
        digests in prop::collection::vec((1_u8..3).prop_map(sha256), 0..2),
        by_digest_alone in any::<bool>(),
        severity in prop_oneof![Just(Severity::Low), Just(Severity::Critical)],
        effective in prop_oneof![Just("2026-07-01T00:00:00Z"), Just("2026-11-25T00:00:00Z")],
    ) -> Revocation {
        let is_tool = matches!(subject, Subject::Tool(_));
        let ranges = ranges.into_iter().filter(|_| is_tool);
        let ranges = ranges.map(|(a, b)| VersionRange { introduced: a.to_owned(), fixed: b.map(str::to_owned) }).collect();
        Revocation {
            affected: if by_digest_alone && !digests.is_empty() { Vec::new() } else { vec![Affected { subject, ranges }] },
            digests,
            severity,
            effective: at(effective),
            ..revocation(name, "0", None)
        }
    }
}

prop_compose! {
    fn any_waiver()(
        name in prop_oneof![Just("W-1"), Just("W-2")],
        tool in any_tool(),
        lifts in prop::sample::subsequence(vec![Lifts::Unvetted, Lifts::Revocation("R-1".into()), Lifts::Revocation("R-2".into())], 1..4),
        versions in prop::sample::subsequence(vec!["1.0.0".to_owned(), "2.0.0".to_owned()], 0..3),
        digests in prop_oneof![Just(DigestSet::new()), Just(sha256(1))],
        expires in prop_oneof![Just("2026-11-27T00:00:00Z"), Just("2026-12-01T00:00:00Z")],
        is_of_group in prop::bool::weighted(0.3),
    ) -> Waiver {
        let scope = is_of_group.then(|| Scope { repositories: Vec::new(), groups: vec!["eu".to_owned()], paths: Vec::new() });
        Waiver { id: name.to_owned(), tool, lifts, versions, digests, scope, expires: at(expires), ..waiver() }
    }
}

fn distinct<T>(list: Vec<T>, key: impl Fn(&T) -> String) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    list.into_iter().filter(|one| seen.insert(key(one))).collect()
}

prop_compose! {
    fn any_manifest()(
        tools in prop::collection::vec(any_entry(), 0..3),
        revocations in prop::collection::vec(any_revocation(), 0..3),
        waivers in prop::collection::vec(any_waiver(), 0..3),
        monitor in prop::bool::weighted(0.1),
        lax in prop::bool::weighted(0.2),
        overlay in prop::option::of((prop::option::of(Just(Mode::Enforce)), prop::bool::ANY, prop::option::of(any_revocation()))),
        withdrawn in prop::sample::subsequence(vec!["R-1", "R-2"], 0..2),
    ) -> Manifest {
        let is_ended = |r: &Revocation| withdrawn.contains(&r.id.as_str());
        let overlays = overlay.into_iter().map(|(mode, strict, revocation)| Overlay {
            group: "eu".to_owned(),
            mode,
            rules: crate::manifest::Rules::new(),
            unlisted: if strict { BTreeMap::from([(Kind::Cli, Unlisted::Block)]) } else { BTreeMap::new() },
            cooldown: None,
            revocations: revocation.into_iter().filter(|r| !is_ended(r)).collect(),
            line: 1,
            lines: crate::manifest::RuleLines::default(),
        });
        let revocations = revocations.into_iter().filter(|r| !is_ended(r)).collect();
        let mut manifest = Manifest {
            overlays: overlays.collect(),
            withdrawn: withdrawn.iter().map(|id| Withdrawn { id: (*id).to_owned(), reason: "r".to_owned(), line: 1 }).collect(),
            tools: distinct(tools, |t| t.id.to_string()),
            revocations: distinct(revocations, |r| r.id.clone()),
            waivers: distinct(waivers, |w| w.id.clone()),
            mode: if monitor { Mode::Monitor } else { Mode::Enforce },
            ..manifest()
        };
        if lax {
            manifest.unlisted.insert(Kind::Cli, Unlisted::Warn);
        }
        manifest
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Whatever passes under the new documents and did not under the old ones, a signer is told of something.
    #[test]
    fn nothing_passes_newly_without_a_word(
        old in any_manifest(),
        other in any_manifest(),
        documents in (prop::collection::vec(any_revocation(), 0..2), prop::collection::vec(any_revocation(), 0..2)),
        // Two manifests made apart differ in everything: most parts are kept, so that one change stands alone.
        kept in prop::array::uniform6(prop::bool::weighted(0.6)),
    ) {
        let keep = |index: usize| if kept[index] { &old } else { &other };
        let new = Manifest {
            tools: keep(0).tools.clone(),
            revocations: keep(1).revocations.clone(),
            // What is withdrawn is left out of the same manifest.
            withdrawn: keep(1).withdrawn.clone(),
            overlays: if keep(1).withdrawn.is_empty() { keep(5).overlays.clone() } else { keep(1).overlays.clone() },
            waivers: keep(2).waivers.clone(),
            mode: keep(3).mode,
            unlisted: keep(3).unlisted.clone(),
            ..old.clone()
        };
        let document = |revocations| Revocations {
            header: old.header.clone(),
            manifest: crate::manifest::Beacon { serial: 1, sha256: Digest::Sha256([0; 32]) },
            revocations,
        };
        let before = document(documents.0.clone());
        let after = document(if kept[4] { documents.0 } else { documents.1 });
        let found = Difference::between(
            Some(&Documents { manifest: Some(&old), revocations: Some(&before), trust: None }),
            &Documents { manifest: Some(&new), revocations: Some(&after), trust: None },
        );
        let known = passing(&old, &before);
        let newly: Vec<String> = passing(&new, &after).into_iter().filter(|subject| !known.contains(subject)).collect();
        prop_assert!(newly.is_empty() || !found.newly_allows.is_empty(), "{newly:?} passes newly: {found:?}");
    }
}
