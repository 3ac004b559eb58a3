//! The hooks beside the one before a commit: on a message, before a push, and on the side that is pushed to, each run by git.

use crate::support::{Machine, Run};
use std::fs;
use std::path::{Path, PathBuf};

const ZEROS: &str = "0000000000000000000000000000000000000000";
const SIGNED: &str = "one\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n";

fn vetted(machine: &Machine, arguments: &[&str]) -> Run {
    machine.program(machine.bin().join("vetted").to_str().expect("a path"), arguments)
}

/// The user's own layer: this tool in every version.
fn revoke(machine: &Machine, tool: &str) {
    machine.file(
        "home/.config/vetted/vetted-user.toml",
        format!(
            "kind = \"vetted/manifest\"\nschema = 1\nname = \"alice.example/own\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\n\
             expires = 2027-11-20T00:00:00Z\nmode = \"enforce\"\n[[revocation]]\nid = \"OWN-1\"\naffected = [{{ tool = \"{tool}\" }}]\n\
             reason = \"policy\"\nseverity = \"high\"\neffective = 2026-11-20T00:00:00Z\nmessage = \"Not here.\"\n"
        ),
    );
}

fn commit(machine: &Machine, arguments: &[&str]) -> Run {
    machine.program("git", &[&["commit", "-q", "--allow-empty"], arguments].concat())
}

/// Commit a lock file that brings this version of Claude Code.
fn lock(machine: &Machine, version: &str) -> String {
    machine.file(
        "work/package-lock.json",
        format!(
            "{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{}},\n\"node_modules/@anthropic-ai/claude-code\": {{\"version\": \"{version}\"}}}}}}\n"
        ),
    );
    machine.git(&["add", "."]);
    commit(machine, &["-m", version]).exits(0);
    id(machine, "HEAD")
}

fn id(machine: &Machine, name: &str) -> String {
    machine.git(&["rev-parse", name]).trim().to_owned()
}

fn push(machine: &Machine, arguments: &[&str]) -> Run {
    machine.program("git", &[&["push", "-q"], arguments].concat())
}

fn refused(run: &Run) {
    assert_ne!(run.status, 0, "{run}");
    assert!(run.to_string().contains("2.1.150") && run.to_string().contains("package-lock.json"), "the tool is named: {run}");
}

/// What a bare repository beside the work folder has of a branch.
fn at_server(machine: &Machine, branch: &str) -> Option<String> {
    let run = machine.program("git", &["-C", "../server.git", "rev-parse", "-q", "--verify", branch]);
    (run.status == 0).then(|| run.stdout.trim().to_owned())
}

/// A repository with a bare one as its `origin`, and one commit that is on both sides.
fn with_server() -> Machine {
    let machine = Machine::with_repository();
    machine.git(&["init", "-q", "--bare", "-b", "main", "../server.git"]);
    machine.git(&["remote", "add", "origin", "../server.git"]);
    commit(&machine, &["-m", "first"]).exits(0);
    push(&machine, &["origin", "main"]).exits(0);
    machine
}

#[test]
fn a_message_signed_by_a_revoked_tool_stops_the_commit() {
    let machine = Machine::with_repository();
    vetted(&machine, &["hook", "install", "--kind", "commit-msg"]).exits(0);
    assert!(!machine.work().join(".git/hooks/pre-commit").exists(), "the one that was named and no other");
    commit(&machine, &["-m", SIGNED]).exits(0);
    revoke(&machine, "claude-code");
    let run = commit(&machine, &["-m", SIGNED]);
    assert_ne!(run.status, 0, "{run}");
    assert!(run.to_string().contains("OWN-1") && run.to_string().contains("Co-Authored-By: Claude"), "{run}");
    assert_eq!(machine.git(&["rev-list", "--count", "HEAD"]).trim(), "1");
    // The message that another hook leaves is the one that counts; what git takes out of it does not.
    commit(&machine, &["-m", "one\n\nCo-Authored-By: Alice <alice@acme.example>\n"]).exits(0);
    machine.file("work/message", "one\n\n# Co-Authored-By: Claude <noreply@anthropic.com>\n");
    commit(&machine, &["-F", "message", "--cleanup=strip"]).exits(0);
    machine.executable("work/.git/hooks/commit-msg.chained", format!("#!/bin/sh\nprintf '{SIGNED}' >\"$1\"\n"));
    assert_ne!(commit(&machine, &["-m", "two"]).status, 0);
    // In a linked worktree the file lies elsewhere.
    fs::remove_file(machine.work().join(".git/hooks/commit-msg.chained")).unwrap();
    machine.git(&["worktree", "add", "-q", "-b", "linked", "../linked tree"]);
    for (message, passes) in [(SIGNED, false), ("three", true)] {
        let mut command = machine.command("git");
        command.args(["commit", "-q", "--allow-empty", "-m", message]).current_dir(machine.work().join("../linked tree"));
        assert_eq!(machine.run(command).status == 0, passes, "{message}");
    }
}

