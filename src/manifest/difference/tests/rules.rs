//! Waivers, modes, defaults and lifetimes.

use super::*;

#[test]
fn a_waiver_is_compared_by_what_it_lets_pass() {
    let with = |change: &dyn Fn(&mut Waiver)| {
        let mut new = waiver();
        change(&mut new);
        let manifest = |waiver| Manifest { waivers: vec![waiver], ..manifest() };
        let found = between(&manifest(waiver()), &manifest(new));
        (found.newly_allows.len(), found.no_longer.len(), found.also.len())
    };
    let scope = |groups: &[&str]| {
        Some(Scope { repositories: Vec::new(), groups: groups.iter().map(|g| (*g).to_owned()).collect(), paths: Vec::new() })
    };
    assert_eq!(with(&|w| w.line = 9), (0, 0, 0));
    assert_eq!(with(&|w| w.expires = at("2026-11-28T00:00:00Z")), (1, 0, 0));
    assert_eq!(with(&|w| w.expires = at("2026-11-26T00:00:00Z")), (0, 1, 0));
    assert_eq!(with(&|w| w.starts = at("2026-11-19T00:00:00Z")), (1, 0, 0));
    assert_eq!(with(&|w| w.versions.clear()), (1, 0, 0));
    assert_eq!(with(&|w| w.versions.push("2".into())), (1, 0, 0));
    assert_eq!(with(&|w| w.lifts.push(Lifts::Revocation("R".into()))), (1, 0, 0));
    assert_eq!(with(&|w| w.tool = id("c")), (1, 1, 0));
    assert_eq!(with(&|w| w.digests = sha256(1)), (0, 1, 0));
    assert_eq!(with(&|w| w.scope = scope(&["a"])), (0, 1, 0));
    assert_eq!(with(&|w| w.scope = scope(&[])), (0, 0, 1));
    assert_eq!(with(&|w| w.owner = "erin".into()), (0, 0, 1));
}

#[test]
fn laxer_rules_are_wider_and_stricter_ones_narrower() {
    let with = |change: &dyn Fn(&mut Manifest)| {
        let mut new = manifest();
        change(&mut new);
        let (forth, back) = (between(&manifest(), &new), between(&new, &manifest()));
        ((forth.newly_allows.len(), forth.no_longer.len()), (back.newly_allows.len(), back.no_longer.len()))
    };
    let overlay = |mode| Overlay {
        rules: crate::manifest::Rules::new(),
        group: "eu".into(),
        mode,
        unlisted: BTreeMap::from([(Kind::Sdk, Unlisted::Block)]),
        cooldown: None,
        revocations: vec![revocation("R", "0", None)],
        line: 1,
        lines: crate::manifest::RuleLines::default(),
    };
    assert_eq!(with(&|m| m.mode = Mode::Monitor), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| *m.unlisted.get_mut(&Kind::Sdk).unwrap() = Unlisted::Warn), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.grace = SignedDuration::from_hours(96)), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.sync.every = SignedDuration::from_hours(2)), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.sync.sources.push("https://a.example/".into())), ((1, 0), (0, 1)));
    assert_eq!(with(&|m| m.overlays.push(overlay(Some(Mode::Enforce)))), ((0, 3), (3, 0)));
    let client = |text| Some(crate::manifest::ClientRequirement::parse(text).unwrap());
    assert_eq!(with(&|m| m.requires_client = client(">=0.3.0")), ((0, 1), (1, 0)));
    assert_eq!(with(&|m| m.header.expires = at("2026-12-30T00:00:00Z")), ((1, 0), (0, 1)));
}

#[test]
fn without_an_old_issue_everything_that_allows_is_new() {
    let mut new = approving(&[("b", "1.0.0", 1)]);
    new.mode = Mode::Monitor;
    new.waivers.push(waiver());
    let documents = Documents { manifest: Some(&new), ..Documents::default() };
    let found = Difference::between(None, &documents);
    assert_eq!(found.newly_allows.len(), 3, "{found:?}");
    assert_eq!(found.steps, [Step { document: DocumentKind::Manifest, from: None, to: 46, expires: new.header.expires }]);
    assert!(Difference::between(Some(&documents), &documents).is_empty());
}
