//! `vetted check --fix`: what is certain is shown first and written when it is agreed to; everything else stays as it is, and why is
//! said.

use crate::office::Office;
use crate::support::{Machine, Run};
use std::fs;
use std::path::Path;

/// Approvals by tool and version, those of one tool one after the other.
fn approvals(list: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (at, (tool, version)) in list.iter().enumerate() {
        if at == 0 || list[at - 1].0 != *tool {
            text += &format!("[[tool]]\nid = \"{tool}\"\n");
        }
        text += &format!(
            "[[tool.approval]]\nversion = \"{version}\"\n[[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"file\"\n\
             digest = {{ sha256 = \"{}\" }}\n",
            "a".repeat(64)
        );
    }
    text
}

/// A machine with a repository, under an organisation's policy with this in its manifest.
fn machine_under(manifest: &str) -> Machine {
    let office = Office::new();
    office.manifest(43, manifest);
    office.revocations(90211, "");
    let machine = Machine::with_repository();
    for entry in fs::read_dir(office.folder.path()).unwrap() {
        let entry = entry.unwrap();
        machine.file(&format!("etc/vetted/{}", entry.file_name().to_str().unwrap()), fs::read(entry.path()).unwrap());
    }
    machine.git(&["config", "core.autocrlf", "false"]);
    machine
}

/// [`machine_under`] with one version of each of these.
fn machine() -> Machine {
    machine_under(&approvals(&[("openai-codex", "0.170.0"), ("aider", "0.86.2")]))
}

fn staged(machine: &Machine, path: &str, text: &str) {
    machine.file(&format!("work/{path}"), text);
    machine.git(&["add", path]);
}

fn content(machine: &Machine, path: &str) -> String {
    fs::read_to_string(machine.work().join(path)).unwrap()
}

fn fix(machine: &Machine, more: &[&str]) -> Run {
    let arguments = [&["check", "--no-machine", "--fix"], more].concat();
    machine.vetted(&arguments)
}

const CODEX: &str = "{\n  \"dependencies\": {\n    \"@openai/codex\": \"^0.1.0\"\n  }\n}\n";
const PINNED: &str = "{\n  \"dependencies\": {\n    \"@openai/codex\": \"0.170.0\"\n  }\n}\n";

#[test]
fn it_is_shown_and_written_only_where_that_was_agreed_to() {
    let machine = machine();
    staged(&machine, "package.json", CODEX);
    let plain = machine.vetted(&["check", "--no-machine"]).exits(0);
    assert!(plain.stdout.contains("do      vetted check --fix"), "{plain}");
    assert!(plain.stdout.contains("pins it to 0.170.0"), "{plain}");
    assert!(!plain.stderr.contains("+++"), "{plain}");

    let shown = fix(&machine, &[]).exits(0);
    assert!(
        shown.stderr.contains(
            "--- a/package.json\n+++ b/package.json\n@@ -1,5 +1,5 @@\n {\n   \"dependencies\": {\n-    \"@openai/codex\": \"^0.1.0\"\n\
             +    \"@openai/codex\": \"0.170.0\"\n   }\n }\n"
        ),
        "{shown}"
    );
    assert!(shown.stderr.contains("nothing is changed: `--fix --yes`"), "{shown}");
    assert_eq!(content(&machine, "package.json"), CODEX);
    // What is shown is a patch that git takes.
    let patch = shown.stderr.split("warning:").next().unwrap();
    machine.file("patch", patch);
    machine.git(&["apply", "--check", "../patch"]);

    let written = fix(&machine, &["--yes"]).exits(0);
    assert!(written.stderr.contains("wrote package.json: @openai/codex 0.170.0"), "{written}");
    assert!(written.stderr.contains("`git add package.json`"), "{written}");
    assert_eq!(content(&machine, "package.json"), PINNED);
    // Nothing is staged: the index still floats, and the file is not what was judged any more.
    assert_eq!(machine.git(&["diff", "--name-only"]).trim(), "package.json");
    let again = fix(&machine, &["--yes"]).exits(0);
    assert!(again.stderr.contains("not what was judged") && again.stderr.contains("`git add package.json`"), "{again}");
    machine.git(&["add", "package.json"]);
    let clean = fix(&machine, &["--yes"]).exits(0);
    assert!(clean.stderr.contains("no fix is certain") && !clean.stdout.contains("floating"), "{clean}");
}

#[test]
fn what_blocks_still_blocks_after_it_was_written() {
    let machine = machine();
    staged(&machine, "package.json", &CODEX.replace("^0.1.0", "0.1.0"));
    let run = fix(&machine, &["--yes", "--staged"]).exits(1);
    assert_eq!(content(&machine, "package.json"), PINNED);
    assert!(run.stderr.contains("this answer is about what was there before"), "{run}");
    machine.git(&["add", "package.json"]);
    machine.vetted(&["check", "--no-machine", "--staged"]).exits(0);
}