#[test]
fn a_push_of_a_revoked_tool_stops_where_it_starts() {
    let machine = with_server();
    vetted(&machine, &["hook", "install", "--kind", "pre-push"]).exits(0);
    let first = id(&machine, "HEAD");
    let bad = lock(&machine, "2.1.150");
    refused(&push(&machine, &["origin", "main"]));
    assert_eq!(at_server(&machine, "main").as_deref(), Some(&*first));
    // Nothing of a push is pushed where one reference is refused, whichever it is and however it is named.
    machine.git(&["branch", "good", &first]);
    refused(&push(&machine, &["origin", "good", "main:new"]));
    refused(&push(&machine, &["origin", "HEAD~0:refs/heads/new"]));
    refused(&push(&machine, &["origin", &format!("{bad}:refs/tags/v1")]));
    machine.git(&["tag", "-am", "x", "v2"]);
    refused(&push(&machine, &["origin", "v2"]));
    refused(&push(&machine, &["../server.git", "main"]));
    assert_eq!(machine.git(&["-C", "../server.git", "for-each-ref", "--format=%(refname)"]).trim(), "refs/heads/main");
    // What the end of the branch has counts.
    let good = lock(&machine, "2.1.329");
    push(&machine, &["origin", "main"]).exits(0);
    assert_eq!(at_server(&machine, "main"), Some(good));
    // A branch that begins at what the other side has is judged from there, over what is bad on the way to it too.
    commit(&machine, &["-m", "more"]).exits(0);
    push(&machine, &["origin", "HEAD:topic"]).exits(0);
    // Taken back by force, to what was bad; deleted; pushed again without news.
    refused(&push(&machine, &["--force", "origin", &format!("{bad}:main")]));
    push(&machine, &["origin", "main"]).exits(0);
    push(&machine, &["origin", "main"]).exits(0);
    push(&machine, &["origin", "--delete", "topic"]).exits(0);
    assert_eq!(at_server(&machine, "topic"), None);
}

/// What is judged of a new branch begins where it leaves what was pushed: what lies before is not this push's.
#[test]
fn a_new_branch_answers_for_its_own_commits() {
    let machine = with_server();
    lock(&machine, "2.1.150");
    push(&machine, &["origin", "main"]).exits(0);
    vetted(&machine, &["hook", "install", "--kind", "pre-push"]).exits(0);
    machine.file("work/readme", "more\n");
    machine.git(&["add", "."]);
    commit(&machine, &["-m", "more"]).exits(0);
    push(&machine, &["origin", "HEAD:topic"]).exits(0);
    // To a repository that has nothing, everything is new.
    machine.git(&["init", "-q", "--bare", "../empty.git"]);
    machine.git(&["remote", "remove", "origin"]);
    refused(&push(&machine, &["../empty.git", "HEAD:main"]));
    // A commit's message counts as what it brings.
    let machine = with_server();
    machine.git(&["init", "-q", "--bare", "../empty.git"]);
    vetted(&machine, &["hook", "install", "--kind", "pre-push"]).exits(0);
    commit(&machine, &["-m", SIGNED]).exits(0);
    commit(&machine, &["-m", "after"]).exits(0);
    revoke(&machine, "claude-code");
    let run = push(&machine, &["origin", "HEAD:topic"]);
    assert!(run.status != 0 && run.to_string().contains("OWN-1"), "{run}");
    // Branches of one's own are no sign that the other side has it.
    machine.git(&["remote", "remove", "origin"]);
    machine.git(&["branch", "own", "HEAD~1"]);
    let run = push(&machine, &["../empty.git", "HEAD:main"]);
    assert!(run.status != 0 && run.to_string().contains("OWN-1"), "{run}");
}

