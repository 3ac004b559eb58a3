//! Programs that manage hooks, each with the file that `docs/hooks.md` shows for it: they let commits and pushes through that are in
//! order, and stop those that are not, however git prepares them.
//!
//! `VETTED_TEST_TOOLS` is a folder with pre-commit, prek and lefthook, `VETTED_TEST_HOOKS` one with the packages of husky and
//! simple-git-hooks, `VETTED_TEST_WHEELS` one with a wheel of this program. Every one of them runs in a temporary repository, with no variable of git's around it.

use crate::named;
use crate::support::{Machine, Run};
use std::fs;
use std::path::{Path, PathBuf};

const SIGNED: &str = "signed\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n";

fn tools(name: &str) -> Option<PathBuf> {
    named("VETTED_TEST_TOOLS", &format!("folder with {name}")).map(|folder| folder.join(name))
}

fn packages() -> Option<PathBuf> {
    named("VETTED_TEST_HOOKS", "folder with the packages of husky and simple-git-hooks").map(|folder| folder.join("node_modules"))
}

/// What the documentation has for a file: the block of code below the line that names it.
fn documented(file: &str) -> String {
    below(&format!("`{file}`:"))
}

fn below(line: &str) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hooks.md")).unwrap();
    let (_, below) = page.split_once(&format!("\n{line}\n\n```")).unwrap_or_else(|| panic!("{line}"));
    let (_, code) = below.split_once('\n').unwrap();
    code.split_once("\n```").unwrap().0.to_owned() + "\n"
}

/// A repository with a server beside it, and these programs on `PATH`.
fn with_programs(folders: &[&Path]) -> Machine {
    let mut machine = Machine::with_repository();
    // A file of its own: links that other tests make and remove would change the one that a check of this machine reads.
    let program = machine.bin().join("vetted");
    fs::remove_file(&program).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_vetted"), &program).unwrap();
    let node = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).find(|folder| folder.join("node").is_file());
    let folders: Vec<PathBuf> = [machine.bin()]
        .into_iter()
        .chain(folders.iter().map(|folder| (*folder).to_owned()))
        .chain(node)
        .chain(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from))
        .collect();
    machine.env("PATH", std::env::join_paths(folders).unwrap().to_str().unwrap());
    machine.env("PRE_COMMIT_HOME", machine.home().join("pre-commit").to_str().unwrap());
    machine.env("PREK_HOME", machine.home().join("prek").to_str().unwrap());
    machine.git(&["init", "-q", "--bare", "-b", "main", "../server.git"]);
    machine.git(&["remote", "add", "origin", "../server.git"]);
    machine
}

/// Commits and pushes that every manager has to let through and to stop. `renew` is what it needs in a new worktree.
fn stops_what_is_wrong(machine: &Machine, manager: &str, renew: &dyn Fn(&Path)) {
    machine.git(&["add", "--all"]);
    machine.git(&["commit", "-qm", "first"]);
    machine.git(&["push", "-q", "origin", "main"]);
    machine.git(&["worktree", "add", "-q", "-b", "linked", "../linked tree"]);
    renew(&machine.work().join("../linked tree"));
    for folder in [machine.work(), machine.work().join("../linked tree")] {
        commits_wait(machine, manager, &folder);
    }
    pushes_wait(machine, manager);
    messages_wait(machine, manager);
}

