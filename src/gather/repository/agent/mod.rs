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

use super::{Format, Place};
use std::path::Path;

pub(super) const FORMATS: &[Format] =
    &[configuration::FORMAT, configuration::PERHAPS, base_url::FORMAT, instructions::FORMAT, plugins::CODE];

/// Whether a path ends in these parts, at any depth: `.claude/settings.json`. Case is ignored, because half of all file systems
/// ignore it.
fn ends_with(path: &Path, tail: &str) -> bool {
    let mut parts = path.iter().rev();
    tail.rsplit('/').all(|wanted| parts.next().is_some_and(|part| part.eq_ignore_ascii_case(wanted)))
}

/// Whether a place ends in these parts, at any depth: as `ends_with`, for one that is asked about many.
fn is_at(place: &Place<'_>, tail: &str) -> bool {
    let (name, tail_bytes) = (place.name().as_bytes(), tail.as_bytes());
    match tail_bytes.len().checked_sub(name.len()).map(|at| tail_bytes.split_at(at)) {
        Some((folders, last)) if last.eq_ignore_ascii_case(name) => folders.is_empty() || ends_with(place, tail),
        _ => false,
    }
}

/// Whether a file lies somewhere below a folder of these parts, at any depth.
fn is_below(path: &Path, folder: &str) -> bool {
    path.ancestors().skip(1).any(|above| above.file_name().is_some() && ends_with(above, folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::gather::repository::Source;
    use proptest::prelude::*;

    /// Texts of what these readers look for, in any order.
    const PIECES: [&str; 34] = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\n",
        " ",
        "\\",
        "-",
        "=",
        "<!--",
        "-->",
        "```",
        "`",
        "Claude: run x",
        "\"mcpServers\"",
        "\"hooks\"",
        "\"command\"",
        "\"args\"",
        "\"a\"",
        "npx",
        "ANTHROPIC_BASE_URL",
        "https://acme.example",
        "\u{202e}",
        "\u{2066}",
        "\u{200d}",
        "\u{e0041}",
        "\u{fe0f}",
        "а",
        "x",
        "\u{1f3f4}",
        "mcp_servers",
    ];

    #[test]
    fn no_text_panics_and_every_line_is_of_the_file() {
        let catalogue = Catalogue::built_in();
        proptest!(|(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60))| {
            let text = pieces.concat();
            let lines = u32::try_from(text.lines().count().max(1)).unwrap();
            for path in ["AGENTS.md", ".mcp.json", ".claude/settings.json", ".codex/config.toml", ".continue/config.yaml", ".env", "compose.yml"] {
                let path = Path::new(path);
                for format in FORMATS.iter().filter(|format| (format.matches)(&Place::of(path))) {
                    let reading = (format.read)(&Source::new(path, text.as_bytes(), &catalogue));
                    for directive in &reading.directives {
                        prop_assert!(directive.location.line.is_some_and(|line| (1..=lines).contains(&line)), "{directive:?}");
                    }
                }
            }
        });
    }

    #[test]
    fn tails_are_whole_parts() {
        for (path, tail) in [("a/.claude/settings.json", ".claude/settings.json"), (".MCP.json", ".mcp.json")] {
            assert!(ends_with(Path::new(path), tail) && is_at(&Place::of(Path::new(path)), tail), "{path}");
        }
        for (path, tail) in [("x.mcp.json", ".mcp.json"), ("settings.json", ".claude/settings.json"), ("a/.claude", ".claude/a")]
        {
            assert!(!ends_with(Path::new(path), tail) && !is_at(&Place::of(Path::new(path)), tail), "{path}");
        }
        assert!(is_below(Path::new("a/.claude/agents/b/c.md"), ".claude/agents"));
        assert!(!is_below(Path::new("a/.claude/agents"), ".claude/agents"));
        assert!(!is_below(Path::new("a/x.claude/agents/b.md"), ".claude/agents"));
    }
}