#[test]
fn every_format_is_written_and_read_again_as_approved() {
    let npx = |word: &str| format!("{{\"mcpServers\": {{\"x\": {{\"command\": \"npx\", \"args\": [\"-y\", \"{word}\"]}}}}}}\n");
    let workflow = |word: &str| {
        format!(
            "on: push\njobs:\n  a:\n    steps:\n      - run: npm i -g {word}\n      - run: |\n          set -e\n          npx -y {word} --help\n"
        )
    };
    let action = |version: &str| {
        let uses = "openai/codex-action@0123456789012345678901234567890123456789";
        format!("jobs:\n  a:\n    steps:\n      - uses: {uses}\n        with:\n          codex-version: {version}\n")
    };
    let pyproject = |word: &str| {
        format!("[project]\nname = \"x\"\ndependencies = [\n  \"{word}\",\n]\n[dependency-groups]\na = [\"{word}\"]\n")
    };
    let formats: Vec<(&str, String, String)> = vec![
        ("package.json", CODEX.to_owned(), PINNED.to_owned()),
        ("crlf/package.json", CODEX.replace('\n', "\r\n"), PINNED.replace('\n', "\r\n")),
        ("bom/package.json", format!("\u{feff}{CODEX}"), format!("\u{feff}{PINNED}")),
        ("requirements.txt", "httpx\naider-chat>=0.80  # why\n".to_owned(), "httpx\naider-chat==0.86.2  # why\n".to_owned()),
        ("pyproject.toml", pyproject("aider-chat[x]~=0.80"), pyproject("aider-chat[x]==0.86.2")),
        ("setup.sh", "#!/bin/sh\nuvx aider-chat\n".to_owned(), "#!/bin/sh\nuvx aider-chat@0.86.2\n".to_owned()),
        ("uvx/run.sh", "uvx --from 'aider-chat==0.1' aider\n".to_owned(), "uvx --from 'aider-chat==0.86.2' aider\n".to_owned()),
        ("Makefile", "a:\n\tpip install aider-chat\n".to_owned(), "a:\n\tpip install aider-chat==0.86.2\n".to_owned()),
        (
            "Dockerfile",
            "FROM scratch\nRUN npm i -g @openai/codex\n".to_owned(),
            "FROM scratch\nRUN npm i -g @openai/codex@0.170.0\n".to_owned(),
        ),
        (".mcp.json", npx("@openai/codex@latest"), npx("@openai/codex@0.170.0")),
        (".cursor/mcp.json", npx("@openai/codex"), npx("@openai/codex@0.170.0")),
        (".github/workflows/a.yml", workflow("@openai/codex@^0.1"), workflow("@openai/codex@0.170.0")),
        (".github/workflows/b.yml", action("latest"), action("0.170.0")),
        (
            "same/run.sh",
            "npx @openai/codex@1 && npx @openai/codex@1\n".to_owned(),
            "npx @openai/codex@0.170.0 && npx @openai/codex@0.170.0\n".to_owned(),
        ),
    ];
    let machine = machine();
    for (path, before, _) in &formats {
        staged(&machine, path, before);
    }
    let run = fix(&machine, &["--yes"]);
    for (path, _, after) in &formats {
        assert_eq!(&content(&machine, path), after, "{path}\n{run}");
    }
    machine.git(&["add", "--all"]);
    let report = machine.vetted(&["check", "--no-machine", "--format", "json"]).json();
    let findings = report["findings"].as_array().unwrap();
    let codes = ["floating-version", "mcp-server-unpinned", "unvetted-tool"];
    let left: Vec<_> = findings.iter().filter(|f| codes.contains(&f["code"].as_str().unwrap())).collect();
    // The action itself is a tool of its own, and nobody approved it.
    assert!(matches!(left[..], [one] if one["tool"] == "action-codex"), "{left:#?}");
}

#[test]
fn several_approved_versions_are_named_and_none_is_chosen() {
    let machine =
        machine_under(&approvals(&[("openai-codex", "0.1.5"), ("openai-codex", "0.169.0"), ("openai-codex", "0.170.0")]));
    staged(&machine, "package.json", &CODEX.replace("^0.1.0", "latest"));
    let run = fix(&machine, &["--yes"]).exits(0);
    assert!(run.stderr.contains("package.json:3   @openai/codex latest"), "{run}");
    assert!(run.stderr.contains("several versions are approved: 0.1.5, 0.169.0, 0.170.0"), "{run}");
    assert!(!run.stdout.contains("vetted check --fix"), "{run}");
    assert_eq!(content(&machine, "package.json"), CODEX.replace("^0.1.0", "latest"));
    // A range that holds one of them chooses it.
    staged(&machine, "package.json", CODEX);
    fix(&machine, &["--yes"]).exits(0);
    assert_eq!(content(&machine, "package.json"), PINNED.replace("0.170.0", "0.1.5"));
}

