//! Who may sign.

use super::*;

fn trust() -> TrustPolicy {
    let signer = |id: &str, byte: u8| {
        let key = SignerKey { spki: vec![byte], not_after: None };
        (id.to_owned(), Signer { id: id.to_owned(), keys: vec![key], identities: Vec::new() })
    };
    let role =
        |threshold, signers: &[&str]| RoleHolders { threshold, signers: signers.iter().map(|s| (*s).to_owned()).collect() };
    TrustPolicy {
        name: "acme".to_owned(),
        version: 1,
        expires: at("2027-11-20T00:00:00Z"),
        signers: BTreeMap::from([signer("alice", 1), signer("bob", 2)]),
        roles: BTreeMap::from([
            (Role::Root, role(2, &["alice", "bob"])),
            (Role::Manifest, role(2, &["alice", "bob"])),
            (Role::Revocations, role(1, &["bob"])),
        ]),
        waiver_limit: WAIVER_LIMIT,
        instances: BTreeMap::new(),
    }
}

#[test]
fn whoever_may_sign_more_is_wider() {
    let with = |change: &dyn Fn(&mut TrustPolicy)| {
        let mut new = trust();
        change(&mut new);
        let old = trust();
        let documents = |trust| Documents { trust: Some(trust), ..Documents::default() };
        let found = Difference::between(Some(&documents(&old)), &documents(&new));
        (found.newly_allows.len(), found.no_longer.len())
    };
    let soon = at("2026-12-01T00:00:00Z");
    assert_eq!(with(&|t| t.version = 2), (0, 0));
    assert_eq!(with(&|t| t.roles.get_mut(&Role::Manifest).unwrap().threshold = 1), (1, 0));
    assert_eq!(with(&|t| t.roles.get_mut(&Role::Revocations).unwrap().signers.push("alice".into())), (1, 0));
    assert_eq!(with(&|t| drop(t.roles.remove(&Role::Revocations))), (1, 1));
    assert_eq!(with(&|t| t.signers.get_mut("bob").unwrap().keys[0].spki = vec![3]), (1, 1));
    assert_eq!(with(&|t| t.signers.get_mut("bob").unwrap().keys[0].not_after = Some(soon)), (0, 1));
    assert_eq!(with(&|t| t.waiver_limit = SignedDuration::from_hours(1)), (0, 1));
    assert_eq!(with(&|t| t.name = "other".into()), (1, 0));
}
