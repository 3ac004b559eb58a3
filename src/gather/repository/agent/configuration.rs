//! Which file configures which client, and what is looked for in it.
//!
//! The paths are those of the design's tools.md (3.3) and of the clients' own documentation: Claude Code "Settings" and "Plugins
//! reference", Codex "Configuration reference", Gemini CLI "Configuration", Cursor "Hooks", GitHub "Copilot CLI hooks reference", Qoder
//! "Hooks", Mistral "Vibe Code CLI: MCP servers" and "Hooks", Kimi "Config files", Zed "MCP" and "Tool permissions", Crush
//! "Configuration", Continue "MCP", Kiro "MCP configuration", VS Code "MCP configuration" and "Manage approvals".

use super::telling::Telling;
use super::{ends_with, hooks, is_at, mcp, plugins, settings};
use crate::gather::repository::document::{Node, Unreadable, json, jsonc, toml, yaml};
use crate::gather::repository::{Format, Place, Reading, Source};
use std::path::Path;

/// Files that only agents read.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("agent configuration", matches, read);

/// Files whose names others use as well: one that is something else says nothing here.
pub(in crate::gather::repository) const PERHAPS: Format =
    Format { is_told_by_name: false, ..Format::named("agent configuration", matches_perhaps, read_perhaps) };

/// How a file is written.
#[derive(Clone, Copy)]
enum Syntax {
    /// With comments and trailing commas: some clients take both, and those that take neither read the rest alike.
    Json,
    Toml,
    Yaml,
}

impl Syntax {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
        }
    }

    fn parse(self, bytes: &[u8]) -> Result<Node<'_>, Unreadable> {
        match self {
            // Two parsers: what is JSON without comments is read by the one that has no other idea of it.
            Self::Json => json::parse(bytes).or_else(|_| jsonc::parse(bytes)),
            Self::Toml => toml::parse(bytes),
            Self::Yaml => yaml::parse(bytes),
        }
    }
}

/// What is looked for in a file.
type Reader = fn(&mut Telling<'_, '_>, &Node<'_>);

/// A row: the ends of its paths, the client, the syntax, the reader.
type Row = (&'static [&'static str], &'static str, Syntax, Reader);

const FILES: &[Row] = &[
    (&[".mcp.json"], "claude-code", Syntax::Json, mcp_servers),
    (&[".claude/settings.json", ".claude/settings.local.json"], "claude-code", Syntax::Json, settings::claude),
    (&["managed-settings.json"], "claude-code", Syntax::Json, settings::claude),
    (&["managed-mcp.json"], "claude-code", Syntax::Json, mcp_servers),
    (&[".claude-plugin/plugin.json"], "claude-code", Syntax::Json, plugins::plugin),
    (&[".codex-plugin/plugin.json"], "openai-codex", Syntax::Json, plugins::plugin),
    (&[".qoder-plugin/plugin.json"], "qoder-cli", Syntax::Json, plugins::plugin),
    (&[".cursor-plugin/plugin.json"], "cursor", Syntax::Json, plugins::plugin),
    (&[".claude-plugin/marketplace.json"], "claude-code", Syntax::Json, plugins::marketplace),
    (&[".agents/plugins/marketplace.json"], "openai-codex", Syntax::Json, plugins::marketplace),
    (&["claude_desktop_config.json"], "claude-desktop", Syntax::Json, mcp_servers),
    (&[".cursor/mcp.json"], "cursor", Syntax::Json, mcp_servers),
    (&[".cursor/hooks.json"], "cursor", Syntax::Json, hooks_of),
    (&[".vscode/mcp.json"], "vscode", Syntax::Json, settings::vscode_mcp),
    (&[".vscode/settings.json"], "vscode", Syntax::Json, settings::vscode),
    (&[".vscode/tasks.json"], "vscode", Syntax::Json, settings::vscode_tasks),
    (&[".codex/config.toml"], "openai-codex", Syntax::Toml, settings::codex),
    (&[".codex/hooks.json"], "openai-codex", Syntax::Json, hooks_of),
    (&[".gemini/settings.json"], "gemini-cli", Syntax::Json, settings::gemini),
    (&["gemini-extension.json"], "gemini-cli", Syntax::Json, mcp_servers),
    (&[".qwen/settings.json"], "qwen-code", Syntax::Json, settings::gemini),
    (&["qwen-extension.json"], "qwen-code", Syntax::Json, mcp_servers),
    (&["opencode.json", "opencode.jsonc"], "opencode", Syntax::Json, settings::opencode),
    (&[".windsurf/mcp_config.json", "windsurf/mcp_config.json"], "windsurf", Syntax::Json, mcp_servers),
    (&[".windsurf/hooks.json"], "windsurf", Syntax::Json, hooks_of),
    (&[".roo/mcp.json"], "roo", Syntax::Json, mcp_servers),
    (&[".kilocode/mcp.json", ".kilocode/mcp.jsonc"], "kilo-cli", Syntax::Json, mcp_servers),
    (&[".copilot/mcp-config.json"], "copilot-cli", Syntax::Json, mcp_servers),
    (&[".junie/mcp/mcp.json"], "jetbrains-junie", Syntax::Json, mcp_servers),
    (&[".trae/mcp.json"], "trae-ide", Syntax::Json, mcp_servers),
    (&[".zed/settings.json"], "zed", Syntax::Json, settings::zed),
    (&[".qoder.json", ".qoder/settings.json", ".qoder/settings.local.json"], "qoder-cli", Syntax::Json, settings::claude),
    (&[".qoder-plugin/qoder-hooks.json"], "qoder-cli", Syntax::Json, hooks_of),
    (&[".factory/mcp.json"], "droid", Syntax::Json, mcp_servers),
    (&[".factory/settings.json"], "droid", Syntax::Json, settings::claude),
    (&[".letta/settings.json", ".letta/settings.local.json"], "letta-code", Syntax::Json, settings::claude),
    (&[".augment/settings.json"], "auggie", Syntax::Json, settings::claude),
    (&[".vibe/config.toml"], "mistral-vibe", Syntax::Toml, settings::vibe),
    (&[".vibe/hooks.toml"], "mistral-vibe", Syntax::Toml, hooks_of),
    (&[".kimi/mcp.json"], "kimi-cli", Syntax::Json, mcp_servers),
    (&[".kimi/config.toml"], "kimi-cli", Syntax::Toml, settings::kimi),
    (&[".openhands/mcp.json"], "openhands", Syntax::Json, mcp_servers),
    (&[".openhands/hooks.json"], "openhands", Syntax::Json, hooks_of),
    (&[".kiro/settings/mcp.json"], "kiro", Syntax::Json, mcp_servers),
    (&[".amazonq/mcp.json", ".amazonq/default.json"], "amazon-q", Syntax::Json, mcp_servers),
    (&[".continue/config.yaml"], "continue-cli", Syntax::Yaml, settings::continue_dev),
    (&[".aider.conf.yml"], "aider", Syntax::Yaml, settings::aider),
    (&["crush.json", ".crush.json"], "crush", Syntax::Json, settings::crush),
];

/// Files of these names may be anything: they say something only if it can be read.
const PERHAPS_FILES: &[Row] = &[
    (&["hooks/hooks.json"], "claude-code", Syntax::Json, hooks_of),
    (&[".lsp.json"], "claude-code", Syntax::Json, plugins::language_servers),
    (&[".devcontainer/devcontainer.json", ".devcontainer.json"], "vscode", Syntax::Json, settings::devcontainer),
    (&["cline_mcp_settings.json", "mcp_settings.json"], "", Syntax::Json, mcp_servers),
];

fn mcp_servers(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("mcpServers"));
}