#[test]
fn lock_files_are_never_written_and_what_renews_them_is_said() {
    let machine = machine();
    let lock = "{\"lockfileVersion\": 3, \"packages\": {\"\": {\"dependencies\": {\"@openai/codex\": \"^0.1.0\"}},\n\
        \"node_modules/@openai/codex\": {\"version\": \"0.1.9\"}}}\n";
    staged(&machine, "package.json", CODEX);
    staged(&machine, "package-lock.json", lock);
    let run = fix(&machine, &["--yes"]).exits(1);
    assert_eq!(content(&machine, "package-lock.json"), lock);
    assert_eq!(content(&machine, "package.json"), PINNED);
    assert!(run.stderr.contains("package-lock.json:2   @openai/codex 0.1.9\n    it is a lock file"), "{run}");
    assert!(run.stderr.contains("`npm install --package-lock-only` in the folder of package-lock.json renews it"), "{run}");
}

#[test]
fn a_file_that_is_not_what_was_judged_is_left_alone() {
    let machine = machine();
    staged(&machine, "package.json", CODEX);
    let dirty = CODEX.replace("codex\": \"^0.1.0\"", "codex\": \"^0.1.0\", \"x\": \"1\"");
    machine.file("work/package.json", &dirty);
    let run = fix(&machine, &["--yes"]).exits(0);
    assert_eq!(content(&machine, "package.json"), dirty);
    assert!(run.stderr.contains("`git add package.json` or `git stash` first"), "{run}");
    fs::remove_file(machine.work().join("package.json")).unwrap();
    let run = fix(&machine, &["--yes"]).exits(0);
    assert!(run.stderr.contains("it is not in the work tree"), "{run}");
    assert!(!machine.work().join("package.json").exists());
}

#[test]
fn carriage_returns_that_git_takes_out_stay_in_the_work_tree() {
    let machine = machine();
    machine.git(&["config", "core.autocrlf", "true"]);
    staged(&machine, "package.json", &CODEX.replace('\n', "\r\n"));
    assert_eq!(machine.git(&["show", ":package.json"]), CODEX, "git keeps it without");
    fix(&machine, &["--yes"]).exits(0);
    assert_eq!(content(&machine, "package.json"), PINNED.replace('\n', "\r\n"));
}

#[cfg(unix)]
#[test]
fn links_are_never_written_through() {
    use std::os::unix::fs::symlink;
    let machine = machine();
    let outside = machine.file("outside/package.json", CODEX);
    staged(&machine, "package.json", CODEX);
    staged(&machine, "web/package.json", CODEX);
    fs::remove_file(machine.work().join("package.json")).unwrap();
    symlink(&outside, machine.work().join("package.json")).unwrap();
    fs::remove_dir_all(machine.work().join("web")).unwrap();
    symlink(outside.parent().unwrap(), machine.work().join("web")).unwrap();
    let run = fix(&machine, &["--yes"]).exits(0);
    assert_eq!(run.stderr.matches("a symbolic link stands in its path").count(), 2, "{run}");
    assert_eq!(fs::read_to_string(&outside).unwrap(), CODEX);
    assert!(fs::symlink_metadata(machine.work().join("package.json")).unwrap().is_symlink());
    // A link that is committed as one is no file to write.
    machine.git(&["add", "package.json"]);
    fix(&machine, &["--yes"]);
    assert_eq!(fs::read_to_string(&outside).unwrap(), CODEX);
}

#[cfg(unix)]
#[test]
fn the_mode_stays_and_a_file_that_is_read_only_does_too() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = machine();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let script = machine.work().join("run.sh");
    staged(&machine, "run.sh", "npx @openai/codex\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o750)).unwrap();
    fix(&machine, &["--yes"]).exits(0);
    assert_eq!((content(&machine, "run.sh").as_str(), mode(&script)), ("npx @openai/codex@0.170.0\n", 0o750));
    staged(&machine, "package.json", CODEX);
    let manifest = machine.work().join("package.json");
    fs::set_permissions(&manifest, fs::Permissions::from_mode(0o444)).unwrap();
    let run = fix(&machine, &["--yes"]).exits(0);
    assert!(run.stderr.contains("the file is read-only"), "{run}");
    assert_eq!((content(&machine, "package.json").as_str(), mode(&manifest)), (CODEX, 0o444));
}

