//! What is said of approved versions with other bytes, and what makes them right.

use super::*;

/// A file that is pinned alone is named where it lies, also where the program that is looked at first is another one.
#[test]
fn a_mismatch_names_the_file_and_says_what_was_expected() {
    let file = Shape::File { path: "lib/main.js".to_owned() };
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(file.clone(), sha256(2))]);
    let seen = measured(sighting("claude-code", Some("2.1.329")), file, sha256(3).iter().next().unwrap().clone());
    let report = judge(policy, vec![seen]);
    assert_outcome(&report, "mismatched", Outcome::Blocked);
    assert!(matches!(&report.findings[0].places[0], Place::Installed { path, .. } if path.ends_with("n/tool/lib/main.js")));
    let why = &report.verdicts[0].why;
    assert!(why.starts_with("file lib/main.js: sha256 ") && why.contains(" is not the approved "), "{why}");
}

/// pip and uv leave alone what has the version that is asked for, and know nothing of a file that they did not install.
#[test]
fn the_remedy_of_a_mismatch_makes_the_installation_what_was_approved() {
    let policy = approve(manifest(Mode::Enforce), "llm", "0.36", vec![installed(tree_shape(), dir_hash(7).into())]);
    let command = |channel, root: &str, change| {
        let mut seen = measured(sighting("llm", Some("0.36")), tree_shape(), dir_hash(8));
        (seen.channel, seen.root) = (channel, root.into());
        seen.measurements[0].difference = Some(Difference { path: "llm/x.py".to_owned(), change });
        let report = judge(policy.clone(), vec![seen]);
        report.findings[0].help[0].command.clone().unwrap()
    };
    let venv = "/v/lib/python3.13/site-packages";
    for (channel, expected) in [
        (Channel::Venv, "/v/bin/python -m pip install --force-reinstall --no-deps llm==0.36"),
        (Channel::Pip, "python3 -m pip install --force-reinstall --no-deps llm==0.36"),
        (Channel::UvTool, "uv tool install --reinstall llm==0.36"),
        (Channel::Pipx, "pipx install --force llm==0.36"),
    ] {
        assert_eq!(command(channel, venv, Change::Changed), expected);
        assert_eq!(command(channel, venv, Change::Extra), "rm /v/lib/python3.13/site-packages/llm/x.py");
    }
}

/// A list of the policy folder that is another one says nothing against what is installed.
#[test]
fn a_broken_file_list_is_put_back_and_nothing_is_removed() {
    let policy = approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    let mut seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(7));
    seen.measurements[0].result = Err(Unmeasured::FileList("its digest is another".to_owned()));
    let report = judge(policy, vec![seen]);
    assert_outcome(&report, "unverifiable", Outcome::Undecided);
    let help = &report.findings[0].help;
    assert!(help.iter().all(|help| help.command.is_none()), "{help:?}");
    assert!(help[0].note.as_deref().unwrap().contains("put the file back"), "{help:?}");
}

#[test]
fn a_waiver_never_lifts_a_mismatch() {
    let mut policy =
        approve(manifest(Mode::Enforce), "claude-code", "2.1.329", vec![installed(tree_shape(), dir_hash(7).into())]);
    policy.waivers.push(waiver(Lifts::Unvetted, "2.1.329"));
    let seen = measured(sighting("claude-code", Some("2.1.329")), tree_shape(), dir_hash(8));
    assert_outcome(&judge(policy, vec![seen]), "mismatched", Outcome::Blocked);
}
