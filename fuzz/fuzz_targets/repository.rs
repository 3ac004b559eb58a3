//! Files of a repository as strangers write them: every format, by a path that the first byte chooses. Any bytes are read or said to be
//! odd, and what is found stands where it is said to stand.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;
use vetted::catalogue::Catalogue;
use vetted::gather::repository::read_for_fuzzing;

/// A path for each format. `.ci/fuzz` reads the order: a seed begins with the number of its path.
const PATHS: &[&str] = &[
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    ".yarnrc.yml",
    "node_modules/a/package.json",
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile",
    "Pipfile.lock",
    "pylock.toml",
    "setup.cfg",
    "setup.py",
    "Cargo.toml",
    "Cargo.lock",
    "go.mod",
    "go.sum",
    "Gemfile",
    "Gemfile.lock",
    ".github/workflows/ci.yml",
    "action.yml",
    ".gitlab-ci.yml",
    "install.sh",
    "Makefile",
    "justfile",
    "Taskfile.yml",
    "Dockerfile",
    "compose.yaml",
    ".devcontainer/devcontainer.json",
    "mise.toml",
    ".tool-versions",
    "Brewfile",
    "flake.nix",
    "flake.lock",
    "devbox.json",
    ".vscode/extensions.json",
    "a.code-workspace",
    ".pre-commit-config.yaml",
    ".mcp.json",
    ".claude/settings.json",
    ".cursor/mcp.json",
    ".vscode/mcp.json",
    ".codex/config.toml",
    ".gemini/settings.json",
    "opencode.json",
    ".windsurf/mcp_config.json",
    ".zed/settings.json",
    ".claude-plugin/marketplace.json",
    ".env",
    "AGENTS.md",
    "CLAUDE.md",
    ".cursorrules",
    "skills/a/SKILL.md",
    "models/a.safetensors",
    "src/a.py",
    "src/a.ts",
];

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let path = Path::new(PATHS[usize::from(*first) % PATHS.len()]);
    let found = read_for_fuzzing(path, bytes, &CATALOGUE);
    let lines = u32::try_from(bytes.iter().filter(|byte| **byte == b'\n').count() + 1).expect("a small file");
    for mention in &found.mentions {
        assert_eq!(mention.location.path, path);
        assert!(mention.location.line.is_none_or(|line| (1..=lines).contains(&line)), "{mention:?}");
        if let Some(quote) = &mention.quote {
            assert!(quote.text.get(quote.part.clone()).is_some_and(|part| !part.is_empty()), "{quote:?}");
        }
    }
    for directive in &found.directives {
        assert_eq!(directive.location.path, path);
    }
});