fn commits_wait(machine: &Machine, manager: &str, folder: &Path) {
    let git = |arguments: &[&str]| {
        let mut command = machine.command("git");
        command.args(arguments).current_dir(folder);
        machine.run(command)
    };
    let path = "a b/it's ä/package-lock.json";
    let write = |versions: &[&str]| {
        let line =
            |version: &&str| format!("\"{version}/node_modules/@anthropic-ai/claude-code\": {{\"version\": \"{version}\"}},\n");
        let lines: String = versions.iter().map(line).collect();
        let text = format!("{{\"lockfileVersion\": 3, \"packages\": {{\n{lines}\n\n\n\n\n\"\": {{}}}}}}\n");
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), text).unwrap();
    };
    let stopped = |run: Run| {
        assert_ne!(run.status, 0, "{manager}: {run}");
        assert!(run.to_string().contains("2.1.150") && run.to_string().contains("package-lock.json"), "{manager}: {run}");
    };
    let passes = |run: Run| assert_eq!(run.status, 0, "{manager}: {run}");
    write(&["2.1.329"]);
    git(&["add", "."]);
    passes(git(&["commit", "-qm", "green"]));
    // What is staged has it, the work tree does not; then the other way round.
    write(&["2.1.150"]);
    git(&["add", "."]);
    write(&["2.1.330"]);
    stopped(git(&["commit", "-qm", "red"]));
    git(&["add", "."]);
    write(&["2.1.330", "2.1.150"]);
    passes(git(&["commit", "-qm", "part"]));
    stopped(git(&["commit", "-qam", "all"]));
    stopped(git(&["commit", "-qm", "path", path]));
    write(&["2.1.331"]);
    passes(git(&["commit", "-qm", "path", path]));
    write(&["2.1.332"]);
    passes(git(&["commit", "-qam", "all"]));
}

fn pushes_wait(machine: &Machine, manager: &str) {
    let push = |arguments: &[&str]| machine.program("git", &[&["push", "-q", "origin"], arguments].concat());
    let lock = |version: &str| {
        machine.file("work/package.json", format!("{{\"dependencies\": {{\"@anthropic-ai/claude-code\": \"{version}\"}}}}\n"));
        machine.git(&["add", "package.json"]);
        machine.git(&["commit", "-q", "--no-verify", "-m", version]);
    };
    let kept = fs::read(machine.work().join("package.json")).ok();
    lock("2.1.150");
    for arguments in [&["main"][..], &["main:new"], &["HEAD:refs/tags/v1"]] {
        let run = push(arguments);
        assert!(run.status != 0 && run.to_string().contains("2.1.150"), "{manager} {arguments:?}: {run}");
    }
    assert_eq!(machine.git(&["-C", "../server.git", "for-each-ref", "--format=%(refname)"]).trim(), "refs/heads/main");
    lock("2.1.329");
    for arguments in [&["main"][..], &["main:new"], &["--delete", "new"]] {
        let run = push(arguments);
        assert_eq!(run.status, 0, "{manager} {arguments:?}: {run}");
    }
    if let Some(kept) = kept {
        machine.file("work/package.json", kept);
    }
}

/// Comes last, because afterwards nothing of this tool passes.
fn messages_wait(machine: &Machine, manager: &str) {
    let commit = |message: &str| {
        machine.file("work/notes", message);
        machine.git(&["add", "notes"]);
        machine.program("git", &["commit", "-qm", message])
    };
    let run = commit(SIGNED);
    assert_eq!(run.status, 0, "{manager}: {run}");
    machine.file(
        "home/.config/vetted/vetted-user.toml",
        "kind = \"vetted/manifest\"\nschema = 1\nname = \"alice.example/own\"\nserial = 1\nissued = 2026-11-20T00:00:00Z\n\
         expires = 2027-11-20T00:00:00Z\nmode = \"enforce\"\n[[revocation]]\nid = \"OWN-1\"\naffected = [{ tool = \"claude-code\" }]\n\
         reason = \"policy\"\nseverity = \"high\"\neffective = 2026-11-20T00:00:00Z\nmessage = \"Not here.\"\n",
    );
    let run = commit(&format!("again {SIGNED}"));
    assert!(run.status != 0 && run.to_string().contains("OWN-1"), "{manager}: {run}");
    let run = commit("unsigned");
    assert_eq!(run.status, 0, "{manager}: {run}");
}