/// The commit that the other side has may be unknown here: somebody else pushed in between.
#[test]
fn over_what_was_never_fetched_a_push_is_judged_against_what_is_known() {
    let machine = with_server();
    machine.git(&["clone", "-q", "../server.git", "../other"]);
    machine.git(&["-C", "../other", "commit", "-q", "--allow-empty", "-m", "theirs"]);
    machine.git(&["-C", "../other", "push", "-q", "origin", "main"]);
    vetted(&machine, &["hook", "install", "--kind", "pre-push"]).exits(0);
    lock(&machine, "2.1.150");
    refused(&push(&machine, &["--force", "origin", "main"]));
    lock(&machine, "2.1.329");
    push(&machine, &["--force", "origin", "main"]).exits(0);
}

#[test]
fn a_server_refuses_a_push_and_says_why() {
    let machine = with_server();
    vetted(&machine, &["hook", "install", "--kind", "pre-receive", "--repository", "../server.git"]).exits(0);
    let status = vetted(&machine, &["hook", "status", "--repository", "../server.git"]).exits(0);
    assert!(status.stdout.contains("server.git/hooks/pre-receive\n") && status.stdout.contains("in force"), "{status}");
    let first = id(&machine, "HEAD");
    let bad = lock(&machine, "2.1.150");
    // `--no-verify` skips the hooks on this side.
    for arguments in [&["--no-verify", "origin", "main"][..], &["origin", "main:new"], &["origin", "main:refs/tags/v1"]] {
        let run = push(&machine, arguments);
        refused(&run);
        assert!(run.stderr.contains("remote: ") && run.stderr.contains("pre-receive hook declined"), "{run}");
    }
    machine.git(&["branch", "good", &first]);
    refused(&push(&machine, &["origin", "good", "main:new"]));
    assert_eq!(machine.git(&["-C", "../server.git", "for-each-ref", "--format=%(refname)"]).trim(), "refs/heads/main");
    assert_ne!(machine.program("git", &["-C", "../server.git", "cat-file", "-e", &bad]).status, 0, "nothing of it is kept");
    // As a pack, and over a protocol that has a reader of its own.
    machine.git(&["-C", "../server.git", "config", "receive.unpackLimit", "1"]);
    let address = format!("file://{}", fs::canonicalize(machine.work().join("../server.git")).unwrap().display());
    refused(&push(&machine, &[&address, "main"]));
    let good = lock(&machine, "2.1.329");
    push(&machine, &["origin", "main", "good"]).exits(0);
    assert_eq!(at_server(&machine, "main"), Some(good));
    push(&machine, &["origin", "--delete", "good"]).exits(0);
    // What is there is left as it was by taking the hook out.
    vetted(&machine, &["hook", "uninstall", "--repository", "../server.git"]).exits(0);
    push(&machine, &["origin", &format!("{bad}:refs/heads/old")]).exits(0);
}

/// A server has a policy of its own, and perhaps no home.
#[test]
fn a_server_judges_under_its_own_policy_and_fails_closed() {
    let machine = with_server();
    vetted(&machine, &["hook", "install", "--kind", "pre-receive", "--repository", "../server.git"]).exits(0);
    commit(&machine, &["-m", SIGNED]).exits(0);
    push(&machine, &["origin", "main:before"]).exits(0);
    revoke(&machine, "claude-code");
    commit(&machine, &["-m", "later"]).exits(0);
    // What the server has is not judged again.
    push(&machine, &["origin", "main:before"]).exits(0);
    commit(&machine, &["-m", SIGNED]).exits(0);
    let run = push(&machine, &["origin", "main"]);
    assert!(run.status != 0 && run.stderr.contains("OWN-1"), "{run}");
    let without_home = ["-u", "HOME", "git", "push", "-q", "origin", "main:x"];
    machine.program("env", &without_home).exits(0);
    fs::remove_file(machine.bin().join("vetted")).unwrap();
    let run = push(&machine, &["origin", "main:y"]);
    assert!(
        run.status != 0 && run.stderr.contains("the program is missing, so this push cannot be checked and is refused"),
        "{run}"
    );
}

/// In place of the program: something that writes down how it was called and what it was told, and ends with this status.
fn stand_in(machine: &Machine, status: i32) -> PathBuf {
    let log = machine.home().join("log");
    let _ = fs::remove_file(machine.bin().join("vetted"));
    let script = format!("#!/bin/sh\n{{ echo \"vetted $*\"; cat; }} >> '{}'\nexit {status}\n", log.display());
    machine.executable("bin/vetted", script);
    log
}

