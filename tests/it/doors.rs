//! The other doors: pre-commit and prek, and the GitHub Action, each run by the real program where it is at hand.
//!
//! The outside programs are looked for in the folder `VETTED_TEST_TOOLS`, else on `PATH`. One that is missing is said on
//! standard error past the test runner's capture; in the folder, where it was promised, it fails the test.

use crate::support::{Machine, Run};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ZEROS: &str = "0000000000000000000000000000000000000000";

/// An outside program, or none and a loud word about it.
fn tool(name: &str) -> Option<String> {
    if let Some(folder) = std::env::var_os("VETTED_TEST_TOOLS") {
        let path = Path::new(&folder).join(name);
        assert!(path.is_file(), "VETTED_TEST_TOOLS promises `{name}`");
        return Some(path.to_str().expect("a plain path").to_owned());
    }
    let on_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(name))
        .find(|p| p.is_file());
    if on_path.is_none() {
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: `{name}` is not on PATH; a test that needs it did not run");
    }
    on_path.map(|path| path.to_str().expect("a plain path").to_owned())
}

/// In place of the program: one that writes down how it was called, says this and ends with this status.
fn stand_in(machine: &Machine, says: &str, status: i32) {
    let _ = fs::remove_file(machine.bin().join("vetted"));
    machine.file("home/says", says);
    machine.executable(
        "bin/vetted",
        format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >'{0}/called'\npwd >'{0}/where'\necho '::notice::annotated'\ncat '{0}/says' >&2\nexit {status}\n",
            machine.home().display()
        ),
    );
}

/// The arguments the stand-in was called with, joined by a blank.
fn called(machine: &Machine) -> String {
    fs::read_to_string(machine.home().join("called")).unwrap_or_default().trim_end().replace('\n', " ")
}

/// A lock file that brings this version of Claude Code.
fn lock(version: &str) -> String {
    format!("{{\"packages\": {{\"\": {{}},\n\"node_modules/@anthropic-ai/claude-code\": {{\"version\": \"{version}\"}}}}}}\n")
}