#[test]
fn frameworks_run_the_hooks_of_this_repository() {
    for name in ["pre-commit", "prek"] {
        let Some(program) = tools(name) else { continue };
        let machine = with_programs(&[]);
        let hooks = machine.home().join("hooks of vetted");
        machine.file(
            "home/hooks of vetted/.pre-commit-hooks.yaml",
            fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml")).unwrap(),
        );
        let hooks = hooks.to_str().unwrap();
        machine.git(&["init", "-q", hooks]);
        machine.git(&["-C", hooks, "add", "."]);
        machine.git(&["-C", hooks, "commit", "-qm", "x"]);
        machine.git(&["-C", hooks, "tag", "v0.1.0"]);
        let config = documented(".pre-commit-config.yaml");
        let config = config.replace("https://github.com/vetted/vetted", hooks);
        machine.file("work/.pre-commit-config.yaml", config);
        machine.git(&["add", "."]);
        machine.program(program.to_str().unwrap(), &["install"]).exits(0);
        stops_what_is_wrong(&machine, name, &|_| {});
    }
}

/// A machine without a toolchain and without `vetted`: pip brings it.
#[test]
fn a_framework_takes_the_wheel() {
    let (Some(program), Some(wheels)) = (tools("pre-commit"), named("VETTED_TEST_WHEELS", "folder with a wheel")) else { return };
    let machine = with_programs(&[]);
    fs::remove_file(machine.bin().join("vetted")).unwrap();
    machine.file("work/.pre-commit-config.yaml", below("`.pre-commit-config.yaml`, with a wheel:"));
    machine.git(&["add", "."]);
    machine.program(program.to_str().unwrap(), &["install"]).exits(0);
    // What else pip needs comes from where the user's configuration says.
    let mut command = machine.command(&program);
    command.arg("install-hooks");
    for (name, value) in std::env::vars().filter(|(name, _)| name.starts_with("PIP_") || name == "HOME") {
        command.env(name, value);
    }
    let elsewhere = std::env::var("PIP_FIND_LINKS").unwrap_or_default();
    command.env("PIP_FIND_LINKS", format!("{} {elsewhere}", wheels.display()));
    machine.run(command).exits(0);
    commits_wait(&machine, "pre-commit with a wheel", &machine.work());
}

#[test]
fn lefthook_runs_what_is_documented() {
    let Some(program) = tools("lefthook") else { return };
    let machine = with_programs(&[program.parent().unwrap()]);
    machine.file("work/lefthook.yml", documented("lefthook.yml"));
    machine.program(program.to_str().unwrap(), &["validate"]).exits(0);
    machine.program(program.to_str().unwrap(), &["install"]).exits(0);
    stops_what_is_wrong(&machine, "lefthook", &|_| {});
}

#[test]
fn husky_runs_what_is_documented_and_status_knows_it() {
    let Some(packages) = packages() else { return };
    let machine = with_programs(&[]);
    for hook in ["pre-commit", "commit-msg", "pre-push"] {
        let file = format!(".husky/{hook}");
        machine.file(&format!("work/{file}"), documented(&file));
    }
    let husky = |folder: &Path| {
        let mut command = machine.command("node");
        command.arg(packages.join("husky/bin.js")).current_dir(folder);
        machine.run(command).exits(0);
    };
    husky(&machine.work());
    let status = machine.vetted(&["hook", "status"]).exits(0);
    assert_eq!(status.stdout.matches("in force: husky runs").count(), 3, "{status}");
    let refused = machine.vetted(&["hook", "install", "--kind", "pre-push"]).exits(2);
    assert!(refused.stderr.contains("husky owns the hooks"), "{refused}");
    stops_what_is_wrong(&machine, "husky", &husky);
}

#[test]
fn simple_git_hooks_runs_what_is_documented() {
    let Some(packages) = packages() else { return };
    let machine = with_programs(&[]);
    machine.file("work/package.json", documented("package.json"));
    let run = machine.program("node", &[packages.join("simple-git-hooks/cli.js")]);
    assert_eq!(run.status, 0, "{run}");
    for hook in ["pre-commit", "commit-msg", "pre-push"] {
        assert!(machine.work().join(".git/hooks").join(hook).is_file(), "{hook}: {run}");
    }
    stops_what_is_wrong(&machine, "simple-git-hooks", &|_| {});
}
