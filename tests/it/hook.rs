//! The hook: installed beside what is there, in force, and out again without a trace.

use crate::support::{Machine, Run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn vetted(machine: &Machine, arguments: &[&str]) -> Run {
    machine.program(machine.bin().join("vetted").to_str().expect("a path"), arguments)
}

/// In place of the program: something that writes down how it was called and ends with this status.
fn stand_in(machine: &Machine, status: i32) {
    fs::remove_file(machine.bin().join("vetted")).expect("the program is there");
    machine.executable(
        "bin/vetted",
        format!("#!/bin/sh\necho \"vetted $*, index ${{GIT_INDEX_FILE}}\" >> '{}'\nexit {status}\n", log(machine).display()),
    );
}

fn log(machine: &Machine) -> PathBuf {
    machine.home().join("log")
}

fn hook(machine: &Machine) -> PathBuf {
    machine.work().join(".git/hooks/pre-commit")
}

fn commit(machine: &Machine, arguments: &[&str]) -> Run {
    machine.program("git", &[&["commit", "-qm", "x", "--allow-empty"], arguments].concat())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn it_is_installed_once_and_leaves_no_trace() {
    let machine = Machine::with_repository();
    let before = listing(&machine.work().join(".git"));
    vetted(&machine, &["hook", "status"]).exits(1);
    vetted(&machine, &["hook", "install"]).exits(0);
    let shim = fs::read(hook(&machine)).unwrap();
    assert_eq!(mode(&hook(&machine)), 0o755);
    vetted(&machine, &["hook", "install"]).exits(0);
    assert_eq!(fs::read(hook(&machine)).unwrap(), shim, "idempotent");
    let status = vetted(&machine, &["hook", "status"]).exits(0);
    assert!(status.stdout.contains("in force, version 1"), "{status}");
    assert!(status.stdout.contains("program: [ROOT]/bin/vetted\n"), "{status}");
    fs::set_permissions(hook(&machine), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(vetted(&machine, &["hook", "status"]).exits(1).stdout.contains("not executable"));
    vetted(&machine, &["hook", "install"]).exits(0);
    vetted(&machine, &["hook", "status"]).exits(0);
    vetted(&machine, &["hook", "uninstall"]).exits(0);
    vetted(&machine, &["hook", "uninstall"]).exits(0);
    assert_eq!(listing(&machine.work().join(".git")), before);
}

/// Every file below a folder with its content.
fn listing(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_commit_waits_for_the_answer() {
    let machine = Machine::with_repository();
    vetted(&machine, &["hook", "install"]).exits(0);
    for (status, passes) in [(0, true), (1, false), (2, false), (3, false), (101, false)] {
        stand_in(&machine, status);
        assert_eq!(commit(&machine, &[]).status == 0, passes, "status {status}");
    }
    let log = fs::read_to_string(log(&machine)).unwrap();
    assert!(log.lines().all(|line| line.starts_with("vetted check --staged, index .git/index")), "{log}");
    assert_eq!(log.lines().count(), 5);
}

#[test]
fn a_missing_program_stops_the_commit_and_says_so() {
    let mut machine = Machine::with_repository();
    vetted(&machine, &["hook", "install"]).exits(0);
    fs::remove_file(machine.bin().join("vetted")).unwrap();
    let run = commit(&machine, &[]);
    assert_ne!(run.status, 0);
    assert!(run.stderr.contains("the program is missing, so this commit cannot be checked and is stopped"), "{run}");
    assert!(run.stderr.contains("help: put vetted on PATH, then run `vetted hook install`"), "{run}");
    // A program that is named by a relative folder of PATH is the repository's choice, not the user's.
    machine.executable("work/vetted", "#!/bin/sh\nexit 0\n");
    let path = "PATH=.:/usr/local/bin:/usr/bin:/bin";
    let run = machine.program("env", &[path, "git", "commit", "-qm", "x", "--allow-empty"]);
    assert!(run.status != 0 && run.stderr.contains("missing"), "{run}");
    // A folder in its place is no program, and no variable of ours opens the way.
    fs::create_dir(machine.bin().join("vetted")).unwrap();
    for name in ["VETTED_MODE", "VETTED_SKIP", "SKIP", "HUSKY", "VETTED"] {
        machine.env(name, "0");
    }
    assert_ne!(commit(&machine, &[]).status, 0);
    fs::remove_dir(machine.bin().join("vetted")).unwrap();
    // Elsewhere on PATH it is found.
    let other = machine.executable("other/vetted", "#!/bin/sh\nexit 0\n");
    let path = format!("PATH={}:/usr/local/bin:/usr/bin:/bin", other.parent().unwrap().display());
    machine.program("env", &[&path, "git", "commit", "-qm", "x", "--allow-empty"]).exits(0);
}

#[test]
fn the_hook_that_was_there_runs_first_and_comes_back() {
    let machine = Machine::with_repository();
    let theirs = b"#!/bin/sh\n# \xff not text\nread line; echo \"theirs $* $# in $(pwd) got $line\" >> ../home/log; exit $(cat ../home/answer)\n";
    machine.executable("work/.git/hooks/pre-commit", theirs);
    fs::set_permissions(hook(&machine), fs::Permissions::from_mode(0o710)).unwrap();
    machine.file("home/answer", "0");
    let run = vetted(&machine, &["hook", "install"]).exits(0);
    assert!(run.stderr.contains("pre-commit.chained"), "{run}");
    let chained = hook(&machine).with_extension("chained");
    assert_eq!((fs::read(&chained).unwrap(), mode(&chained)), (theirs.to_vec(), 0o710));
    assert!(vetted(&machine, &["hook", "status"]).exits(0).stdout.contains("runs first: "));
    stand_in(&machine, 0);
    commit(&machine, &[]).exits(0);
    let said = fs::read_to_string(log(&machine)).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("theirs ") && lines[1].starts_with("vetted check"), "{said}");
    // With arguments and input, as another program may run it; its failure is the hook's.
    let run = machine.program("sh", &["-c", "echo hello | .git/hooks/pre-commit one 'two three'"]).exits(0);
    assert!(fs::read_to_string(log(&machine)).unwrap().contains("theirs one two three 2 in"), "{run}");
    assert!(fs::read_to_string(log(&machine)).unwrap().contains("got hello"));
    machine.file("home/answer", "7");
    fs::remove_file(log(&machine)).unwrap();
    assert_eq!(machine.program(hook(&machine).to_str().unwrap(), &[] as &[&str]).status, 7);
    assert!(!fs::read_to_string(log(&machine)).unwrap().contains("vetted check"), "nothing runs after a failure");
    machine.file("home/answer", "0");
    stand_in(&machine, 1);
    assert_ne!(commit(&machine, &[]).status, 0);
    let program = machine.bin().join("vetted");
    fs::remove_file(&program).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_vetted"), &program)
        .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_vetted"), &program).map(drop))
        .unwrap();
    vetted(&machine, &["hook", "uninstall"]).exits(0);
    assert_eq!((fs::read(hook(&machine)).unwrap(), mode(&hook(&machine))), (theirs.to_vec(), 0o710));
    assert!(!chained.exists());
}

#[test]
fn a_link_stays_a_link_and_is_not_written_through() {
    let machine = Machine::with_repository();
    let theirs = machine.executable("work/scripts/check", "#!/bin/sh\nexit 0\n");
    fs::create_dir_all(machine.work().join(".git/hooks")).unwrap();
    std::os::unix::fs::symlink("../../scripts/check", hook(&machine)).unwrap();
    vetted(&machine, &["hook", "install"]).exits(0);
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "#!/bin/sh\nexit 0\n");
    assert!(hook(&machine).with_extension("chained").is_symlink());
    vetted(&machine, &["hook", "uninstall"]).exits(0);
    assert_eq!(fs::read_link(hook(&machine)).unwrap(), Path::new("../../scripts/check"));
}

#[test]
fn nothing_is_overwritten() {
    let machine = Machine::with_repository();
    machine.executable("work/.git/hooks/pre-commit", "theirs");
    machine.executable("work/.git/hooks/pre-commit.chained", "also theirs");
    let before = listing(&machine.work().join(".git"));
    let run = vetted(&machine, &["hook", "install"]).exits(2);
    assert!(run.stderr.contains("pre-commit.chained` is taken"), "{run}");
    vetted(&machine, &["hook", "uninstall"]).exits(2);
    assert!(vetted(&machine, &["hook", "status"]).exits(1).stdout.contains("another hook is there"));
    assert_eq!(listing(&machine.work().join(".git")), before);

    let machine = Machine::with_repository();
    vetted(&machine, &["hook", "install"]).exits(0);
    let edited = fs::read_to_string(hook(&machine)).unwrap().replace("--staged", "--staged --quiet");
    fs::write(hook(&machine), &edited).unwrap();
    for arguments in [&["hook", "install"], &["hook", "uninstall"]] {
        let run = vetted(&machine, arguments).exits(2);
        assert!(run.stderr.contains("was edited after vetted installed it"), "{run}");
        assert_eq!(fs::read_to_string(hook(&machine)).unwrap(), edited);
    }
    vetted(&machine, &["hook", "status"]).exits(1);
    vetted(&machine, &["hook", "install", "--overwrite-edited"]).exits(0);
    vetted(&machine, &["hook", "status"]).exits(0);
}

#[test]
fn an_older_hook_is_renewed_and_a_newer_one_is_not() {
    let machine = Machine::with_repository();
    vetted(&machine, &["hook", "install"]).exits(0);
    let current = fs::read_to_string(hook(&machine)).unwrap();
    for (version, status) in [(0, 0), (2, 2)] {
        fs::write(hook(&machine), current.replace(", version 1,", &format!(", version {version},"))).unwrap();
        vetted(&machine, &["hook", "install"]).exits(status);
        assert_eq!(fs::read_to_string(hook(&machine)).unwrap() == current, status == 0, "version {version}");
    }
    // Installed by a program that lies elsewhere now.
    fs::write(hook(&machine), &current).unwrap();
    let other = machine.home().join("vetted");
    fs::rename(machine.bin().join("vetted"), &other).unwrap();
    let run = machine.program(other.to_str().unwrap(), &["hook", "install"]).exits(0);
    assert!(run.stderr.contains("renewed"), "{run}");
    assert!(fs::read_to_string(hook(&machine)).unwrap().contains("/home/vetted'\n"));
}

#[test]
fn the_folder_git_uses_is_the_one_that_is_used() {
    let machine = Machine::with_repository();
    // In the work tree, relative, from a folder below it.
    machine.git(&["config", "core.hooksPath", "tools/hooks"]);
    machine.file("work/deep/f", "");
    let mut command = machine.command(machine.bin().join("vetted"));
    command.args(["hook", "install"]).current_dir(machine.work().join("deep"));
    machine.run(command).exits(0);
    assert!(machine.work().join("tools/hooks/pre-commit").exists());
    stand_in(&machine, 1);
    assert_ne!(commit(&machine, &[]).status, 0, "git runs it from there");

    // Shared with other repositories: by the user's configuration, by a folder outside, by a link that leads outside.
    for (value, configure) in [
        ("~/hooks", &["config", "--global", "core.hooksPath", "~/hooks"][..]),
        ("/dev/null", &["config", "core.hooksPath", "/dev/null"]),
        ("../shared", &["config", "core.hooksPath", "../shared"]),
    ] {
        let machine = Machine::with_repository();
        machine.git(configure);
        let run = vetted(&machine, &["hook", "install"]).exits(2);
        assert!(run.stderr.contains("check --staged || exit"), "{value}: what to add by hand is said: {run}");
        assert!(vetted(&machine, &["hook", "status"]).exits(1).stdout.contains(&format!("core.hooksPath: {value} (set in")));
        assert!(!machine.home().join("hooks").exists() && !machine.work().join("../shared").exists());
    }
    let machine = Machine::with_repository();
    fs::create_dir(machine.home().join("hooks")).unwrap();
    let _ = fs::remove_dir_all(machine.work().join(".git/hooks"));
    std::os::unix::fs::symlink(machine.home().join("hooks"), machine.work().join(".git/hooks")).unwrap();
    vetted(&machine, &["hook", "install"]).exits(2);
    assert_eq!(fs::read_dir(machine.home().join("hooks")).unwrap().count(), 0);

    // A folder of the user's that lies in this repository still speaks for every other one.
    let machine = Machine::with_repository();
    machine.git(&["config", "--global", "core.hooksPath", "~/hooks"]);
    machine.git(&["init", "-q", "../home"]);
    let run = vetted(&machine, &["hook", "install", "--repository", "../home"]).exits(2);
    assert!(run.stderr.contains("for other repositories too"), "{run}");

    // Set for one command: nothing is installed where the next command will not look.
    let mut machine = Machine::with_repository();
    machine.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "core.hooksPath").env("GIT_CONFIG_VALUE_0", "elsewhere");
    assert!(vetted(&machine, &["hook", "install"]).exits(2).stderr.contains("in the environment only"));
}

#[test]
fn husky_keeps_its_folder() {
    let machine = Machine::with_repository();
    machine.git(&["config", "core.hooksPath", ".husky/_"]);
    machine.file("work/.husky/_/h", "#!/bin/sh\n");
    machine.executable("work/.husky/_/pre-commit", "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"\n");
    machine.file("work/.husky/pre-commit", "npm test\n");
    let run = vetted(&machine, &["hook", "install"]).exits(2);
    assert!(run.stderr.contains("husky owns the hooks"), "{run}");
    assert!(run.stderr.contains(".husky/pre-commit`: `[ROOT]/bin/vetted check --staged || exit`"), "{run}");
    vetted(&machine, &["hook", "status"]).exits(1);
    machine.file("work/.husky/pre-commit", "# vetted check --staged\n");
    vetted(&machine, &["hook", "status"]).exits(1);
    machine.file("work/.husky/pre-commit", "npm test\nvetted check --staged || exit\n");
    assert!(vetted(&machine, &["hook", "status"]).exits(0).stdout.contains("husky runs"));
}

#[test]
fn worktrees_share_the_hook_and_other_places_are_named() {
    let machine = Machine::with_repository();
    machine.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    machine.git(&["worktree", "add", "-q", "../linked"]);
    let mut command = machine.command(machine.bin().join("vetted"));
    command.args(["hook", "install"]).current_dir(machine.work().join("../linked"));
    machine.run(command).exits(0);
    assert!(hook(&machine).exists());
    stand_in(&machine, 1);
    let mut command: Command = machine.command("git");
    command.args(["commit", "-qm", "x", "--allow-empty"]).current_dir(machine.work().join("../linked"));
    assert_ne!(machine.run(command).status, 0);

    let outside = Machine::new();
    let run = outside.vetted(&["hook", "install"]).exits(2);
    assert!(run.stderr.contains("no git repository here"), "{run}");
    outside.git(&["init", "-q", "--bare", "bare"]);
    outside.git(&["init", "-q", "other"]);
    assert!(outside.vetted(&["hook", "install", "--repository", "bare"]).exits(2).stderr.contains("bare repository"));
    outside.vetted(&["hook", "install", "--repository", "other"]).exits(0);
    assert!(outside.work().join("other/.git/hooks/pre-commit").exists());
}

/// A lock file that brings this version of Claude Code.
fn lock(version: &str) -> String {
    format!(
        "{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{}},\n\"node_modules/@anthropic-ai/claude-code\": {{\"version\": \"{version}\"}}}}}}\n"
    )
}

/// The whole way, under the built-in policy: in every way git prepares a commit, the staged file decides.
#[test]
fn a_revoked_tool_stops_the_commit_and_its_successor_does_not() {
    let machine = Machine::with_repository();
    machine.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    machine.git(&["worktree", "add", "-q", "../linked"]);
    vetted(&machine, &["hook", "install"]).exits(0);
    for folder in [machine.work(), machine.work().join("../linked")] {
        let git = |arguments: &[&str]| {
            let mut command = machine.command("git");
            command.args(arguments).current_dir(&folder);
            machine.run(command)
        };
        let write = |version: &str| fs::write(folder.join("package-lock.json"), lock(version)).unwrap();
        let blocked = |run: Run| {
            assert_ne!(run.status, 0, "{run}");
            assert!(run.stderr.contains("2.1.150") || run.stdout.contains("2.1.150"), "the tool is named: {run}");
            assert!(run.stderr.contains("package-lock.json") || run.stdout.contains("package-lock.json"), "{run}");
        };
        // From the index, not from the work tree.
        write("2.1.150");
        git(&["add", "."]).exits(0);
        write("2.1.329");
        blocked(git(&["commit", "-qm", "plain"]));
        // The other way round: the work tree has it, the commit does not.
        git(&["add", "."]).exits(0);
        write("2.1.150");
        git(&["commit", "-qm", "plain"]).exits(0);
        blocked(git(&["commit", "-qam", "all"]));
        blocked(git(&["commit", "-qm", "path", "package-lock.json"]));
        write("2.1.330");
        git(&["commit", "-qm", "path", "package-lock.json"]).exits(0);
        write("2.1.331");
        git(&["commit", "-qam", "all"]).exits(0);
    }
}
