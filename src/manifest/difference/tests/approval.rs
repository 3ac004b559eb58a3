//! Approvals, the bytes that they pin, and by which marks a tool is recognised.

use super::*;

#[test]
fn an_approval_is_allowed_and_its_removal_is_not() {
    let (old, new) = (approving(&[("b", "1.0.0", 1)]), approving(&[("b", "1.0.0", 1), ("c", "2.0.0", 2)]));
    let forth = between(&old, &new);
    assert!(matches!(&forth.newly_allows[..], [Change::Approval { tool, other_bytes: false, .. }] if tool.as_str() == "c"));
    assert!(forth.no_longer.is_empty());
    assert_eq!(forth.unchanged.approvals, 1);
    let back = between(&new, &old);
    assert!(back.newly_allows.is_empty());
    assert!(matches!(&back.no_longer[..], [Change::Approval { .. }]));
}

#[test]
fn other_bytes_of_an_approved_version_are_new() {
    let found = between(&approving(&[("b", "1.0.0", 1)]), &approving(&[("b", "1.0.0", 2)]));
    assert!(matches!(&found.newly_allows[..], [Change::Approval { other_bytes: true, .. }]), "{found:?}");
    assert!(matches!(&found.no_longer[..], [Change::Approval { other_bytes: true, .. }]), "{found:?}");
}

/// Bytes that differ from an approval are refused; without the approval they are merely unlisted.
#[test]
fn an_approval_that_goes_can_let_other_bytes_pass() {
    let mut new = manifest();
    new.unlisted.insert(Kind::Cli, Unlisted::Warn);
    let mut old = approving(&[("b", "1.0.0", 1)]);
    old.unlisted = new.unlisted.clone();
    assert!(matches!(&between(&old, &new).newly_allows[..], [Change::Unpinned { .. }]));
}

/// A lock file with another integrity is refused by the one approval that pins a release, and passes by version under the other.
#[test]
fn a_release_that_is_pinned_no_more_is_shown() {
    let pinned = |text: &str| {
        let mut one = approval(text, 1);
        one.artifacts
            .push(Artifact::Release(crate::manifest::Release { digests: sha256(9), ..crate::manifest::Release::default() }));
        one
    };
    let with = |approvals: Vec<Approval>| {
        let tools = vec![ToolEntry { id: id("b"), recognise: None, require: Vec::new(), approvals: approvals.into() }];
        Manifest { tools, ..manifest() }
    };
    let unpinned = |old: Vec<Approval>, new: Vec<Approval>| {
        let found = between(&with(old), &with(new)).newly_allows;
        found.iter().any(|change| matches!(change, Change::Unpinned { is_listed: true, .. }))
    };
    assert!(unpinned(vec![pinned("1.0.0"), approval("1.0.0", 2)], vec![approval("1.0.0", 2)]));
    assert!(unpinned(vec![pinned("v1.0.0"), approval("1.0.0", 2)], vec![approval("1.0.0", 2)]));
    assert!(!unpinned(vec![pinned("1.0.0"), approval("2.0.0", 2)], vec![approval("2.0.0", 2)]), "the version is unlisted now");
    assert!(!unpinned(vec![approval("1.0.0", 1), pinned("1.0.0")], vec![pinned("1.0.0")]));
}

/// The name of a file says little: a description by it may take a tool away from the rules of its vendor.
#[test]
fn a_tool_that_is_described_by_names_of_files_is_shown() {
    let described = |packages: Vec<Package>, binaries: &[&str]| {
        let binaries = binaries.iter().map(|b| (*b).to_owned()).collect();
        let recognise = Some(Recognise { vendor: "Acme".into(), kind: Kind::Sdk, packages, binaries });
        let tools = vec![ToolEntry { id: id("b"), recognise, require: Vec::new(), approvals: Vec::new().into() }];
        Manifest { tools, ..manifest() }
    };
    let lists = |old: &Manifest, new: &Manifest| {
        let found = between(old, new);
        (found.newly_allows.len(), found.no_longer.len())
    };
    let package = || vec![Package::new(Ecosystem::Npm, "acme-sdk")];
    assert_eq!(lists(&manifest(), &described(Vec::new(), &["agent"])), (1, 0));
    assert_eq!(lists(&manifest(), &described(package(), &[])), (0, 1));
    assert_eq!(lists(&described(package(), &[]), &described(package(), &["agent"])), (1, 0));
    assert_eq!(lists(&described(package(), &[]), &manifest()), (1, 0));
}

#[test]
fn who_approved_and_the_order_of_artifacts_allow_nothing() {
    let mut old = approving(&[("b", "1.0.0", 1)]);
    old.tools[0].approvals[0]
        .artifacts
        .push(Artifact::Release(crate::manifest::Release { digests: sha256(9), ..crate::manifest::Release::default() }));
    let mut new = old.clone();
    new.tools[0].approvals[0].artifacts.reverse();
    new.tools[0].approvals[0].line = 77;
    assert!(between(&old, &new).is_empty());
    new.tools[0].approvals[0].approved =
        Some(crate::manifest::Approved { by: vec!["mallory".into()], at: at("2026-11-20T00:00:00Z"), ticket: None });
    let found = between(&old, &new);
    assert!(found.newly_allows.is_empty() && matches!(&found.also[..], [Change::Approval { .. }]));
}
