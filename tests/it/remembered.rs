//! What a check remembers of the machine between two runs: the same answer in less time, and another one as soon as anything that it
//! was made from has changed.

use crate::support::Machine;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

const CLAUDE: &str = "home/.npm-global/lib/node_modules/@anthropic-ai/claude-code";

/// Longer than what counts as having just changed, so that what is there now is remembered by the next run.
fn settle() {
    std::thread::sleep(Duration::from_millis(2_200));
}

fn claude(machine: &Machine, version: &str) {
    machine.npm_package(CLAUDE, "@anthropic-ai/claude-code", version, "claude");
}

/// The answers that are kept, with what tells whether one was written anew.
fn kept(machine: &Machine) -> Vec<(PathBuf, u64)> {
    let Ok(entries) = fs::read_dir(machine.home().join(".cache/vetted/answers")) else { return Vec::new() };
    let mut kept: Vec<_> = entries.map(|entry| entry.unwrap()).map(|e| (e.path(), e.metadata().unwrap().ino())).collect();
    kept.sort();
    kept
}

/// A machine on which the version that is there is not revoked, and whose answer is kept.
fn settled() -> Machine {
    let machine = Machine::with_work_repository();
    claude(&machine, "2.1.329");
    machine.npm_package("home/.npm-global/lib/node_modules/@openai/codex", "@openai/codex", "0.169.0", "codex");
    machine.executable("home/bin/notes", "#!/bin/sh\necho notes\n");
    std::os::unix::fs::symlink(
        "../.npm-global/lib/node_modules/@anthropic-ai/claude-code/cli.js",
        machine.home().join("bin/claude"),
    )
    .unwrap();
    settle();
    machine.vetted(&["check"]).exits(0);
    assert_eq!(kept(&machine).len(), 1);
    machine
}

#[test]
fn what_is_remembered_is_what_was_found() {
    let machine = Machine::with_work_repository();
    claude(&machine, "2.1.329");
    machine.npm_package("home/.npm-global/lib/node_modules/@openai/codex", "@openai/codex", "0.169.0", "codex");
    let just_made = machine.vetted(&["check", "--format", "json"]).exits(0);
    assert_eq!(kept(&machine), [], "what has just changed is looked at again");
    settle();
    let looked = machine.vetted(&["check", "--format", "json"]).exits(0);
    let answers = kept(&machine);
    assert_eq!(answers.len(), 1);
    let remembered = machine.vetted(&["check", "--format", "json"]).exits(0);
    assert_eq!(kept(&machine), answers, "nothing has changed, and nothing is written");
    assert_eq!(just_made.stdout, looked.stdout);
    assert_eq!(looked.stdout, remembered.stdout);
    assert!(looked.stdout.contains("claude-code"), "{looked}");
    for content in [&b""[..], b"damaged"] {
        fs::write(&answers[0].0, content).unwrap();
        assert_eq!(machine.vetted(&["check", "--format", "json"]).exits(0).stdout, looked.stdout);
    }
}

#[test]
fn another_version_in_the_same_file_is_seen() {
    let machine = settled();
    let manifest = machine.home().join("../").join(CLAUDE).join("package.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let before = fs::metadata(&manifest).unwrap();
    // In place, of the same size, the mtime set back: only `ctime` tells (threat T-13).
    let file = fs::OpenOptions::new().write(true).open(&manifest).unwrap();
    std::io::Write::write_all(&mut &file, text.replace("2.1.329", "2.1.150").as_bytes()).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let after = fs::metadata(&manifest).unwrap();
    assert_eq!((before.ino(), before.size(), before.mtime_nsec()), (after.ino(), after.size(), after.mtime_nsec()));
    machine.vetted(&["check"]).exits(1);
    fs::write(&manifest, text).unwrap();
    machine.vetted(&["check"]).exits(0);
}

#[test]
fn a_tool_that_comes_is_seen_wherever_it_comes() {
    let machine = settled();
    let alias = machine.npm_package("home/.npm-global/lib/node_modules/notes", "@anthropic-ai/claude-code", "2.1.150", "notes");
    machine.vetted(&["check"]).exits(1);
    fs::remove_dir_all(alias.ancestors().find(|folder| folder.ends_with("notes")).unwrap()).unwrap();
    machine.vetted(&["check"]).exits(0);

    settle();
    machine.vetted(&["check"]).exits(0);
    let mut other = Machine::with_work_repository();
    claude(&other, "2.1.150");
    let folder = other.home().join("../").join(CLAUDE).canonicalize().unwrap();
    let link = machine.home().join("bin/claude");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(folder.join("cli.js"), &link).unwrap();
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("2.1.150"), "{run}");
    // The other machine has nothing to do with this one's answers.
    other.env("CI", "true").vetted(&["check"]).exits(1);
    assert_eq!(kept(&other), []);
}

#[test]
fn a_script_that_becomes_a_launcher_is_seen() {
    let machine = settled();
    let hidden = "hidden/node_modules/@anthropic-ai/claude-code";
    machine.npm_package(&format!("home/{hidden}"), "@anthropic-ai/claude-code", "2.1.150", "x");
    machine.vetted(&["check"]).exits(0);
    // As pnpm writes it.
    let text = format!("#!/bin/sh\nbasedir=$(dirname \"$0\")\nexec node \"$basedir/../{hidden}/cli.js\" \"$@\"\n");
    fs::write(machine.home().join("bin/notes"), text).unwrap();
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("2.1.150"), "{run}");
}

#[test]
fn a_hook_and_a_shell_have_an_answer_each() {
    let mut machine = settled();
    let answers = kept(&machine);
    let path = format!("/usr/lib/git-core:{}:/usr/bin:/bin", machine.bin().display());
    machine.env("PATH", path);
    machine.vetted(&["check"]).exits(0);
    let both = kept(&machine);
    assert_eq!(both.len(), 2);
    assert!(both.contains(&answers[0]));
    // A variable that was asked for is part of the answer.
    let elsewhere = machine.home().join("other");
    machine.npm_package(
        "home/other/lib/node_modules/@anthropic-ai/claude-code",
        "@anthropic-ai/claude-code",
        "2.1.150",
        "claude",
    );
    machine.env("NPM_CONFIG_PREFIX", elsewhere.to_str().unwrap());
    machine.vetted(&["check"]).exits(1);
}

#[test]
fn what_could_not_be_looked_at_is_tried_again() {
    if rustix::process::geteuid().is_root() {
        return; // Nothing is closed to root.
    }
    use std::os::unix::fs::PermissionsExt as _;
    let machine = settled();
    let folder = machine.home().join(".npm-global/lib/node_modules");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0)).unwrap();
    let answers = kept(&machine);
    let run = machine.vetted(&["check", "--format", "json"]);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(run.stdout.contains("not-looked"), "{run}");
    assert_eq!(kept(&machine), answers);
}