fn commit(machine: &Machine, message: &str) -> String {
    machine.git(&["add", "--all"]);
    machine.git(&["commit", "-qm", message, "--allow-empty"]);
    machine.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

// pre-commit and prek

#[test]
fn both_readers_of_the_hook_manifest_accept_it() {
    let machine = Machine::new();
    for name in ["pre-commit", "prek"] {
        let Some(program) = tool(name) else { continue };
        machine.program(&program, &["validate-manifest", &format!("{ROOT}/.pre-commit-hooks.yaml")]).exits(0);
    }
}

/// A repository that uses the hook `vetted-system` of a copy of ours, installed by one of the two programs.
fn with_framework(program: &str) -> Machine {
    let mut machine = Machine::with_repository();
    machine.env("PRE_COMMIT_HOME", machine.home().join("pre-commit").to_str().unwrap());
    machine.env("PREK_HOME", machine.home().join("prek").to_str().unwrap());
    let hooks = machine.home().join("hooks");
    machine.file("home/hooks/.pre-commit-hooks.yaml", fs::read(Path::new(ROOT).join(".pre-commit-hooks.yaml")).unwrap());
    let hooks = hooks.to_str().unwrap();
    machine.git(&["init", "-q", hooks]);
    machine.git(&["-C", hooks, "add", "."]);
    machine.git(&["-C", hooks, "commit", "-qm", "x"]);
    machine.git(&["-C", hooks, "tag", "v1"]);
    machine
        .file("work/.pre-commit-config.yaml", format!("repos:\n- repo: {hooks}\n  rev: v1\n  hooks:\n  - id: vetted-system\n"));
    commit(&machine, "first");
    machine.program(program, &["install"]).exits(0);
    // Other kinds of hook run other checks, never this one.
    machine.program(program, &["install", "--hook-type", "commit-msg"]).exits(0);
    machine
}

#[test]
fn a_framework_calls_the_check_once_and_stops_on_its_answer() {
    for name in ["pre-commit", "prek"] {
        let Some(program) = tool(name) else { continue };
        let machine = with_framework(&program);
        for (status, passes) in [(0, true), (1, false), (3, false)] {
            stand_in(&machine, "why it is so\n", status);
            machine.file("work/f", format!("{status}"));
            machine.git(&["add", "."]);
            let _ = fs::remove_file(machine.home().join("called"));
            let run = machine.program("git", &["commit", "-qm", "x"]);
            assert_eq!(run.status == 0, passes, "{name}: {run}");
            assert_eq!(called(&machine), "check --staged", "{name}: no file names are given");
            if !passes {
                assert!(run.stderr.contains("why it is so") || run.stdout.contains("why it is so"), "{name}: {run}");
            }
            // With nothing of the kind staged it runs all the same: the machine counts.
            let _ = fs::remove_file(machine.home().join("called"));
            machine.program(&program, &["run"]);
            assert_eq!(called(&machine), "check --staged", "{name}");
        }
    }
}

#[test]
fn a_framework_stops_a_revoked_tool_that_is_staged() {
    for name in ["pre-commit", "prek"] {
        let Some(program) = tool(name) else { continue };
        let machine = with_framework(&program);
        machine.file("work/package-lock.json", lock("2.1.150"));
        machine.git(&["add", "."]);
        machine.file("work/package-lock.json", lock("2.1.329"));
        let run = machine.program("git", &["commit", "-qm", "x"]);
        assert_ne!(run.status, 0, "{name}: {run}");
        assert!(format!("{run}").contains("2.1.150"), "{name}: {run}");
        let run = machine.program("git", &["commit", "-qam", "x"]);
        assert_eq!(run.status, 0, "{name}: {run}");
    }
}

// The GitHub Action

#[test]
fn the_action_and_the_scripts_are_clean() {
    let machine = Machine::new();
    let file = |name: &str| format!("{ROOT}/{name}");
    if let Some(program) = tool("check-jsonschema") {
        machine.program(&program, &["--builtin-schema", "vendor.github-actions", &file("action.yml")]).exits(0);
    }
    if let Some(program) = tool("zizmor") {
        machine.program(&program, &["--offline", "--persona=auditor", "--no-progress", &file("action.yml")]).exits(0);
    }
    if let Some(program) = tool("shellcheck") {
        machine
            .program(
                &program,
                &[
                    file("action/check.sh"),
                    file("hooks/pre-commit"),
                    file("hooks/commit-msg"),
                    file("hooks/pre-push"),
                    file("hooks/pre-receive"),
                ],
            )
            .exits(0);
    }
}

/// The step of the action as a runner would start it, with these variables of the event.
fn step(machine: &Machine, event: &str, variables: &[(&str, &str)]) -> Run {
    let temp = machine.home().join("temp");
    fs::create_dir_all(&temp).unwrap();
    for name in ["output", "summary"] {
        fs::write(machine.home().join(name), "").unwrap();
    }
    let mut command = machine.command("sh");
    command.arg(format!("{ROOT}/action/check.sh")).current_dir("/");
    for name in ["BINARY", "POLICY", "MIN_SERIAL", "BASE", "HEAD", "ARGS"] {
        command.env(format!("INPUT_{name}"), "");
    }
    for name in ["PUSH_BASE", "PUSH_HEAD", "PULL_BASE", "PULL_HEAD", "GROUP_BASE", "GROUP_HEAD", "GITHUB_SHA"] {
        command.env(name, "");
    }
    command
        .env("INPUT_BINARY", machine.bin().join("vetted"))
        .env("GITHUB_ACTION_PATH", ROOT)
        .env("GITHUB_WORKSPACE", machine.work())
        .env("GITHUB_EVENT_NAME", event)
        .env("GITHUB_OUTPUT", machine.home().join("output"))
        .env("GITHUB_STEP_SUMMARY", machine.home().join("summary"))
        .env("RUNNER_TEMP", &temp);
    for (name, value) in variables {
        command.env(name, value);
    }
    let run = machine.run(command);
    assert_eq!(fs::read_dir(&temp).unwrap().count(), 0, "nothing is left behind");
    run
}

#[test]
fn each_event_says_which_commits_are_checked() {
    let machine = Machine::with_repository();
    stand_in(&machine, "", 0);
    let one = commit(&machine, "one");
    let two = commit(&machine, "two");
    let gone = "1".repeat(40);
    let all = format!("check --format github --range {ZEROS}..{two}");
    let range = format!("check --format github --range {one}..{two}");
    for (event, variables, expected) in [
        ("push", vec![("PUSH_BASE", one.as_str()), ("PUSH_HEAD", &two)], &range),
        ("pull_request", vec![("PULL_BASE", &one), ("PULL_HEAD", &two), ("GITHUB_SHA", &one)], &range),
        ("pull_request_target", vec![("PULL_BASE", &one), ("PULL_HEAD", &two), ("GITHUB_SHA", &one)], &range),
        ("merge_group", vec![("GROUP_BASE", &one), ("GROUP_HEAD", &two)], &range),
        ("push", vec![("PUSH_BASE", ZEROS), ("PUSH_HEAD", &two)], &all),
        ("workflow_dispatch", vec![("GITHUB_SHA", &two)], &all),
        // What the clone lacks stands for nothing, so that more is checked, not less.
        ("push", vec![("PUSH_BASE", &gone), ("PUSH_HEAD", &two)], &all),
        ("pull_request", vec![("PULL_BASE", &gone), ("PULL_HEAD", &gone), ("GITHUB_SHA", &two)], &all),
        // A deleted branch leaves the runner itself.
        ("push", vec![("PUSH_BASE", &one), ("PUSH_HEAD", ZEROS)], &"check --format github".to_owned()),
        // Named by hand.
        ("push", vec![("PUSH_BASE", &gone), ("PUSH_HEAD", &gone), ("INPUT_BASE", "main~1"), ("INPUT_HEAD", "main")], &range),
    ] {
        step(&machine, event, &variables).exits(0);
        assert_eq!(&called(&machine), expected, "{event} {variables:?}");
    }
    assert_eq!(fs::read_to_string(machine.home().join("where")).unwrap().trim(), machine.work().to_str().unwrap());
}

#[test]
fn what_cannot_be_checked_fails_the_step() {
    let machine = Machine::with_repository();
    stand_in(&machine, "", 0);
    let one = commit(&machine, "one");
    let gone = "1".repeat(40);
    for (event, variables) in [
        ("push", vec![("PUSH_BASE", one.as_str()), ("PUSH_HEAD", &gone), ("GITHUB_SHA", &one)]),
        // Its GITHUB_SHA is the base branch: checking that would check nothing of the change.
        ("pull_request_target", vec![("PULL_BASE", &one), ("PULL_HEAD", &gone), ("GITHUB_SHA", &one)]),
        ("pull_request", vec![("PULL_BASE", &one), ("PULL_HEAD", &gone), ("GITHUB_SHA", &gone)]),
        ("pull_request", vec![("PULL_BASE", &one), ("PULL_HEAD", ""), ("GITHUB_SHA", "")]),
        ("push", vec![("PUSH_HEAD", &one), ("INPUT_BASE", "--help")]),
        ("push", vec![("PUSH_HEAD", &one), ("INPUT_HEAD", "--help")]),
        ("push", vec![("PUSH_HEAD", &one), ("INPUT_BASE", "$(touch /tmp/owned)")]),
        ("push", vec![("PUSH_HEAD", &one), ("INPUT_BINARY", "nowhere")]),
        ("push", vec![("PUSH_HEAD", &one), ("INPUT_BINARY", "/")]),
    ] {
        let run = step(&machine, event, &variables).exits(3);
        assert!(run.stdout.starts_with("::error title=vetted::"), "{run}");
        assert_eq!(called(&machine), "", "{variables:?}");
        assert_eq!(fs::read_to_string(machine.home().join("output")).unwrap(), "outcome=undecided\n");
        assert!(fs::read_to_string(machine.home().join("summary")).unwrap().contains("undecided"));
    }
    let outside = Machine::new();
    stand_in(&outside, "", 0);
    let run = step(&outside, "push", &[("PUSH_HEAD", &one), ("PUSH_BASE", ZEROS)]).exits(3);
    assert!(run.stdout.contains("run actions/checkout before"), "{run}");
}

#[test]
fn the_answer_is_the_steps_and_no_text_is_a_command() {
    let machine = Machine::with_repository();
    let head = commit(&machine, "one");
    let hostile = "::add-mask::a\n::set-env name=PATH::/evil\n##[error]x\nlast line without an end ::stop-commands::x";
    for (status, outcome) in [(0, "approved"), (1, "blocked"), (2, "undecided"), (3, "undecided"), (77, "undecided")] {
        stand_in(&machine, hostile, status);
        let run = step(&machine, "push", &[("PUSH_BASE", ZEROS), ("PUSH_HEAD", &head)]).exits(status);
        assert_eq!(fs::read_to_string(machine.home().join("output")).unwrap(), format!("outcome={outcome}\n"));
        assert!(fs::read_to_string(machine.home().join("summary")).unwrap().starts_with(&format!("### vetted: {outcome}\n")));
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines[0], "::notice::annotated");
        let open = lines.iter().position(|line| line.starts_with("::stop-commands::vetted-")).expect("a fence");
        let fence = lines[open].trim_start_matches("::stop-commands::");
        assert!(fence.len() >= "vetted-".len() + 32, "{fence}");
        let close = lines.iter().position(|line| *line == format!("::{fence}::")).expect("its end");
        let inside = |line: &str| lines[open + 1..close].contains(&line);
        assert!(hostile.lines().all(inside), "{run}");
        assert!(run.stderr.is_empty(), "nothing goes past the fence: {run}");
    }
}