#[test]
fn the_hook_that_was_there_is_told_the_same() {
    let machine = with_server();
    for (kind, folder) in [("pre-push", "work/.git"), ("pre-receive", "server.git")] {
        let theirs = format!(
            "#!/bin/sh\n{{ echo \"theirs $#\"; cat; }} >> '{}'\nexit $(cat '{}')\n",
            machine.home().join("log").display(),
            machine.home().join("answer").display()
        );
        machine.executable(&format!("{folder}/hooks/{kind}"), theirs);
    }
    machine.file("home/answer", "0");
    vetted(&machine, &["hook", "install", "--kind", "pre-push"]).exits(0);
    vetted(&machine, &["hook", "install", "--kind", "pre-receive", "--repository", "../server.git"]).exits(0);
    let log = stand_in(&machine, 0);
    let old = id(&machine, "HEAD");
    commit(&machine, &["-m", "x"]).exits(0);
    let new = id(&machine, "HEAD");
    push(&machine, &["origin", "main", "HEAD:other"]).exits(0);
    let lines = format!("refs/heads/main {new} refs/heads/main {old}\nHEAD {new} refs/heads/other {ZEROS}\n");
    let received = format!("{old} {new} refs/heads/main\n{ZEROS} {new} refs/heads/other\n");
    assert_eq!(
        fs::read_to_string(&log).unwrap(),
        format!("theirs 2\n{lines}vetted check --pushed\n{lines}theirs 0\n{received}vetted check --pushed\n{received}")
    );
    // The failure of either is the hook's.
    for (theirs, ours) in [("7", 0), ("0", 1), ("0", 3)] {
        machine.file("home/answer", theirs);
        stand_in(&machine, ours);
        commit(&machine, &["-m", "y"]).exits(0);
        assert_ne!(push(&machine, &["origin", "main"]).status, 0, "{theirs} {ours}");
        assert_ne!(push(&machine, &["--no-verify", "origin", "main"]).status, 0, "{theirs} {ours}");
    }
}

/// `vetted check --pushed` with this on its standard input.
fn pushed(machine: &Machine, list: &str) -> Run {
    let list = fs::File::open(machine.file("home/list", list)).unwrap();
    let mut command = machine.command(machine.bin().join("vetted"));
    command.args(["check", "--pushed"]).stdin(list);
    machine.run(command)
}

#[test]
fn what_a_framework_says_in_the_environment_counts_where_git_says_nothing() {
    let mut machine = with_server();
    let first = id(&machine, "HEAD");
    let bad = lock(&machine, "2.1.150");
    let good = lock(&machine, "2.1.329");
    // Without a word it is HEAD, from where it leaves what is known.
    pushed(&machine, "").exits(0);
    machine.git(&["checkout", "-q", &bad]);
    refused(&pushed(&machine, "").exits(1));
    machine.git(&["checkout", "-q", "main"]);
    machine.env("PRE_COMMIT_FROM_REF", &first).env("PRE_COMMIT_TO_REF", &bad);
    refused(&pushed(&machine, "").exits(1));
    // Git's own lines are more than what a framework says of them.
    pushed(&machine, &format!("refs/heads/main {good} refs/heads/main {first}\n")).exits(0);
    machine.env("PRE_COMMIT_TO_REF", &good);
    pushed(&machine, "").exits(0);
    // A branch that is new altogether has no beginning, and its name alone is said.
    machine.git(&["branch", "bad", &bad]);
    machine.env("PRE_COMMIT_FROM_REF", "").env("PRE_COMMIT_TO_REF", "").env("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/bad");
    refused(&pushed(&machine, "").exits(1));
    machine.env("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/none");
    pushed(&machine, "").exits(3);
}