#[test]
fn data_stays_data() {
    let machine = machine();
    staged(&machine, "package.json", CODEX);
    for format in ["json", "sarif", "gitlab"] {
        let run = fix(&machine, &["--format", format]).exits(0);
        run.json();
        assert!(run.stderr.contains("+    \"@openai/codex\": \"0.170.0\""), "{run}");
    }
    let help = machine.vetted(&["check", "--no-machine", "--format", "json"]).json()["findings"][0]["help"].to_string();
    assert!(help.contains("vetted check --fix"), "{help}");
}

/// On a terminal it asks, and what is no yes is a no.
#[cfg(unix)]
#[test]
fn on_a_terminal_it_asks() {
    let machine = machine();
    staged(&machine, "package.json", CODEX);
    let answer = |text: &str| {
        let answer = fs::File::open(machine.file("answer", text)).unwrap();
        let mut command = machine.command("script");
        let line = format!("{} check --no-machine --fix", env!("CARGO_BIN_EXE_vetted"));
        command.args(["-qec", &line, "/dev/null"]).stdin(answer);
        machine.run(command)
    };
    if machine.command("script").arg("--version").output().is_err() {
        eprintln!("there is no `script` here to make a terminal with");
        return;
    }
    let no = answer("n\n").exits(0);
    assert!(no.stdout.contains("write 1 file? [y/N]") && no.stdout.contains("nothing is changed"), "{no}");
    assert!(no.stdout.find("+++").unwrap() < no.stdout.find("[y/N]").unwrap(), "it is shown first\n{no}");
    assert_eq!(content(&machine, "package.json"), CODEX);
    let yes = answer("y\n").exits(0);
    assert!(yes.stdout.contains("wrote package.json"), "{yes}");
    assert_eq!(content(&machine, "package.json"), PINNED);
}

#[test]
fn it_is_refused_where_there_is_nothing_to_write() {
    let machine = machine();
    for arguments in [&["--range", "a..b"][..], &["--message", "x"]] {
        fix(&machine, arguments).exits(2);
    }
    machine.vetted(&["check", "--yes"]).exits(2);
    machine.git(&["init", "-q", "--bare", "../bare"]);
    let mut command = machine.command(env!("CARGO_BIN_EXE_vetted"));
    command.args(["check", "--fix", "--no-machine"]).current_dir(machine.work().join("../bare"));
    let run = machine.run(command).exits(2);
    assert!(run.stderr.contains("has no work tree"), "{run}");
    let nowhere = Machine::new();
    let run = nowhere.vetted(&["check", "--fix"]).exits(2);
    assert!(run.stderr.contains("there is no git repository here"), "{run}");
}

#[test]
fn a_file_in_conflict_is_left_alone() {
    let machine = machine();
    let version = |text: &str| CODEX.replace("^0.1.0", text);
    let commit = |text: &str| {
        staged(&machine, "package.json", &version(text));
        machine.git(&["commit", "-qm", text]);
    };
    commit("^0.1.0");
    machine.git(&["switch", "-qc", "other"]);
    commit("^0.2.0");
    machine.git(&["switch", "-q", "main"]);
    commit("^0.3.0");
    machine.program("git", &["merge", "other"]).exits(1);
    let before = content(&machine, "package.json");
    let run = fix(&machine, &["--yes"]);
    assert!(run.stderr.contains("in conflict"), "{run}");
    assert_eq!(content(&machine, "package.json"), before);
}

#[test]
fn the_definition_of_an_approved_server_is_left_alone() {
    let text = "{\"mcpServers\": {\"x\": {\"command\": \"npx\", \"args\": [\"@openai/codex\"]}}}\n";
    let digest = vetted::digest::Digest::sha256_of(b"{\"command\":\"npx\",\"args\":[\"@openai/codex\"]}").hex();
    let directive = format!(
        "[[directive]]\nid = \"D-1\"\nkind = \"mcp-server\"\nname = \"x\"\nsha256 = \"{digest}\"\n\
         approved = {{ by = [\"alice\", \"bob\"], at = 2026-11-20T00:00:00Z }}\n"
    );
    let machine = machine_under(&format!("{}{directive}", approvals(&[("openai-codex", "0.170.0")])));
    staged(&machine, ".mcp.json", text);
    let run = fix(&machine, &["--yes"]);
    assert!(run.stderr.contains("the definition of the server is approved as it is"), "{run}");
    assert_eq!(content(&machine, ".mcp.json"), text);
}