#[test]
fn inputs_are_arguments_and_never_commands() {
    let machine = Machine::with_repository();
    stand_in(&machine, "", 0);
    let head = commit(&machine, "one");
    let range = format!("--range {ZEROS}..{head}");
    let variables = [
        ("PUSH_BASE", ZEROS),
        ("PUSH_HEAD", &head),
        ("INPUT_POLICY", "a policy; touch owned"),
        ("INPUT_MIN_SERIAL", "42\nrevocations=9; touch owned\n"),
        ("INPUT_ARGS", "--no-machine\n\n$(touch owned) `touch owned`\n'; touch owned;'\n*"),
    ];
    step(&machine, "push", &variables).exits(0);
    assert_eq!(
        called(&machine),
        format!(
            "check --format github {range} --policy a policy; touch owned --min-serial=42 --min-serial=revocations=9; touch owned --no-machine $(touch owned) `touch owned` '; touch owned;' *"
        )
    );
    assert!(!machine.work().join("owned").exists() && !Path::new("/owned").exists());
    // A relative program is one of the workspace.
    fs::rename(machine.bin().join("vetted"), machine.work().join("built")).unwrap();
    step(&machine, "push", &[("PUSH_BASE", ZEROS), ("PUSH_HEAD", &head), ("INPUT_BINARY", "built")]).exits(0);
}