#[test]
fn what_git_would_never_say_is_no_pass() {
    let machine = with_server();
    let (first, unknown) = (id(&machine, "HEAD"), "1".repeat(40));
    for list in [
        "\n".to_owned(),
        "hello\n".to_owned(),
        format!("{first}\n"),
        format!("{ZEROS} {unknown} refs/heads/x\n"),
        format!("{unknown} {first} refs/heads/x\n"),
        format!("{ZEROS} {first} refs/heads/x\nhello\n"),
        format!("\u{1b}]0;x\u{7} {first}\n"),
    ] {
        let run = pushed(&machine, &list).exits(3);
        assert!(!run.to_string().contains('\u{1b}'), "{run}");
    }
    pushed(&machine, &format!("{ZEROS} {first} refs/heads/x\n")).exits(0);
    pushed(&machine, &format!("(delete) {ZEROS} refs/heads/x {first}\n")).exits(0);
    let run = pushed(&machine, &format!("{ZEROS} {first} refs/heads/x\n").repeat(60_000)).exits(3);
    assert!(run.stderr.contains("push fewer references at once"), "{run}");
    vetted(&machine, &["check", "--pushed", "--staged"]).exits(2);
    vetted(&machine, &["check", "--pushed", "--format", "json"]).exits(2);
}

fn is_installed(machine: &Machine, kind: &str) -> bool {
    machine.work().join(".git/hooks").join(kind).exists()
}

#[test]
fn several_are_installed_and_taken_out_together_or_not_at_all() {
    let machine = Machine::with_repository();
    let all = ["--kind", "pre-commit", "--kind", "commit-msg", "--kind", "pre-push", "--kind", "pre-push"];
    machine.executable("work/.git/hooks/pre-push", "theirs");
    machine.executable("work/.git/hooks/pre-push.chained", "also theirs");
    vetted(&machine, &[&["hook", "install"], &all[..]].concat()).exits(2);
    assert!(!is_installed(&machine, "pre-commit") && !is_installed(&machine, "commit-msg"));
    fs::remove_file(machine.work().join(".git/hooks/pre-push.chained")).unwrap();
    vetted(&machine, &[&["hook", "install"], &all[..]].concat()).exits(0);
    let status = vetted(&machine, &["hook", "status"]).exits(0);
    assert_eq!(status.stdout.matches("in force").count(), 3, "{status}");
    assert_eq!(status.stdout.matches("core.hooksPath").count(), 1, "{status}");
    vetted(&machine, &["hook", "status", "--kind", "pre-receive"]).exits(1);
    let hook = machine.work().join(".git/hooks/commit-msg");
    let whole = fs::read_to_string(&hook).unwrap();
    fs::write(&hook, whole.replace("check --message", "scan --message")).unwrap();
    vetted(&machine, &["hook", "status"]).exits(1);
    vetted(&machine, &["hook", "uninstall"]).exits(2);
    assert!(is_installed(&machine, "pre-commit"));
    fs::write(&hook, whole).unwrap();
    vetted(&machine, &["hook", "uninstall", "--kind", "commit-msg"]).exits(0);
    assert!(is_installed(&machine, "pre-commit") && !is_installed(&machine, "commit-msg"));
    vetted(&machine, &["hook", "uninstall"]).exits(0);
    assert!(!is_installed(&machine, "pre-commit"));
    assert_eq!(fs::read_to_string(machine.work().join(".git/hooks/pre-push")).unwrap(), "theirs");
    // Where a bare repository is meant, what never runs there is not installed.
    machine.git(&["init", "-q", "--bare", "../server.git"]);
    let run = vetted(&machine, &["hook", "install", "--kind", "commit-msg", "--repository", "../server.git"]).exits(2);
    assert!(run.stderr.contains("`vetted hook install --kind pre-receive`"), "{run}");
}

/// A place that is not the repository's own: the line that stands in the file is what a server's administrator puts there.
#[test]
fn a_hook_is_printed_for_a_place_of_ones_own() {
    let machine = with_server();
    for kind in ["pre-commit", "commit-msg", "pre-push", "pre-receive"] {
        let printed = vetted(&machine, &["hook", "print", kind]).exits(0).stdout;
        assert!(printed.starts_with(&format!("#!/bin/sh\n# vetted hook {kind}, version 1, sha256 ")), "{printed}");
        let name = format!("home/{kind}");
        machine.executable(&name, &printed);
        let run = machine.program("sh", &["-n", Path::new("../home").join(kind).to_str().unwrap()]);
        assert_eq!(run.status, 0, "{run}");
    }
    let command = format!("{} hook print pre-receive > ../server.git/hooks/pre-receive", machine.bin().join("vetted").display());
    machine.program("sh", &["-c", &format!("{command} && chmod +x ../server.git/hooks/pre-receive")]).exits(0);
    lock(&machine, "2.1.150");
    refused(&push(&machine, &["origin", "main"]));
}
