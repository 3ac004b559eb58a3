//! Tests on real packages, installed by the real installers from whatever registry they are configured for.
//!
//! `cargo test --test live` runs them; a plain `cargo test` does not, because they need a registry. No AI tool is ever executed:
//! the installers put files on disk, `vetted` reads them. A tool that cannot be installed here fails its test with the
//! installer's own words; a program that is missing (npm, python3, strace) skips it loudly.
#![allow(unreachable_pub, missing_docs, dead_code, reason = "a test binary has no users")]
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests set up the world that the program only reads")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod approve;
mod layout;
mod locks_js;
mod locks_py;
mod measured;
#[path = "../it/support.rs"]
mod support;

mod registry;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use support::{Machine, Run};

/// One installer at a time: they share a cache and two cores.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Whether a program is here; says so in capitals when it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: `{program}` is not here");
    }
    found
}

/// Run an installer with the configuration of the user: its registry is nobody's business but theirs.
fn install(program: &str, arguments: &[&str], prefix: Option<&Path>) {
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(prefix) = prefix {
        command.env("npm_config_prefix", prefix);
    }
    let output = command.env("npm_config_fund", "false").env("npm_config_audit", "false").output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn npm(prefix: &Path, package: &str) {
    install("npm", &["install", "-g", package], Some(prefix));
}

/// A machine whose PATH holds the `bin` of an npm prefix and nothing else, with the prefix below its home.
fn machine_with_prefix() -> (Machine, PathBuf) {
    let mut machine = Machine::new();
    let prefix = machine.home().join(".npm-global");
    fs::create_dir_all(prefix.join("bin")).unwrap();
    let path = format!("{}:{}", prefix.join("bin").display(), machine.bin().display());
    machine.env("PATH", path);
    (machine, prefix)
}

/// A virtual environment of the user's interpreter.
fn venv(folder: &Path) -> PathBuf {
    install("python3", &["-m", "venv", folder.to_str().unwrap()], None);
    folder.join("bin/python")
}

fn pip(python: &Path, package: &str) {
    install(python.to_str().unwrap(), &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package], None);
}

fn node_major() -> u32 {
    let output = Command::new("node").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().trim_start_matches('v').split('.').next().unwrap().parse().unwrap()
}

fn verdicts(run: &Run) -> Vec<Value> {
    run.json()["verdicts"].as_array().unwrap().clone()
}

/// The verdict of a tool at a version.
#[track_caller]
fn verdict(run: &Run, tool: &str, version: &str) -> Value {
    let all = verdicts(run);
    let found = all.iter().find(|v| v["tool"] == tool && v["version"] == version);
    found.unwrap_or_else(|| panic!("no verdict for {tool} {version} in\n{run}")).clone()
}

fn package_version(folder: &Path) -> String {
    let json: Value = serde_json::from_slice(&fs::read(folder.join("package.json")).unwrap()).unwrap();
    json["version"].as_str().unwrap().to_owned()
}

/// The incident as most people met it: on Node.js 18 and 20 a bare installation brings the last revoked version.
#[test]
fn a_bare_installation_is_blocked_and_the_newest_passes() {
    if !has("npm") {
        return;
    }
    let (machine, prefix) = machine_with_prefix();
    let bare = if node_major() < 22 { "@anthropic-ai/claude-code" } else { "@anthropic-ai/claude-code@2.1.197" };
    npm(&prefix, bare);

    let run = machine.vetted(&["check"]).exits(1);
    for part in ["claude-code 2.1.197", "npm", "VETTED-2026-0001", "npm install -g @anthropic-ai/claude-code@"] {
        assert!(run.stdout.contains(part), "`{part}` is missing:\n{run}");
    }
    let one = verdict(&machine.vetted(&["check", "--format", "json"]).exits(1), "claude-code", "2.1.197");
    assert_eq!((one["verdict"].as_str(), one["channel"].as_str()), (Some("revoked"), Some("npm")));

    // A copy of the program under another name and nothing else.
    let binary = prefix.join("lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe");
    fs::create_dir_all(machine.home().join("bin")).unwrap();
    fs::copy(&binary, machine.home().join("bin/notes")).unwrap();

    npm(&prefix, "@anthropic-ai/claude-code@latest");
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("bin/notes") && run.stdout.contains("renamed"), "the copy is not named:\n{run}");
    fs::remove_file(machine.home().join("bin/notes")).unwrap();

    let latest = package_version(&prefix.join("lib/node_modules/@anthropic-ai/claude-code"));
    let run = machine.vetted(&["check", "--format", "json"]).exits(0);
    assert_eq!(verdict(&run, "claude-code", &latest)["verdict"], "unvetted");
    assert_eq!(run.json()["policy"]["mode"], "monitor");
}

