//! The commands around the check: their help, `scan`, `explain`, `doctor`, completions and manual pages.

use crate::support::Machine;
use clap::CommandFactory as _;
use std::fs;
use vetted::policy::Code;

/// Every command with the words that lead to it.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    fn add(words: Vec<String>, command: &clap::Command, found: &mut Vec<(Vec<String>, clap::Command)>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            add([words.clone(), vec![sub.get_name().to_owned()]].concat(), sub, found);
        }
        found.push((words, command.clone()));
    }
    let mut found = Vec::new();
    add(Vec::new(), &vetted::cli::Cli::command(), &mut found);
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// The help of every command is a contract: a change to it shows as a change of a snapshot.
#[test]
fn help_of_every_command() {
    let machine = Machine::new();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _guard = settings.bind_to_scope();
    for (words, _) in commands() {
        let help = machine.vetted(&[words.clone(), vec!["--help".to_owned()]].concat()).exits(0).stdout;
        assert!(help.lines().all(|line| line.chars().count() <= 100), "wider than 100 columns:\n{help}");
        let name = [vec!["help".to_owned()], words].concat().join("-");
        insta::assert_snapshot!(name, help);
    }
}

/// A line above a command in the list of commands takes the place of everything that stands above its arguments. What a script needs
/// has to be in the help that people read.
#[test]
fn the_help_of_a_command_that_answers_by_its_status_says_which() {
    let machine = Machine::new();
    for words in ["check", "doctor", "sync", "verify", "policy check", "policy status"] {
        let words: Vec<_> = words.split(' ').chain(["--help"]).collect();
        let help = machine.vetted(&words).exits(0).stdout;
        assert!(help.contains("Exit status: 0 "), "{help}");
    }
}

/// One voice: a sentence without a full stop, in sentence case, for every command and every option.
#[test]
fn every_command_and_option_is_described() {
    let described = |what: String, text: Option<String>| {
        let text = text.unwrap_or_else(|| panic!("{what} has no description"));
        assert!(!text.ends_with('.') && !text.contains('!'), "{what}: {text}");
        assert!(text.starts_with(|c: char| c.is_uppercase()), "{what}: {text}");
    };
    for (words, command) in commands() {
        let name = words.join(" ");
        if !words.is_empty() {
            described(name.clone(), command.get_about().map(ToString::to_string));
        }
        for argument in command.get_arguments().filter(|a| !matches!(a.get_id().as_str(), "help" | "version")) {
            // One paragraph may stand alone; where there are several, the first is a heading.
            let text = argument.get_help().map(|h| h.to_string().trim_end_matches('.').to_owned());
            described(format!("{name} {}", argument.get_id()), text);
        }
    }
}

#[test]
fn what_was_mistyped_is_exit_status_2() {
    let machine = Machine::new();
    machine.vetted(&["chekc"]).exits(2);
    machine.vetted(&["scan", "--format", "xml"]).exits(2);
    machine.vetted::<&str>(&[]).exits(2);
    machine.vetted(&["--version"]).exits(0);
}

// scan

/// A machine with one tool on `PATH` and one that another package brought.
fn machine_with_tools() -> Machine {
    let machine = Machine::new();
    let modules = "home/.npm-global/lib/node_modules";
    machine.npm_package(&format!("{modules}/@google/gemini-cli"), "@google/gemini-cli", "0.61.0", "gemini");
    machine.npm_package(&format!("{modules}/task-master-ai"), "task-master-ai", "0.43.1", "task-master");
    let nested = format!("{modules}/task-master-ai/node_modules/@anthropic-ai/claude-code");
    machine.npm_package(&nested, "@anthropic-ai/claude-code", "2.1.197", "claude");
    let bin = machine.home().join(".npm-global/bin");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink("../lib/node_modules/@google/gemini-cli/cli.js", bin.join("gemini")).unwrap();
    machine
}

fn with_npm_on_path(machine: &mut Machine) {
    let path = format!("{}:/usr/bin:/bin", machine.home().join(".npm-global/bin").display());
    machine.env("PATH", path);
}

