//! What agents are told: MCP servers, hooks, plugins, settings, and the texts that they take for instructions.
//!
//! `configuration` is the table of files and says which of the readers beside it look at each: `mcp` (servers), `hooks` (commands that
//! run when something happens), `settings` (the rest, a function a client), `plugins`. `base_url` reads one list of variables wherever
//! they are set, `hidden` what people do not see in `instructions`. Every directive is written by `telling`.

mod address;
mod base_url;
mod configuration;
mod hidden;
mod hooks;
mod instructions;
mod mcp;
mod plugins;
mod settings;
mod telling;

use super::Format;
use std::path::Path;

pub(super) const FORMATS: &[Format] =
    &[configuration::FORMAT, configuration::PERHAPS, base_url::FORMAT, instructions::FORMAT, plugins::CODE];

/// Whether a path ends in these parts, at any depth: `.claude/settings.json`. Case is ignored, because half of all file systems
/// ignore it.
fn ends_with(path: &Path, tail: &str) -> bool {
    let mut parts = path.iter().rev();
    tail.rsplit('/').all(|wanted| parts.next().is_some_and(|part| part.eq_ignore_ascii_case(wanted)))
}

/// Whether a file lies somewhere below a folder of these parts, at any depth.
fn is_below(path: &Path, folder: &str) -> bool {
    path.ancestors().skip(1).any(|above| above.file_name().is_some() && ends_with(above, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_whole_parts() {
        for (path, tail) in [("a/.claude/settings.json", ".claude/settings.json"), (".MCP.json", ".mcp.json")] {
            assert!(ends_with(Path::new(path), tail), "{path}");
        }
        for (path, tail) in [("x.mcp.json", ".mcp.json"), ("settings.json", ".claude/settings.json"), ("a/.claude", ".claude/a")]
        {
            assert!(!ends_with(Path::new(path), tail), "{path}");
        }
        assert!(is_below(Path::new("a/.claude/agents/b/c.md"), ".claude/agents"));
        assert!(!is_below(Path::new("a/.claude/agents"), ".claude/agents"));
        assert!(!is_below(Path::new("a/x.claude/agents/b.md"), ".claude/agents"));
    }
}