/// The configuration of the repository that is checked must not choose what cargo runs.
#[test]
fn the_build_reads_nothing_of_the_repository_that_is_checked() {
    let machine = Machine::with_repository();
    let head = commit(&machine, "one");
    let cargo = "#!/bin/sh\npwd >'HOME/cargo-where'\nprintf '%s ' \"$@\" \"wrapper=${RUSTC_WRAPPER-}\" >'HOME/cargo-called'\n\
        while [ \"$1\" != --target-dir ]; do shift; done\nmkdir -p \"$2/release\"\ncp 'HOME/stand-in' \"$2/release/vetted\"\n";
    machine.executable("bin/cargo", cargo.replace("HOME", machine.home().to_str().unwrap()));
    machine.executable("home/stand-in", "#!/bin/sh\nrm -r \"$RUNNER_TEMP/vetted-build\"\nexit 1\n");
    let variables = [
        ("PUSH_BASE", ZEROS),
        ("PUSH_HEAD", head.as_str()),
        ("INPUT_BINARY", ""),
        ("RUSTC_WRAPPER", "/evil"),
        ("CARGO_BUILD_TARGET", "x"),
    ];
    step(&machine, "push", &variables).exits(1);
    let read = |name: &str| fs::read_to_string(machine.home().join(name)).unwrap();
    assert_eq!(Path::new(read("cargo-where").trim()), Path::new(ROOT));
    assert!(read("cargo-called").starts_with("build --release --locked --bin vetted --target-dir "), "{}", read("cargo-called"));
    assert!(read("cargo-called").ends_with("wrapper= "), "{}", read("cargo-called"));
    machine.executable("bin/cargo", "#!/bin/sh\nexit 1\n");
    let run = step(&machine, "push", &variables).exits(3);
    assert!(run.stdout.contains("could not be built"), "{run}");
}

