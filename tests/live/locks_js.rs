//! One project, locked by the real npm, pnpm, yarn 1, yarn 4 and bun: the same tools and versions are found in each lock.
//!
//! The managers are packages themselves and are installed into a folder of this run. They resolve and write their lock files; what they
//! lock is not installed.

use super::{INSTALLING, has, install};
use crate::support::{Machine, Run};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{OnceLock, PoisonError};

/// Managers by the folder they are installed to, and the packages they are.
const MANAGERS: [&str; 7] = [
    "pnpm7@npm:pnpm@7.33.7",
    "pnpm8@npm:pnpm@8.15.9",
    "pnpm9@npm:pnpm@9.15.9",
    "pnpm12@npm:pnpm@12.21.0",
    "yarn1@npm:yarn@1.22.22",
    "yarn4@npm:@yarnpkg/cli-dist@4.18.1",
    "bun@1.4.5",
];

/// The folder with the managers, installed once for all tests.
fn managers() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("vetted-live-").tempdir().unwrap();
        fs::write(folder.path().join("package.json"), r#"{"private":true}"#).unwrap();
        let prefix = folder.path().to_str().unwrap();
        install("npm", &[&["install", "--no-save", "--prefix", prefix], &MANAGERS[..]].concat(), None);
        folder
    });
    folder.path()
}

/// What a manager calls its lock file, and the command that writes it without installing what it locks.
struct Manager {
    name: &'static str,
    lock: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    /// Whether its lock states the integrity of the registry.
    states_integrity: bool,
}

const fn manager(name: &'static str, lock: &'static str, program: &'static str, arguments: &'static [&'static str]) -> Manager {
    Manager { name, lock, program, arguments, states_integrity: true }
}

const LOCKERS: [Manager; 8] = [
    manager("npm", "package-lock.json", "npm", &["install", "--package-lock-only", "--ignore-scripts"]),
    manager("pnpm7", "pnpm-lock.yaml", "pnpm7/bin/pnpm.cjs", &["install", "--lockfile-only", "--ignore-scripts"]),
    manager("pnpm8", "pnpm-lock.yaml", "pnpm8/bin/pnpm.cjs", &["install", "--lockfile-only", "--ignore-scripts"]),
    manager("pnpm9", "pnpm-lock.yaml", "pnpm9/bin/pnpm.cjs", &["install", "--lockfile-only", "--ignore-scripts"]),
    manager("pnpm12", "pnpm-lock.yaml", "pnpm12/bin/pnpm.mjs", &["install", "--lockfile-only", "--ignore-scripts"]),
    // Yarn 1 cannot lock without downloading what this platform needs.
    manager(
        "yarn1",
        "yarn.lock",
        "yarn1/bin/yarn.js",
        &["install", "--ignore-scripts", "--ignore-engines", "--non-interactive", "--no-progress"],
    ),
    Manager {
        states_integrity: false,
        ..manager("yarn4", "yarn.lock", "yarn4/bin/yarn.js", &["install", "--mode=update-lockfile"])
    },
    manager("bun", "bun.lock", "bun/bin/bun.exe", &["install", "--lockfile-only"]),
];

/// Lock the project in the work folder of a machine.
fn lock(machine: &Machine, manager: &Manager) -> PathBuf {
    let program = managers().join("node_modules").join(manager.program);
    let mut command = match manager.program {
        "npm" => Command::new("npm"),
        "bun/bin/bun.exe" => Command::new(program),
        _ => {
            let mut command = Command::new("node");
            command.arg(program);
            command
        }
    };
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    // Yarn 4 alone does not read the registry that npm is set up for.
    let registry = Command::new("npm").args(["config", "get", "registry"]).output().unwrap();
    let registry = String::from_utf8(registry.stdout).unwrap();
    if manager.name.starts_with("yarn") {
        machine.file("work/yarn.lock", "");
    }
    command.current_dir(machine.work()).args(manager.arguments);
    command.env("YARN_NPM_REGISTRY_SERVER", registry.trim().trim_end_matches('/'));
    command.env("YARN_ENABLE_TELEMETRY", "0").env("YARN_ENABLE_IMMUTABLE_INSTALLS", "0").env("CI", "");
    command.env("npm_config_fund", "false").env("npm_config_audit", "false");
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{} {:?}:\n{}{}",
        manager.name,
        manager.arguments,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    machine.work().join(manager.lock)
}

/// A repository that holds what a project asks for and its lock, and nothing of what lies beside them.
fn check(machine: &Machine, manager: &Manager) -> Run {
    machine.git(&["init", "-q", "."]);
    machine.git(&["add", "package.json", "apps/web/package.json", manager.lock]);
    machine.vetted(&["check", "--staged", "--format", "json"])
}

/// `tool version verdict` of everything the lock itself names.
fn locked(run: &Run, manager: &Manager) -> BTreeSet<String> {
    let json = run.json();
    let verdicts = json["verdicts"].as_array().unwrap().iter();
    let of_lock = verdicts.filter(|verdict| verdict["location"]["path"] == manager.lock);
    of_lock.map(|verdict| format!("{} {} {}", verdict["tool"], verdict["version"], verdict["verdict"])).collect()
}

#[test]
fn every_manager_locks_the_same_tools_and_a_revoked_one_is_blocked() {
    if !has("npm") || !has("git") {
        return;
    }
    let mut first: Option<(&str, BTreeSet<String>)> = None;
    for manager in &LOCKERS {
        let machine = Machine::new();
        machine.file(
            "work/package.json",
            r#"{"name":"shop","version":"1.0.0","private":true,"workspaces":["apps/*"],
"dependencies":{"@anthropic-ai/claude-code":"2.1.150","left-pad":"^1.3.0"}}"#,
        );
        machine.file(
            "work/apps/web/package.json",
            r#"{"name":"web","version":"1.0.0","dependencies":{"@openai/codex":"0.169.0","notes":"npm:@anthropic-ai/claude-code@2.1.149"}}"#,
        );
        machine.file("work/pnpm-workspace.yaml", "packages:\n  - apps/*\n");
        let text = fs::read_to_string(lock(&machine, manager)).unwrap();
        let run = check(&machine, manager).exits(1);
        let found = locked(&run, manager);
        assert!(found.contains("\"claude-code\" \"2.1.150\" \"revoked\""), "{}: {found:?}", manager.name);
        assert!(found.contains("\"claude-code\" \"2.1.149\" \"revoked\""), "{}: {found:?}", manager.name);
        assert!(found.contains("\"openai-codex\" \"0.169.0\" \"unvetted\""), "{}: {found:?}", manager.name);
        match &first {
            None => first = Some((manager.name, found)),
            Some((name, expected)) => assert_eq!(&found, expected, "{} against {name}", manager.name),
        }
        // The platform packages of Codex are aliases, written in a way of its own by each manager.
        let mentions = mentions(&machine, manager);
        assert!(mentions.contains("@openai/codex-linux-x64 0.169.0 by @openai/codex"), "{}: {mentions:?}\n{text}", manager.name);
        assert_eq!(manager.states_integrity, is_integrity_stated(&machine, manager), "{}", manager.name);
    }
}

