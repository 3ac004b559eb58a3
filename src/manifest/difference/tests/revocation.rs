//! Revocations and their withdrawals, in whichever document they stand.

use super::*;

/// Ids are easily guessed: withdrawn before it is revoked, a tool can be revoked by nobody.
#[test]
fn a_withdrawal_of_what_is_not_there_is_shown() {
    let end = |name: &str| Withdrawn { id: name.to_owned(), reason: "r".to_owned(), line: 1 };
    let mut new = manifest();
    new.withdrawn.push(end("ACME-2027-0001"));
    let found = between(&manifest(), &new);
    assert_eq!(found.newly_allows, [Change::Withdrawal { id: "ACME-2027-0001".into(), reason: "r".into() }]);
    assert!(between(&new, &new).is_empty());
    assert_eq!(between(&new, &manifest()).no_longer.len(), 1);
    let mut old = manifest();
    old.revocations.push(revocation("ACME-2027-0001", "0", None));
    let found = between(&old, &new).newly_allows;
    assert!(matches!(&found[..], [Change::Revocation { how: Became::Withdrawn(_), .. }]), "said once: {found:?}");
}

#[test]
fn a_revocation_that_moves_between_the_documents_is_unchanged() {
    let (there, gone) = (revoking(vec![revocation("R", "1.0.0", None)]), manifest());
    let document = Revocations {
        header: there.header.clone(),
        manifest: crate::manifest::Beacon { serial: 1, sha256: Digest::Sha256([0; 32]) },
        revocations: there.revocations.clone(),
    };
    let old = Documents { manifest: Some(&there), ..Documents::default() };
    let new = Documents { manifest: Some(&gone), revocations: Some(&document), ..Documents::default() };
    let found = Difference::between(Some(&old), &new);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(found.unchanged.revocations, 1);
    let back = Difference::between(Some(&new), &Documents { manifest: Some(&gone), ..Documents::default() });
    assert!(back.newly_allows.contains(&Change::Gone(DocumentKind::Revocations)));
    assert!(back.newly_allows.iter().any(|c| matches!(c, Change::Revocation { how: Became::Missing, .. })));
    let withdrawn = Withdrawn { id: "R".into(), reason: "fixed".into(), line: 1 };
    let lifted = Manifest { withdrawn: vec![withdrawn], ..gone.clone() };
    let found = Difference::between(Some(&new), &Documents { manifest: Some(&lifted), ..new });
    let [Change::Revocation { how: Became::Withdrawn(reason), .. }] = &found.newly_allows[..] else { panic!("{found:?}") };
    assert_eq!(reason, "fixed");
}

#[test]
fn a_revocation_is_compared_by_what_it_covers() {
    let old = revocation("R", "1.0.0", Some("2.0.0"));
    let with = |change: &dyn Fn(&mut Revocation)| {
        let mut new = old.clone();
        change(&mut new);
        between(&revoking(vec![old.clone()]), &revoking(vec![new]))
    };
    let how = |list: &[Change]| -> Vec<Became> {
        list.iter().map(|c| if let Change::Revocation { how, .. } = c { how.clone() } else { panic!("{c:?}") }).collect()
    };
    for (what, change, wider, narrower) in [
        (
            "a later end",
            &(|r: &mut Revocation| r.affected[0].ranges[0].fixed = Some("2.1.0".into())) as &dyn Fn(&mut Revocation),
            vec![],
            vec![Became::Wider],
        ),
        ("no end", &|r| r.affected[0].ranges[0].fixed = None, vec![], vec![Became::Wider]),
        ("no ranges", &|r| r.affected[0].ranges.clear(), vec![], vec![Became::Wider]),
        ("an earlier end", &|r| r.affected[0].ranges[0].fixed = Some("2.0.0-rc.1".into()), vec![Became::Narrower], vec![]),
        (
            "both ends moved",
            &|r| r.affected[0].ranges[0] = VersionRange { introduced: "1.5.0".into(), fixed: None },
            vec![Became::Narrower],
            vec![Became::Wider],
        ),
        ("another tool", &|r| r.affected[0].subject = Subject::Tool(id("c")), vec![Became::Narrower], vec![Became::Wider]),
        ("a digest more", &|r| r.digests.push(sha256(1)), vec![], vec![Became::Wider]),
        ("milder", &|r| r.severity = Severity::Low, vec![Became::Milder], vec![]),
        ("harder", &|r| r.severity = Severity::Critical, vec![], vec![Became::Harder]),
        ("later", &|r| r.effective = at("2027-01-01T00:00:00Z"), vec![Became::Later], vec![]),
        ("earlier", &|r| r.effective = at("2026-01-01T00:00:00Z"), vec![], vec![Became::Earlier]),
    ] {
        let found = with(change);
        assert_eq!((how(&found.newly_allows), how(&found.no_longer)), (wider, narrower), "{what}");
    }
    let reworded = with(&|r| r.message = "other words".into());
    assert_eq!(how(&reworded.also), [Became::Reworded]);
    assert!(reworded.newly_allows.is_empty() && reworded.no_longer.is_empty());
    // An order that cannot be shown is an order that may be the other way round.
    let odd = revocation("R", "2.0.0-nightly.5", None);
    let other = revocation("R", "2.0.0-nightly.4", None);
    let found = between(&revoking(vec![odd]), &revoking(vec![other]));
    assert_eq!(how(&found.newly_allows), [Became::Narrower]);
}