/// An MCP server that nobody counts as Claude Code brings it along, nested.
#[test]
fn a_carrier_is_found_out() {
    if !has("npm") {
        return;
    }
    let (machine, prefix) = machine_with_prefix();
    npm(&prefix, "task-master-ai@0.43.1");
    // What it brings is resolved on the day of the installation; the one that was looked for is in most of them.
    let nested = prefix.join("lib/node_modules/task-master-ai/node_modules/@anthropic-ai/claude-code");
    let version = package_version(&nested);
    let run = machine.vetted(&["check", "--format", "json"]);
    let one = verdict(&run, "claude-code", &version);
    assert!(one["brought_by"].to_string().contains("task-master-ai"), "{one}");
    if node_major() < 22 {
        assert_eq!((run.status, version.as_str(), one["verdict"].as_str()), (1, "2.1.197", Some("revoked")));
    }
}

/// The Python SDK bundles the whole program.
#[test]
fn a_bundled_program_is_found_in_a_virtual_environment() {
    if !has("python3") {
        return;
    }
    let mut machine = Machine::new();
    let environment = machine.work().join(".venv");
    let python = venv(&environment);
    pip(&python, "claude-agent-sdk==0.1.55");
    let path = environment.join("bin").display().to_string();
    machine.env("PATH", path);
    let run = machine.vetted(&["check", "--format", "json"]).exits(1);
    let bundled = verdict(&run, "claude-code", "2.1.91");
    assert_eq!(bundled["verdict"], "revoked");
    assert!(bundled["path"].as_str().unwrap().ends_with("_bundled/claude"), "{bundled}");
    assert_eq!(verdict(&run, "claude-agent-sdk-py", "0.1.55")["verdict"], "revoked");
}

/// Ten tools by id, version and channel; nothing executed, no socket opened.
#[test]
fn ten_real_tools_are_named_right_and_nothing_is_run() {
    if !has("npm") || !has("python3") {
        return;
    }
    let (mut machine, prefix) = machine_with_prefix();
    let from_npm = [
        ("gemini-cli", "@google/gemini-cli"),
        ("openai-codex", "@openai/codex"),
        ("continue-cli", "@continuedev/cli"),
        ("mcp-filesystem", "@modelcontextprotocol/server-filesystem"),
        ("mcp-memory", "@modelcontextprotocol/server-memory"),
        ("mcp-playwright", "@playwright/mcp"),
        ("mcp-context7", "@upstash/context7-mcp"),
    ];
    for (_, package) in from_npm {
        npm(&prefix, package);
    }
    let from_pypi = [("llm", "llm"), ("mcp-git", "mcp-server-git"), ("mcp-fetch", "mcp-server-fetch")];
    let environment = machine.home().join("env");
    let python = venv(&environment);
    for (_, package) in from_pypi {
        pip(&python, package);
    }
    let path = format!("{}:{}", prefix.join("bin").display(), environment.join("bin").display());
    machine.env("PATH", path);

    let run = machine.vetted(&["check", "--format", "json"]).exits(0);
    for (tool, package) in from_npm {
        let version = package_version(&prefix.join("lib/node_modules").join(package));
        assert_eq!(verdict(&run, tool, &version)["channel"], "npm", "{tool}");
    }
    for (tool, package) in from_pypi {
        let show = Command::new(&python).args(["-m", "pip", "show", package]).output().unwrap();
        let show = String::from_utf8(show.stdout).unwrap();
        let version = show.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap();
        assert_eq!(verdict(&run, tool, version)["channel"], "venv", "{tool}");
    }

    if !has("strace") {
        return;
    }
    let log = machine.work().join("strace.log");
    let mut command = machine.command("/usr/bin/strace");
    command.args(["-f", "-qq", "-e", "trace=execve,execveat,socket,connect,bind,sendto", "-o"]).arg(&log);
    command.arg(env!("CARGO_BIN_EXE_vetted")).arg("check");
    machine.run(command).exits(0);
    let calls = fs::read_to_string(&log).unwrap();
    let calls: Vec<&str> = calls.lines().filter(|line| line.contains("exec") || line.contains('(')).collect();
    assert_eq!(calls.len(), 1, "one execve, of vetted itself, and no socket:\n{}", calls.join("\n"));
    assert!(calls[0].contains("execve(") && calls[0].contains("vetted"), "{}", calls[0]);
}

