//! Tools that scripts, workflows and images install, through the program: found in the index, shown with their lines, and blocked where
//! they are revoked.

use crate::support::Machine;
use std::path::Path;
use vetted::catalogue::Catalogue;
use vetted::evidence::{CoverageOutcome, Role};
use vetted::gather::repository::{Found, Interest, Which, mentions};
use vetted::tool::Os;
use vetted::world::env::Env;
use vetted::world::git::Repository;

fn look(machine: &Machine) -> Found {
    let none: [(&str, &str); 0] = [];
    let env = Env::of_pairs(none, &machine.work(), Os::Linux);
    let repository = Repository::discover(&env, &machine.work()).expect("it opens").expect("a repository");
    mentions(&repository, &Which::Index, &Catalogue::built_in(), Interest::default()).expect("it is read")
}

/// A repository with one file in its index, under the built-in starter policy, which revokes Claude Code 2.1.150.
fn repository(path: &str, text: &str) -> Machine {
    let machine = Machine::new();
    machine.git(&["init", "-q", "-b", "main"]);
    machine.file(&format!("work/{path}"), text);
    machine.git(&["add", "."]);
    machine
}

#[test]
fn each_way_to_install_a_revoked_version_is_blocked() {
    for (path, text) in [
        (".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - run: npm i -g @anthropic-ai/claude-code@VERSION\n"),
        (".gitlab-ci.yml", "a:\n  script:\n    - npx -y @anthropic-ai/claude-code@VERSION\n"),
        ("setup.sh", "curl -fsSL https://claude.ai/install.sh | bash -s -- VERSION\n"),
        ("Makefile", "ai:\n\t@bunx @anthropic-ai/claude-code@VERSION\n"),
        ("package.json", "{\"scripts\": {\"ai\": \"pnpm dlx @anthropic-ai/claude-code@VERSION\"}}"),
        ("Dockerfile", "FROM node:22\nRUN npm ci \\\n  && npm i -g @anthropic-ai/claude-code@VERSION\n"),
        ("mise.toml", "[tools]\nclaude = \"VERSION\"\n"),
        (".devcontainer/devcontainer.json", "{\"postCreateCommand\": \"npm i -g @anthropic-ai/claude-code@VERSION\"}"),
    ] {
        let run = repository(path, &text.replace("VERSION", "2.1.150"));
        let run = run.vetted(&["check", "--staged"]).exits(1);
        assert!(run.stdout.contains("VETTED-2026-0001") && run.stdout.contains(path), "{path}\n{run}");
        let clean = repository(path, &text.replace("VERSION", "2.1.329"));
        let run = clean.vetted(&["check", "--staged"]).exits(0);
        assert!(!run.stdout.contains("VETTED-2026-0001"), "{path}\n{run}");
    }
}

#[test]
fn each_mention_has_its_role_and_the_line_that_names_it() {
    let machine = repository(
        ".github/workflows/ci.yml",
        "jobs:\n  a:\n    container: mcp/fetch:1\n    steps:\n      - uses: openai/codex-action@v1\n        with: { codex-version: 0.100.0 }\n      - run: npx -y @google/gemini-cli\n",
    );
    machine.file("work/.vscode/extensions.json", "{\"recommendations\": [\"anthropic.claude-code\"]}");
    machine.git(&["add", "."]);
    let mut found: Vec<String> = look(&machine)
        .mentions
        .iter()
        .map(|m| {
            let quote = m.quote.as_ref().expect("a line");
            format!("{} {} {:?}", m.role.name(), m.location.line.unwrap_or(0), &quote.text[quote.part.clone()])
        })
        .collect();
    found.sort();
    let expected = [
        "action 5 \"openai/codex-action\"",
        "action 6 \"codex\"",
        "command 7 \"@google/gemini-cli\"",
        "container 3 \"mcp/fetch\"",
        "extension 1 \"anthropic.claude-code\"",
    ];
    assert_eq!(found, expected);
}

/// Commands have no lock file: what `package-lock.json` says of a package is no answer to `npx package@latest`.
#[test]
fn a_lock_file_answers_no_command() {
    let machine = repository("run.sh", "npx -y @anthropic-ai/claude-code@latest\n");
    machine.file(
        "work/package-lock.json",
        "{\"packages\": {\"\": {}, \"node_modules/@anthropic-ai/claude-code\": {\"version\": \"2.1.329\"}}}",
    );
    machine.git(&["add", "."]);
    let found = look(&machine);
    let of_script: Vec<_> = found.mentions.iter().filter(|m| m.location.path == Path::new("run.sh")).collect();
    assert_eq!(of_script.len(), 1);
    assert_eq!(of_script[0].role, Role::Command);
    assert!(matches!(&of_script[0].request, vetted::evidence::Request::Floating { locked: false, text } if text == "latest"));
}

#[test]
fn what_a_pipeline_includes_from_elsewhere_is_said() {
    let machine = repository(".gitlab-ci.yml", "include:\n  - remote: https://acme.example/ci.yml\na:\n  script: [make]\n");
    let found = look(&machine);
    let is_said = |c: &vetted::evidence::Coverage| matches!(&c.outcome, CoverageOutcome::Unsupported(why) if why.contains("https://acme.example/ci.yml"));
    assert!(found.coverage.iter().any(is_said), "{:?}", found.coverage);
    // A file of the repository is read where its name or its folder says what it is; of another one that is said.
    for (include, is_read) in [("/ci/lint.yml", true), ("x.gitlab-ci.yml", true), ("build/steps.yml", false)] {
        let machine = repository(".gitlab-ci.yml", &format!("include: '{include}'\n"));
        let said = look(&machine)
            .coverage
            .iter()
            .any(|c| matches!(&c.outcome, CoverageOutcome::Unsupported(why) if why.contains(include)));
        assert_eq!(said, !is_read, "{include}");
    }
}

/// One action, one carrier: what it installs is told once, and who chooses its version in words that fit an action.
#[test]
fn an_action_that_brings_an_agent_is_one_carrier() {
    let machine =
        repository(".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - uses: anthropics/claude-code-action@v1\n");
    let run = machine.vetted(&["check", "--staged", "--format", "json"]).exits(0);
    let json = run.json();
    let of = |code: &str| -> Vec<String> {
        let findings = json["findings"].as_array().expect("findings").iter().filter(|finding| finding["code"] == code);
        findings.map(|finding| finding["message"].as_str().expect("a message").to_owned()).collect()
    };
    assert_eq!(of("carrier"), ["it brings claude-code: who installs it gets that tool, too"], "{run}");
    let floating = of("floating-version");
    assert!(floating.len() == 2 && floating.iter().all(|message| message.starts_with("a tag or a branch can be moved")), "{run}");
}