#[cfg(unix)]
#[test]
fn scan_lists_what_is_there_and_what_was_looked_at() {
    let mut machine = machine_with_tools();
    with_npm_on_path(&mut machine);
    let run = machine.vetted(&["scan"]).exits(0);
    let line = |tool: &str| run.stdout.lines().find(|l| l.starts_with(tool)).unwrap_or_else(|| panic!("{tool}\n{run}"));
    assert!(line("gemini-cli").contains("0.61.0"), "{run}");
    assert!(line("claude-code").contains("2.1.197"), "{run}");
    assert!(run.stdout.contains("brought by task-master-ai 0.43.1"), "{run}");
    assert!(run.stdout.contains("~/.npm-global/bin/gemini"), "{run}");
    assert!(run.stdout.contains("looked at: "), "{run}");
    assert!(!run.stdout.contains("revoked"), "an inventory judges nothing\n{run}");
    assert!(!run.stdout.contains('\u{1b}'), "no colour where nobody watches\n{run}");
    assert!(run.stdout.trim_end().ends_with("tools found"), "{run}");
}

#[cfg(unix)]
#[test]
fn scan_for_programs() {
    let mut machine = machine_with_tools();
    with_npm_on_path(&mut machine);
    let run = machine.vetted(&["scan", "--format", "json"]).exits(0);
    let json = run.json();
    assert_eq!(json["schema"], "vetted/inventory/v1");
    assert_eq!(json["now"], "2026-11-21T12:00:00Z");
    let tools = json["tools"].as_array().unwrap();
    let claude = tools.iter().find(|t| t["tool"] == "claude-code").unwrap_or_else(|| panic!("{run}"));
    assert_eq!(claude["version"], "2.1.197");
    assert_eq!(claude["package"], "pkg:npm/%40anthropic-ai/claude-code@2.1.197");
    assert_eq!(claude["brought_by"][0], "pkg:npm/task-master-ai@0.43.1");
    assert!(claude.get("verdict").is_none());
    assert_eq!(claude["digests"]["sha256"].as_str().map(str::len), Some(64));
    assert!(json["coverage"].as_array().unwrap().iter().any(|c| c["outcome"] == "looked"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut machine = Machine::new();
    let closed = machine.home().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        eprintln!("SKIPPED: this user reads what nobody may read");
        return;
    }
    machine.env("PATH", closed.display().to_string());
    let run = machine.vetted(&["scan"]).exits(0);
    assert!(run.stdout.contains("not looked at") && run.stdout.contains("~/closed"), "{run}");
    assert!(!run.stdout.contains("\nno tool found\n"), "{run}");
}

// explain

#[test]
fn every_code_is_explained_without_a_policy() {
    let machine = Machine::new();
    // A policy folder that cannot be believed must not keep the codes from being explained.
    machine.file("home/.config/vetted/vetted.toml", "not TOML [");
    for code in Code::ALL {
        let run = machine.vetted(&["explain", code.name()]).exits(0);
        assert!(run.stdout.starts_with(code.name()), "{run}");
        for part in ["Means.", "Matters.", "Cannot know.", "Do.", "Example."] {
            assert!(run.stdout.contains(part), "{part}\n{run}");
        }
        assert!(!run.stdout.contains("**") && !run.stdout.contains("```"), "{run}");
    }
}

#[test]
fn a_revocation_of_the_starter_policy() {
    let run = Machine::new().vetted(&["explain", "vetted-2026-0001"]).exits(0);
    for part in ["VETTED-2026-0001  revocation", "claude-code 2.1.91 up to, not including, 2.1.198", "undisclosed-tracking, high"]
    {
        assert!(run.stdout.contains(part), "{part}\n{run}");
    }
    // The advisory follows, laid out for a terminal.
    assert!(run.stdout.contains("\nWhat is not known\n"), "{run}");
    assert!(!run.stdout.contains("| ---") && !run.stdout.contains("## "), "{run}");
    let digests = |run: &crate::support::Run| run.stdout.matches("sha256:").count();
    assert_eq!(digests(&run), 0);
    let whole = Machine::new().vetted(&["explain", "VETTED-2026-0001", "--verbose"]).exits(0);
    assert!(digests(&whole) > 5, "{whole}");
}

#[test]
fn a_tool_of_the_catalogue() {
    let run = Machine::new().vetted(&["explain", "claude-code@2.1.197"]).exits(0);
    assert!(run.stdout.starts_with("claude-code  cli by Anthropic\n"), "{run}");
    assert!(run.stdout.contains("`@anthropic-ai/claude-code`"), "{run}");
    assert!(run.stdout.contains("VETTED-2026-0001"), "{run}");
}

#[test]
fn what_nothing_is_called_is_a_mistake_with_a_suggestion() {
    let run = Machine::new().vetted(&["explain", "revoked-tol"]).exits(2);
    insta::assert_snapshot!(run, @r#"
    exit status: 2
    --- stdout
    --- stderr
    vetted: nothing is called `revoked-tol`
      help: `vetted explain revoked-tool`
      help: `vetted explain revoked-use`
      help: `vetted explain revoked-model`
      help: `vetted check` names the codes and ids of what it finds
    "#);
    let hostile = Machine::new().vetted(&["explain", "x\u{1b}]0;owned\u{7}"]).exits(2);
    assert!(!hostile.stderr.contains('\u{1b}'), "{hostile}");
}

/// Under a policy that cannot be believed, an id may be one of its own: that is "not known", not "no such thing".
#[test]
fn an_id_of_a_policy_that_is_not_believed_is_undecided() {
    let machine = Machine::new();
    machine.file("home/.config/vetted/vetted.toml", "not TOML [");
    machine.vetted(&["explain", "ACME-2026-0042"]).exits(3);
}

// doctor

#[test]
fn a_fresh_machine_is_in_order() {
    let run = Machine::new().vetted(&["doctor"]).exits(0);
    for part in [
        "vetted/starter 1 (built in)",
        "neither the machine's folder [ROOT]/etc/vetted nor the user's ~/.config/vetted",
        "monitor: what is revoked blocks",
        "not in a git repository",
        "~/.cache/vetted/digests",
        "looked at",
    ] {
        assert!(unwrapped(&run.stdout).contains(part), "{part}\n{run}");
    }
}

/// The text with its line breaks and indents as single blanks.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_policy_that_is_not_believed_is_status_3_and_the_rest_is_still_said() {
    let machine = Machine::new();
    machine.file("home/.config/vetted/vetted.toml", "kind = \"vetted/manifest\"\n");
    let run = machine.vetted(&["doctor"]).exits(3);
    assert!(run.stdout.contains("coverage") && run.stdout.contains("1 thing to repair"), "{run}");
    machine.vetted(&["doctor", "--policy", "nowhere"]).exits(2);
}

#[test]
fn a_repository_without_the_hook_is_status_1() {
    let machine = Machine::new();
    machine.git(&["init", "-q"]);
    let run = machine.vetted(&["doctor"]).exits(1);
    assert!(run.stdout.contains("vetted hook install"), "{run}");
}

#[cfg(unix)]
#[test]
fn a_hook_counts_where_git_runs_it() {
    let machine = Machine::new();
    machine.git(&["init", "-q"]);
    machine.vetted(&["hook", "install"]).exits(0);
    let run = machine.vetted(&["doctor"]).exits(0);
    assert!(run.stdout.contains("in force"), "{run}");

    let hook = machine.work().join(".git/hooks/pre-commit");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let run = machine.vetted(&["doctor"]).exits(1);
    assert!(unwrapped(&run.stdout).contains("not executable"), "{run}");

    // The hook is whole again, and git looks for hooks elsewhere.
    machine.vetted(&["hook", "install"]).exits(0);
    machine.vetted(&["doctor"]).exits(0);
    machine.git(&["config", "core.hooksPath", ".husky"]);
    let run = machine.vetted(&["doctor"]).exits(1);
    assert!(unwrapped(&run.stdout).contains("core.hooksPath: .husky"), "{run}");

    let bare = machine.work().join("bare.git");
    machine.git(&["init", "-q", "--bare", "bare.git"]);
    let mut command = machine.command(env!("CARGO_BIN_EXE_vetted"));
    command.arg("doctor").current_dir(bare);
    machine.run(command).exits(0);
}

#[test]
fn on_a_ci_runner_nothing_is_kept() {
    let mut machine = Machine::new();
    machine.env("CI", "true");
    let run = machine.vetted(&["doctor"]).exits(0);
    assert!(run.stdout.contains("off, because this is a CI runner"), "{run}");
    machine.vetted(&["scan"]).exits(0);
    assert!(!machine.home().join(".cache").exists());
}

// completions and manual pages

#[test]
fn completions_know_every_command() {
    let machine = Machine::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = machine.vetted(&["completions", shell]).exits(0);
        for (words, _) in commands().into_iter().filter(|(words, _)| !words.is_empty()) {
            assert!(run.stdout.contains(words.last().unwrap().as_str()), "{shell}: {words:?}");
        }
    }
    let script = machine.vetted(&["completions", "bash"]).stdout;
    let file = machine.file("work/vetted.bash", script);
    machine.program("bash", &["-n".as_ref(), file.as_os_str()]).exits(0);
}

