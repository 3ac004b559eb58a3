//! When the bytes of an approval are there, and what lies inside of an approved tree.

use super::*;

#[test]
fn approved_needs_every_pinned_digest() {
    let file = Shape::File { path: "bin/claude".to_owned() };
    let policy = approve(
        manifest(Mode::Enforce),
        "claude-code",
        "2.1.329",
        vec![installed(tree_shape(), dir_hash(7).into()), installed(file.clone(), sha256(2))],
    );
    let bare = sighting("claude-code", Some("2.1.329"));
    let whole =
        measured(measured(bare.clone(), tree_shape(), dir_hash(7)), file.clone(), sha256(2).iter().next().unwrap().clone());
    assert_outcome(&judge(policy.clone(), vec![whole]), "approved", Outcome::Approved);

    let half = measured(bare.clone(), tree_shape(), dir_hash(7));
    assert_outcome(&judge(policy.clone(), vec![half]), "unverifiable", Outcome::Undecided);

    let mut changed = measured(bare, tree_shape(), dir_hash(8));
    changed.measurements[0].difference = Some(Difference { path: "cli.js".to_owned(), change: Change::Changed });
    let report = judge(policy, vec![changed]);
    assert_outcome(&report, "mismatched", Outcome::Blocked);
    assert!(report.verdicts[0].why.contains("first difference: cli.js"), "{}", report.verdicts[0].why);
    assert!(matches!(&report.findings[0].places[0], Place::Installed { path, .. } if path.ends_with("n/tool/cli.js")));
}

#[test]
fn two_approvals_of_one_version_are_alternatives() {
    let mut policy =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    policy = approve(policy, "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(9).into())]);
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(9));
    assert_outcome(&judge(policy, vec![seen]), "approved", Outcome::Approved);
}

#[test]
fn an_approval_for_another_platform_approves_nothing_here() {
    let policy = approve(
        manifest(Mode::Enforce),
        "claude-code",
        "2.1.329",
        vec![Artifact::Installed(Installed {
            package: None,
            platform: Some(Platform("macos/aarch64".to_owned())),
            shape: tree_shape(),
            digests: dir_hash(7).into(),
            files: None,
        })],
    );
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7));
    assert_outcome(&judge(policy, vec![seen]), "unvetted", Outcome::Blocked);
}

#[test]
fn a_copied_program_is_compared_with_the_files_of_its_approval() {
    let file = Shape::File { path: "bin/claude".to_owned() };
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(file, sha256(1))]);
    let mut copy = sighting("claude-code", Some("2.1.329"));
    copy.extent = Extent::File;
    assert_outcome(&judge(policy.clone(), vec![copy.clone()]), "approved", Outcome::Approved);
    copy.executables[0].digests = Ok(sha256(5));
    assert_outcome(&judge(policy.clone(), vec![copy.clone()]), "mismatched", Outcome::Blocked);
    copy.executables[0].digests = Err(Unmeasured::Changed);
    assert_outcome(&judge(policy, vec![copy]), "unverifiable", Outcome::Undecided);
}

/// What an approved tree covers byte for byte needs no approval of its own; a revocation is asked first all the same.
#[test]
fn what_lies_in_an_approved_tree_is_approved_with_it_unless_it_is_revoked() {
    let mut policy = approve(manifest(Mode::Enforce), "mcp-memory", "1.0.0", vec![installed(tree_shape(), dir_hash(7).into())]);
    let outer = measured(sighting("mcp-memory", Some("1.0.0")), tree_shape(), dir_hash(7));
    let mut inner = sighting("claude-code", Some("2.1.150"));
    inner.root = "/n/tool/node_modules/inner".into();
    inner.executables[0].path = "/n/tool/node_modules/inner/cli.js".into();
    let report = judge(policy.clone(), vec![outer.clone(), inner.clone()]);
    assert_eq!(report.outcome, Outcome::Approved, "{:?}", report.findings);

    // A program of it that lies elsewhere is not covered, nor is anything when the outer tree is not the approved one.
    let mut astray = inner.clone();
    astray.executables[0].path = "/n/elsewhere".into();
    assert_eq!(judge(policy.clone(), vec![outer.clone(), astray]).outcome, Outcome::Blocked);
    let mut beside = inner.clone();
    beside.root = "/n/tool-b".into();
    assert_eq!(judge(policy.clone(), vec![outer.clone(), beside]).outcome, Outcome::Blocked);
    let mut changed = outer.clone();
    changed.measurements[0].result = Ok(dir_hash(8));
    let report = judge(policy.clone(), vec![changed, inner.clone()]);
    assert_eq!(report.verdicts.iter().filter(|j| j.effect == Effect::Block).count(), 2);

    policy.revocations.push(claude("2.1.91", "2.1.198"));
    let report = judge(policy, vec![outer, inner]);
    assert_eq!((report.outcome, report.verdicts[0].verdict.name()), (Outcome::Blocked, "revoked"));
}