/// A repository with a workflow that uses the action, and the action as `act` is to find it.
fn consumer(machine: &Machine) -> PathBuf {
    let action = machine.home().join("action");
    for name in ["action.yml", "action/check.sh"] {
        machine.file(&format!("home/action/{name}"), fs::read(Path::new(ROOT).join(name)).unwrap());
    }
    let action_text = action.to_str().unwrap();
    machine.git(&["init", "-q", action_text]);
    machine.git(&["-C", action_text, "add", "."]);
    machine.git(&["-C", action_text, "commit", "-qm", "x"]);
    let workflow = format!(
        "on: [push, pull_request]\npermissions: {{}}\njobs:\n  check:\n    runs-on: ubuntu-latest\n    steps:\n    - uses: actions/checkout@v4\n    \
         - uses: acme/vetted@v1\n      id: vetted\n      with:\n        binary: {}\n        args: --no-machine\n    \
         - if: always()\n      run: echo \"told $TOLD\"\n      env:\n        TOLD: ${{{{ steps.vetted.outputs.outcome }}}}\n",
        machine.bin().join("vetted").display()
    );
    machine.file("work/.github/workflows/check.yml", workflow);
    action
}

/// Run a workflow of the work folder for an event, as outside.md's commands do: on this host, with no container and no network.
fn act(machine: &Machine, program: &str, action: &Path, event: &str, payload: &str) -> Run {
    let payload = machine.file("home/event.json", payload);
    let mut command = machine.command(program);
    command
        .arg(event)
        .args(["-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--action-cache-path"])
        .arg(machine.home().join("actcache"))
        .arg("--local-repository")
        .arg(format!("acme/vetted@v1={}", action.display()))
        .arg("--eventpath")
        .arg(payload);
    machine.run(command)
}

#[test]
fn the_action_runs_and_answers() {
    let Some(program) = tool("act") else { return };
    let machine = Machine::with_repository();
    let action = consumer(&machine);
    let base = commit(&machine, "one");
    let head = commit(&machine, "two");
    for (status, outcome) in [(0, "approved"), (1, "blocked")] {
        stand_in(&machine, "::add-mask::told\n", status);
        let payload = format!("{{\"before\": \"{base}\", \"after\": \"{head}\"}}");
        let run = act(&machine, &program, &action, "push", &payload);
        assert_eq!(run.status == 0, status == 0, "{run}");
        assert_eq!(called(&machine), format!("check --format github --range {base}..{head} --no-machine"), "{run}");
        assert!(run.stdout.contains(&format!("told {outcome}")), "the outcome is told, and nothing was masked: {run}");
    }
    stand_in(&machine, "", 0);
    let payload = format!("{{\"pull_request\": {{\"base\": {{\"sha\": \"{base}\"}}, \"head\": {{\"sha\": \"{head}\"}}}}}}");
    assert_eq!(act(&machine, &program, &action, "pull_request", &payload).status, 0);
    assert_eq!(called(&machine), format!("check --format github --range {base}..{head} --no-machine"));
}

#[test]
fn the_action_fails_on_a_revoked_tool_and_passes_without() {
    let Some(program) = tool("act") else { return };
    let machine = Machine::with_repository();
    let action = consumer(&machine);
    let base = commit(&machine, "one");
    machine.file("work/package-lock.json", lock("2.1.150"));
    let red = commit(&machine, "two");
    machine.file("work/package-lock.json", lock("2.1.329"));
    let green = commit(&machine, "three");
    machine.git(&["checkout", "-q", &red]);
    let run = act(&machine, &program, &action, "push", &format!("{{\"before\": \"{base}\", \"after\": \"{red}\"}}"));
    assert_ne!(run.status, 0, "{run}");
    assert!(run.stdout.contains("2.1.150") && run.stdout.contains("told blocked"), "{run}");
    machine.git(&["checkout", "-q", "main"]);
    let run = act(&machine, &program, &action, "push", &format!("{{\"before\": \"{base}\", \"after\": \"{green}\"}}"));
    assert_eq!(run.status, 0, "{run}");
    assert!(run.stdout.contains("told approved"), "{run}");
}