/// A security team's first day: two tools approved as they lie on disk, a third one not, one byte changed.
#[test]
fn approved_tools_pass_and_one_changed_byte_blocks() {
    if !has("npm") {
        return;
    }
    let (mut machine, prefix) = machine_with_prefix();
    npm(&prefix, "@modelcontextprotocol/server-memory");
    npm(&prefix, "@anthropic-ai/claude-code@2.1.329");
    machine.env("VETTED_KEY_PASSWORD", "correct horse battery staple");
    machine.vetted(&["init", "--name", "acme.example/ai-tools", "--signer", "alice", "--mode", "enforce"]).exits(0);
    machine.vetted(&["check"]).exits(1);
    machine.vetted(&["approve", "mcp-memory", "--installed"]).exits(0);
    machine.vetted(&["approve", "claude-code@2.1.329", "--installed"]).exits(0);
    // What was edited is unsigned until it is signed again, and approves nothing.
    machine.vetted(&["check"]).exits(3);
    machine.vetted(&["sign"]).exits(0);
    let run = machine.vetted(&["check", "--format", "json"]).exits(0);
    let version = package_version(&prefix.join("lib/node_modules/@modelcontextprotocol/server-memory"));
    assert_eq!(verdict(&run, "mcp-memory", &version)["verdict"], "approved");
    assert_eq!(verdict(&run, "claude-code", "2.1.329")["verdict"], "approved");

    let changed = prefix.join("lib/node_modules/@modelcontextprotocol/server-memory/dist/index.js");
    let mut bytes = fs::read(&changed).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&changed, &bytes).unwrap();
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("mismatched") && run.stdout.contains("dist/index.js"), "{run}");
    bytes[last] ^= 1;
    fs::write(&changed, &bytes).unwrap();
    machine.vetted(&["check"]).exits(0);

    npm(&prefix, "@modelcontextprotocol/server-filesystem");
    let run = machine.vetted(&["check"]).exits(1);
    assert!(run.stdout.contains("unvetted") && run.stdout.contains("mcp-filesystem"), "{run}");
}

/// The lock file that npm itself writes is judged from the index, not from the work tree.
#[test]
fn a_lock_file_that_brings_a_revoked_version_stops_the_commit() {
    if !has("npm") || !has("git") {
        return;
    }
    let machine = Machine::new();
    machine.git(&["init", "-q", "."]);
    machine.vetted(&["hook", "install"]).exits(0);
    machine.file("work/package.json", r#"{"name":"app","version":"1.0.0","private":true}"#);
    let folder = machine.work();
    let lock = |package: &str| {
        install(
            "npm",
            &["install", "--package-lock-only", "--ignore-scripts", "--prefix", folder.to_str().unwrap(), package],
            None,
        );
    };
    lock("@anthropic-ai/claude-code@2.1.150");
    machine.git(&["add", "package.json", "package-lock.json"]);
    // The work tree is clean again; the index is not.
    let staged = fs::read(folder.join("package-lock.json")).unwrap();
    fs::write(folder.join("package-lock.json"), "{}").unwrap();
    let run = machine.program("git", &["commit", "-qm", "bring it in"]);
    assert!(run.status != 0, "the commit went through:\n{run}");
    assert!(format!("{run}").contains("2.1.150"), "{run}");

    fs::write(folder.join("package-lock.json"), staged).unwrap();
    lock("@anthropic-ai/claude-code@2.1.329");
    machine.git(&["add", "package.json", "package-lock.json"]);
    machine.git(&["commit", "-qm", "bring in the fixed one"]);
}
