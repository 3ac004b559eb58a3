//! Commits of a range and their messages, told as git tells them; objects that a push brought and git still keeps apart.

use crate::support::Machine;
use std::path::Path;
use vetted::catalogue::Catalogue;
use vetted::gather::repository::trailer::{Message, Signs};
use vetted::tool::Os;
use vetted::world::env::Env;
use vetted::world::git::{GitError, Repository};

const ZERO: &str = "0000000000000000000000000000000000000000";

fn open(folder: &Path) -> Repository {
    let none: [(&str, &str); 0] = [];
    Repository::discover(&Env::of_pairs(none, folder, Os::Linux), folder).expect("it opens").expect("a repository")
}

fn commit(machine: &Machine, message: &str) {
    machine.git(&["commit", "-q", "--allow-empty", "-m", message]);
}

/// The commits of a range, sorted: git and this program may order those of one second in different ways.
fn ours(folder: &Path, base: &str, head: &str) -> Vec<String> {
    let commits = open(folder).commits_between(base, head).expect("a range");
    assert!(!commits.is_cut);
    let mut ids: Vec<String> = commits.commits.into_iter().map(|commit| commit.id).collect();
    ids.sort();
    ids
}

fn theirs(machine: &Machine, arguments: &[&str]) -> Vec<String> {
    let listed = machine.git(&[&["rev-list"][..], arguments].concat());
    let mut ids: Vec<String> = listed.lines().map(str::to_owned).collect();
    ids.sort();
    ids
}

fn branching() -> Machine {
    let machine = Machine::with_repository();
    commit(&machine, "one");
    machine.git(&["tag", "base"]);
    machine.git(&["checkout", "-q", "-b", "side"]);
    commit(&machine, "two\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
    commit(&machine, "three");
    machine.git(&["checkout", "-q", "-"]);
    commit(&machine, "four");
    machine.git(&["merge", "-q", "--no-ff", "-m", "five", "side"]);
    machine.git(&["tag", "-a", "-m", "told", "annotated"]);
    machine
}

#[test]
fn the_commits_of_a_range_are_those_that_git_lists() {
    let machine = branching();
    for (base, head) in [("base", "HEAD"), ("side", "HEAD"), ("HEAD", "side"), ("HEAD~1", "annotated"), ("HEAD", "HEAD")] {
        let range = format!("{base}..{head}");
        assert_eq!(ours(&machine.work(), base, head), theirs(&machine, &[&range]), "{range}");
    }
    // A push of a new branch: what other references have is not new.
    machine.git(&["checkout", "-q", "-b", "pushed"]);
    commit(&machine, "six");
    let head = machine.git(&["rev-parse", "HEAD"]);
    machine.git(&["checkout", "-q", "-"]);
    machine.git(&["update-ref", "-d", "refs/heads/pushed"]);
    let all = theirs(&machine, &[head.trim()]);
    assert_eq!(ours(&machine.work(), ZERO, head.trim()), all, "a branch that was never pushed is no other side's");
    machine.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    assert_eq!(ours(&machine.work(), ZERO, head.trim()), [head.trim()]);
    machine.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    machine.git(&["config", "core.bare", "true"]);
    assert_eq!(ours(&machine.work().join(".git"), ZERO, head.trim()), [head.trim()]);
    machine.git(&["config", "core.bare", "false"]);
    assert_eq!(ours(&machine.work(), head.trim(), ZERO), Vec::<String>::new());
    let error = open(&machine.work()).commits_between("nowhere", "HEAD").unwrap_err();
    assert!(matches!(error, GitError::Revision { .. }), "{error}");
}

#[test]
fn a_shallow_clone_ends_where_it_ends() {
    let machine = branching();
    let origin = format!("file://{}", machine.work().display());
    machine.git(&["clone", "-q", "--depth", "2", &origin, "../shallow"]);
    let folder = machine.work().join("../shallow");
    let listed = machine.git(&["-C", "../shallow", "rev-list", "HEAD"]);
    let commits = open(&folder).commits_between(ZERO, "HEAD").unwrap().commits;
    // The references of the clone lead to its head alone, and the head itself counts as new.
    assert_eq!(commits.len(), listed.lines().count());
}

#[test]
fn a_message_and_its_author_are_read_as_they_stand() {
    let machine = branching();
    let commits = open(&machine.work()).commits_between("base", "side").unwrap().commits;
    let catalogue = Catalogue::built_in();
    let signs = Signs::of(&catalogue);
    let told: Vec<_> = commits
        .iter()
        .flat_map(|commit| {
            signs.traces(&Message {
                commit: Some(&commit.id),
                author: &commit.author,
                email: &commit.email,
                text: &commit.message,
            })
        })
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].tool.as_ref().unwrap().as_str(), "claude-code");
    assert_eq!(told[0].quote.as_ref().unwrap().text, "Co-Authored-By: Claude <noreply@anthropic.com>");
}

/// `pre-receive` runs before the new objects are part of the repository.
#[test]
fn what_a_push_brings_is_judged_before_it_is_taken() {
    let machine = Machine::with_repository();
    commit(&machine, "one");
    machine.git(&["init", "-q", "--bare", "../server.git"]);
    machine.git(&["remote", "add", "server", "../server.git"]);
    let program = env!("CARGO_BIN_EXE_vetted");
    let hook = format!(
        "#!/bin/sh\ntest -n \"$GIT_QUARANTINE_PATH\" || exit 9\nwhile read old new ref; do '{program}' check --no-machine --range \"$old..$new\" || exit; done\n"
    );
    machine.executable("server.git/hooks/pre-receive", hook);
    machine.git(&["push", "-q", "server", "HEAD:main"]);

    machine.file("work/package.json", "{\"dependencies\":{\"@anthropic-ai/claude-code\":\"2.1.150\"}}");
    machine.git(&["add", "."]);
    commit(&machine, "two");
    let refused = machine.program("git", &["push", "-q", "server", "HEAD:main"]);
    assert_ne!(refused.status, 0, "{}", refused.stderr);
    assert!(refused.stderr.contains("claude-code 2.1.150") && refused.stderr.contains("package.json:1"), "{}", refused.stderr);
    // Many objects come as a pack, few lie loose.
    machine.git(&["-C", "../server.git", "config", "receive.unpackLimit", "1"]);
    let refused = machine.program("git", &["push", "-q", "server", "HEAD:other"]);
    assert!(refused.stderr.contains("claude-code 2.1.150"), "{}", refused.stderr);

    machine.file("work/package.json", "{}");
    machine.git(&["add", "."]);
    commit(&machine, "three");
    machine.git(&["push", "-q", "server", "HEAD:main"]);
}