#[test]
fn a_manual_page_for_every_command() {
    let machine = Machine::new();
    machine.vetted(&["man", "--to", "man1"]).exits(0);
    let mut pages: Vec<String> =
        fs::read_dir(machine.work().join("man1")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    let mut expected: Vec<String> =
        commands().into_iter().map(|(words, _)| format!("{}.1", [vec!["vetted".to_owned()], words].concat().join("-"))).collect();
    expected.sort();
    assert_eq!(pages, expected);
    let one = machine.vetted(&["man", "scan"]).exits(0).stdout;
    assert_eq!(one.as_bytes(), fs::read(machine.work().join("man1/vetted-scan.1")).unwrap());
    assert!(one.contains(".TH vetted-scan 1"), "{one}");
    machine.vetted(&["man", "no-such-command"]).exits(2);
}

// JSON

/// Every key that a program may read is said in `docs/json.md`.
#[cfg(unix)]
#[test]
fn every_key_of_every_json_document_is_documented() {
    fn keys(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(object) => object.iter().for_each(|(key, value)| {
                found.insert(key.clone());
                keys(value, found);
            }),
            serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let mut machine = machine_with_tools();
    with_npm_on_path(&mut machine);
    machine.env("VETTED_KEY_PASSWORD", "a password");
    machine.file("home/bin/goose", "#!/bin/sh\n");
    let gone = machine.home().join(".local/bin/claude");
    fs::create_dir_all(gone.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("gone", gone).unwrap();
    machine.vetted(&["init"]).exits(0);
    // What is compared with is what is signed; the draft comes after what needs a policy in force.
    let signed = machine.home().join(".config/vetted/previous");
    let signed = signed.display().to_string();
    for (command, schema) in [
        ("scan", "inventory"),
        ("policy explain claude-code", "account"),
        ("policy status", "policy-status"),
        ("policy diff", "difference"),
        ("policy simulate --against home", "simulation"),
    ] {
        if command == "policy diff" {
            machine.vetted(&["revoke", "gemini-cli", "--introduced", "0", "--reason", "policy"]).exits(0);
        }
        let words: Vec<&str> = command.split(' ').map(|word| if word == "home" { signed.as_str() } else { word }).collect();
        let run = machine.vetted(&[&words[..], &["--format", "json"]].concat());
        let json = run.json();
        assert_eq!(json["schema"], format!("vetted/{schema}/v1"), "{run}");
        let heading = format!("## `vetted/{schema}/v1`");
        let section =
            docs.split("\n## ").find(|s| format!("## {s}").starts_with(&heading)).unwrap_or_else(|| panic!("{heading}"));
        let mut found = std::collections::BTreeSet::new();
        keys(&json, &mut found);
        for key in found.iter().filter(|key| !matches!(key.as_str(), "schema" | "sha256")) {
            assert!(section.contains(&format!("`{key}`")), "{key} of {schema} is not in docs/json.md\n{run}");
        }
    }
}

// Documentation

/// The words of a line as a shell has them: quotes, backslashes before a line's end, comments and redirections taken away.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let end = words.iter().position(|word| matches!(word.as_str(), "#" | ">" | "|" | "&&")).unwrap_or(words.len());
    words.truncate(end);
    words
}

/// Every command that the documentation shows is one that the program has, with options that it takes.
#[test]
fn every_command_of_the_documentation_can_be_typed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    pages.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let mut tried = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(page).unwrap().replace("\\\n", " ");
        let mut is_shell = false;
        for line in text.lines() {
            if let Some(language) = line.strip_prefix("```") {
                is_shell = matches!(language, "sh" | "console");
                continue;
            }
            let line = line.strip_prefix("$ ").unwrap_or(line);
            if !is_shell || !line.starts_with("vetted ") {
                continue;
            }
            // What a reader fills in is a fingerprint in every one of them.
            let filled_in = |part: &str| part.split_once('>').map_or(part.to_owned(), |(_, rest)| "0".repeat(64) + rest);
            let mut parts = line.split('<');
            let line = parts.next().unwrap_or_default().to_owned() + &parts.map(filled_in).collect::<String>();
            let result = vetted::cli::Cli::command().try_get_matches_from(shell_words(&line));
            assert!(result.is_ok(), "{}: {line}\n{}", page.display(), result.unwrap_err());
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried} commands were found");
}
