//! Which files agents take for instructions: what stands in them is said to the model as if the user had said it.
//!
//! The names are those of the catalogue's `config_files` and of the list that several tools share (tools.md of the design, 3.3).

use super::{ends_with, hidden, is_at, is_below};
use crate::gather::repository::{Format, Place};
use std::path::Path;

/// This format. A link to another file is no oddity: `CLAUDE.md` is often one to `AGENTS.md`, which is read itself.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { is_told_by_name: false, ..Format::named("agent instructions", matches, hidden::read) };

/// Names that mean instructions wherever they lie.
const NAMES: [&str; 18] = [
    "AGENTS.md",
    "AGENTS.override.md",
    "AGENT.md",
    "CLAUDE.md",
    "CLAUDE.local.md",
    "GEMINI.md",
    "QWEN.md",
    "CRUSH.md",
    "WARP.md",
    "SKILL.md",
    "copilot-instructions.md",
    ".cursorrules",
    ".clinerules",
    ".windsurfrules",
    ".roorules",
    ".goosehints",
    ".augment-guidelines",
    ".github-copilot-instructions.md",
];

/// Endings that mean instructions for Copilot (VS Code, "Custom instructions") or Cursor ("Rules").
const ENDINGS: [&str; 5] = [".instructions.md", ".prompt.md", ".chatmode.md", ".agent.md", ".mdc"];

/// Folders whose texts are instructions, at any depth below.
const FOLDERS: [&str; 45] = [
    ".agents/skills",
    ".augment/agents",
    ".augment/commands",
    ".augment/rules",
    ".claude/agents",
    ".claude/commands",
    ".claude/output-styles",
    ".claude/rules",
    ".claude/skills",
    ".clinerules",
    ".codex/prompts",
    ".codex/skills",
    ".continue/prompts",
    ".continue/rules",
    ".continue/skills",
    ".cursor/agents",
    ".cursor/commands",
    ".cursor/rules",
    ".cursor/skills",
    ".factory/commands",
    ".factory/droids",
    ".factory/skills",
    ".gemini/agents",
    ".gemini/commands",
    ".gemini/policies",
    ".gemini/skills",
    ".github/agents",
    ".github/instructions",
    ".github/prompts",
    ".kimi/skills",
    ".kiro/steering",
    ".letta/skills",
    ".opencode/agent",
    ".opencode/agents",
    ".opencode/command",
    ".opencode/commands",
    ".opencode/skills",
    ".openhands/microagents",
    ".openhands/skills",
    ".pi",
    ".qoder/rules",
    ".qwen/agents",
    ".qwen/commands",
    ".qwen/skills",
    ".windsurf/rules",
];

/// Folders of rules of Roo (`.roo/rules-<mode>`) and of Vibe, and single files with a name of their own.
const MORE_FOLDERS: [&str; 6] =
    [".roo/rules", ".roo/commands", ".vibe/skills", ".vibe/agents", ".vibe/prompts", ".windsurf/workflows"];
const MORE_FILES: [&str; 4] = [".gemini/system.md", ".qoder/loop.md", ".kiro/steering.md", ".junie/guidelines.md"];

fn matches(place: &Place<'_>) -> bool {
    if place.is_called(&NAMES) {
        return !is_page(place);
    }
    let Some(name) = place.file_name().and_then(|name| name.to_str()) else { return false };
    let ending_is = |ending: &str| {
        name.len() > ending.len() && name.as_bytes()[name.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
    };
    if ENDINGS.iter().any(|ending| ending_is(ending)) || MORE_FILES.iter().any(|tail| is_at(place, tail)) {
        return true;
    }
    let is_text = match name.rsplit_once('.') {
        None | Some(("", _)) => true,
        Some((_, ending)) => {
            ["md", "txt", "mdx", "markdown", "toml", "yaml", "yml"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        }
    };
    // Most paths lie in no folder with a dot: they are not compared with every name.
    if !is_text || !place.parent().is_some_and(|parent| parent.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))) {
        return false;
    }
    FOLDERS.iter().chain(&MORE_FOLDERS).any(|folder| is_below(place, folder)) || is_rules_of_a_mode(place)
}

/// A page of documentation that only differs in case from a name of instructions: `docs/agents.md` is about agents.
fn is_page(path: &Path) -> bool {
    const FOLDERS: [&str; 6] = ["doc", "docs", "documentation", "content", "pages", "website"];
    let is_exact = path.file_name().is_some_and(|name| NAMES.iter().any(|known| name == *known));
    !is_exact && path.iter().any(|part| FOLDERS.iter().any(|folder| part.eq_ignore_ascii_case(folder)))
}

/// `.roo/rules-code/style.md`.
fn is_rules_of_a_mode(path: &Path) -> bool {
    path.ancestors().skip(1).any(|above| {
        let is_rules = above.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"rules-"));
        is_rules && above.parent().is_some_and(|parent| ends_with(parent, ".roo"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn what_agents_take_for_instructions() {
        for path in [
            "AGENTS.md",
            "docs/AGENTS.md",
            "packages/a/claude.md",
            ".cursorrules",
            ".cursor/rules/style.mdc",
            ".github/copilot-instructions.md",
            ".github/instructions/a.instructions.md",
            ".claude/agents/review.md",
            ".claude/skills/pdf/reference/forms.md",
            "plugins/x/skills/y/SKILL.md",
            ".gemini/commands/git/commit.toml",
            ".roo/rules-code/a.md",
            ".clinerules/a.md",
            ".agents/skills/a/notes.txt",
        ] {
            assert!(matches(&Place::of(Path::new(path))), "{path}");
        }
        for path in [
            "README.md",
            "docs/agents.md.txt",
            "src/claude.rs",
            ".claude/settings.json",
            ".claude/skills/x/logo.png",
            "rules/a.md",
            "mdc",
        ] {
            assert!(!matches(&Place::of(Path::new(path))), "{path}");
        }
    }

    #[test]
    fn every_text_that_the_catalogue_names_is_one() {
        let catalogue = Catalogue::built_in();
        for file in catalogue.tools().iter().flat_map(|tool| &tool.config_files) {
            let is_text = file.rsplit('.').next() == Some("md")
                || ["rules", "/skills/", "commands/"].iter().any(|part| file.contains(part));
            // What lies in a home is no file of a repository; a history of talks is no instruction.
            if !is_text || file.starts_with('~') || file.contains("history") || file.contains("wiki") {
                continue;
            }
            let path = file.replace("*.md", "x.md").replace("/*/", "/x/").replace("*.toml", "x.toml").replace('*', "x.md");
            assert!(matches(&Place::of(Path::new(&path))), "{file}");
        }
    }
}