fn hooks_of(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    hooks::read(telling, root.get("hooks"));
}

fn row(place: &Place<'_>) -> Option<&'static Row> {
    if !matches!(place.ending(), "json" | "jsonc" | "toml" | "yaml" | "yml") {
        return None;
    }
    FILES.iter().find(|(tails, ..)| tails.iter().any(|tail| is_at(place, tail)))
}

/// A folder of such files, or a name of its own.
fn row_perhaps(place: &Place<'_>) -> Option<Row> {
    if row(place).is_some() {
        return None;
    }
    let parent_is = |folder: &str| place.parent().is_some_and(|parent| ends_with(parent, folder));
    match place.ending() {
        // At the top alone: elsewhere it is a page of a site (`.well-known/mcp.json`) as well.
        "json" if **place == *Path::new("mcp.json") => Some((&[], "", Syntax::Json, mcp_servers)),
        "json" if parent_is(".github/hooks") => Some((&[], "copilot-cli", Syntax::Json, hooks_of)),
        "json" if parent_is(".continue/mcpServers") => Some((&[], "continue-cli", Syntax::Json, mcp_servers)),
        "yaml" | "yml" if parent_is(".continue/mcpServers") => Some((&[], "continue-cli", Syntax::Yaml, settings::continue_dev)),
        "code-workspace" => Some((&[], "vscode", Syntax::Json, settings::workspace)),
        "json" => PERHAPS_FILES.iter().find(|(tails, ..)| tails.iter().any(|tail| is_at(place, tail))).copied(),
        _ => None,
    }
}

fn matches(place: &Place<'_>) -> bool {
    row(place).is_some()
}

fn matches_perhaps(place: &Place<'_>) -> bool {
    row_perhaps(place).is_some()
}

fn read(source: &Source<'_>) -> Reading {
    let Some(&(_, client, syntax, reader)) = row(&Place::of(source.path)) else { return Reading::default() };
    // An empty file tells nothing, whatever its syntax would make of it.
    if source.bytes.trim_ascii().is_empty() {
        return Reading::default();
    }
    match syntax.parse(source.bytes) {
        Ok(root) => told(source, client, reader, &root),
        Err(error) => Reading::unreadable(source, syntax.name(), &error),
    }
}

fn read_perhaps(source: &Source<'_>) -> Reading {
    let Some((_, client, syntax, reader)) = row_perhaps(&Place::of(source.path)) else { return Reading::default() };
    syntax.parse(source.bytes).map(|root| told(source, client, reader, &root)).unwrap_or_default()
}

fn told(source: &Source<'_>, client: &'static str, reader: Reader, root: &Node<'_>) -> Reading {
    let mut telling = Telling::new(source, client);
    reader(&mut telling, root);
    telling.reading
}