#[test]
fn a_clean_project_is_silent_whoever_locked_it() {
    if !has("npm") || !has("git") {
        return;
    }
    for manager in &LOCKERS {
        let machine = Machine::new();
        machine.file(
            "work/package.json",
            r#"{"name":"shop","version":"1.0.0","private":true,"workspaces":["apps/*"],"dependencies":{"left-pad":"^1.3.0"}}"#,
        );
        machine.file("work/apps/web/package.json", r#"{"name":"web","version":"1.0.0","dependencies":{"semver":"^7"}}"#);
        machine.file("work/pnpm-workspace.yaml", "packages:\n  - apps/*\n");
        lock(&machine, manager);
        let run = check(&machine, manager).exits(0);
        let json = run.json();
        assert_eq!((json["verdicts"].as_array().unwrap().len(), json["findings"].as_array().unwrap().len()), (0, 0), "{run}");
        let coverage = json["coverage"].to_string();
        assert!(!coverage.contains("not read by this version"), "{}: {coverage}", manager.name);
    }
}

/// What the lock names, read as the program reads it.
fn of_lock(machine: &Machine, manager: &Manager) -> Vec<vetted::evidence::Mention> {
    use vetted::gather::repository::{Interest, Which, mentions};
    let none: [(&str, &str); 0] = [];
    let env = vetted::world::env::Env::of_pairs(none, &machine.work(), vetted::tool::Os::Linux);
    let repository = vetted::world::git::Repository::discover(&env, &machine.work()).unwrap().unwrap();
    let catalogue = vetted::catalogue::Catalogue::built_in();
    let found = mentions(&repository, &Which::Staged, &catalogue, Interest::default()).unwrap();
    assert_eq!(found.oddities, []);
    found.mentions.into_iter().filter(|mention| mention.location.path == Path::new(manager.lock)).collect()
}

/// `package version by what brings it`.
fn mentions(machine: &Machine, manager: &Manager) -> BTreeSet<String> {
    let line = |mention: &vetted::evidence::Mention| {
        let vetted::evidence::Request::Exact(version) = &mention.request else { panic!("{mention:?}") };
        let by = mention.brought_by.last().map_or("nothing", String::as_str);
        format!("{} {} by {by}", mention.package.name, version.as_str())
    };
    of_lock(machine, manager).iter().map(line).collect()
}

fn is_integrity_stated(machine: &Machine, manager: &Manager) -> bool {
    let all = of_lock(machine, manager);
    let with = all.iter().filter(|mention| !mention.integrity.is_empty()).count();
    assert!(with == 0 || with == all.len(), "{}: {with} of {}", manager.name, all.len());
    with > 0
}
