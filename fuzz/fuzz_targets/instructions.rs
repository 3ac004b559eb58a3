//! What agents are told: texts that they take for instructions, and settings, by a path that the first byte chooses. Any bytes are read;
//! what is told stands on a line of the file; there is an end to it; and plain text hides nothing but comments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;
use vetted::catalogue::Catalogue;
use vetted::evidence::{Hidden, Told};
use vetted::gather::repository::read_for_fuzzing;

const PATHS: &[&str] = &[
    "AGENTS.md",
    ".cursorrules",
    ".gemini/commands/a.toml",
    ".mcp.json",
    ".claude/settings.json",
    ".codex/config.toml",
    ".gemini/settings.json",
    "opencode.json",
    ".vscode/settings.json",
    ".vscode/tasks.json",
    ".zed/settings.json",
    ".continue/config.yaml",
    ".vibe/hooks.toml",
    ".claude-plugin/marketplace.json",
    ".env",
    "compose.yaml",
    "Dockerfile",
    "a.pt",
    "src/a.py",
];

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let path = Path::new(PATHS[usize::from(*first) % PATHS.len()]);
    let found = read_for_fuzzing(path, bytes, &CATALOGUE);
    let lines = u32::try_from(bytes.iter().filter(|byte| **byte == b'\n').count() + 1).expect("a small file");
    let mut hidden = 0;
    for directive in &found.directives {
        assert_eq!(directive.location.path, path);
        assert!(directive.location.line.is_some_and(|line| (1..=lines).contains(&line)), "{directive:?}");
        if let Told::HiddenText(text) = &directive.what {
            hidden += 1;
            assert!(!bytes.is_ascii() || matches!(text, Hidden::Comment { .. }), "{text:?}");
        }
    }
    assert!(hidden <= 64);
    for mention in &found.mentions {
        assert_eq!(mention.location.path, path);
        assert!(mention.location.line.is_none_or(|line| (1..=lines).contains(&line)), "{mention:?}");
    }
});
