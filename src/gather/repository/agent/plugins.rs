//! Plugins: what one brings along, and where more of them are taken from (Claude Code, "Plugins reference" and "Plugin marketplaces";
//! other vendors' tools read the same files).

use super::telling::{Telling, shortened};
use super::{ends_with, hooks, mcp};
use crate::digest::Digest;
use crate::evidence::{Directive, Told};
use crate::gather::repository::document::{Member, Node, Value};
use crate::gather::repository::{Format, Place, Reading, Source};

/// Code that opencode loads and runs when it starts, without being told so anywhere else (tools.md of the design, 3.3).
pub(in crate::gather::repository) const CODE: Format =
    Format { is_told_by_name: false, ..Format::named("opencode plugin", is_code, read_code) };

fn is_code(place: &Place<'_>) -> bool {
    let is_script = matches!(place.ending(), "js" | "ts" | "mjs" | "cjs");
    is_script
        && place.parent().is_some_and(|parent| ends_with(parent, ".opencode/plugin") || ends_with(parent, ".opencode/plugins"))
}

fn read_code(source: &Source<'_>) -> Reading {
    let name = source.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let directive = Directive {
        what: Told::Command { event: "plugin".to_owned(), command: shortened(&name) },
        client: Some("opencode".to_owned()),
        digest: Digest::sha256_of(source.bytes),
        location: source.at(Some(1)),
        quote: None,
    };
    Reading { directives: vec![directive], ..Reading::default() }
}

/// `plugin.json`: hooks and servers stand in it, or in files that are read where they lie.
pub(super) fn plugin(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    parts(telling, root);
    language_servers_of(telling, root.get("lspServers"));
}

/// The hooks and servers of a plugin or of a marketplace's entry.
fn parts(telling: &mut Telling<'_, '_>, plugin: &Node<'_>) {
    let all = |key: &str| {
        plugin
            .get(key)
            .map(|node| if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() })
            .unwrap_or_default()
    };
    for given in all("hooks") {
        // With or without the wrapper of a file of hooks.
        hooks::read(telling, Some(given.get("hooks").unwrap_or(given)));
    }
    for given in all("mcpServers") {
        mcp::read(telling, Some(given.get("mcpServers").unwrap_or(given)));
    }
}

/// `.lsp.json`: language servers are programs that the client starts.
pub(super) fn language_servers(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    language_servers_of(telling, Some(root));
}

/// Language servers by name, each with `command` and `args`, or with one list of words.
pub(super) fn language_servers_of(telling: &mut Telling<'_, '_>, servers: Option<&Node<'_>>) {
    for Member { value, .. } in servers.map(Node::members).unwrap_or_default() {
        let Some(command) = value.member("command") else { continue };
        let words = super::telling::words_of(&command.value).unwrap_or_default();
        let arguments = value.get("args").map(Node::items).unwrap_or_default().iter().filter_map(Node::scalar);
        let line: Vec<&str> = words.into_iter().chain(arguments).collect();
        telling.command("lsp", &line.join(" "), value, command.line);
    }
}

/// `marketplace.json`: plugins that lie elsewhere are taken from there, and some bring their parts in the entry itself.
pub(super) fn marketplace(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    for entry in root.get("plugins").map(Node::items).unwrap_or_default() {
        let name = entry.get("name").and_then(Node::text).unwrap_or_default();
        if let Some(source) = entry.member("source") {
            place(telling, name, &source.value, source.line);
        }
        parts(telling, entry);
    }
}

/// Marketplaces that a client is to know: `name: { source: { source: "github", repo: "acme/plugins" } }`.
pub(super) fn known_marketplaces(telling: &mut Telling<'_, '_>, marketplaces: Option<&Node<'_>>) {
    for Member { key, line, value } in marketplaces.map(Node::members).unwrap_or_default() {
        place(telling, key, value.get("source").unwrap_or(value), *line);
    }
}

/// Where a plugin or a marketplace lies. A path of this repository is no other place: its files are read where they lie.
fn place(telling: &mut Telling<'_, '_>, name: &str, source: &Node<'_>, line: u32) {
    const KEYS: [&str; 5] = ["url", "repo", "package", "path", "hostPattern"];
    let from = match &source.value {
        Value::Text(text) => Some(text.as_ref()),
        _ => KEYS.iter().find_map(|key| source.get(key)?.text()),
    };
    let Some(from) = from.filter(|from| !from.trim().is_empty()) else { return };
    let kind = source.get("source").and_then(Node::text);
    let is_here = !from.contains("://")
        && (from.starts_with("./") || from == "." || kind.is_none() && !from.contains('@'))
        && !from.contains("..");
    if !is_here {
        telling.marketplace(name, from, source, line);
    }
}

/// Plugins that are switched on: `"formatter@team-tools": true`, or a list of versions.
pub(super) fn enabled(telling: &mut Telling<'_, '_>, plugins: Option<&Node<'_>>) {
    for Member { key, line, value } in plugins.map(Node::members).unwrap_or_default() {
        if value.is_true() || !value.items().is_empty() {
            let from = key.rsplit_once('@').map_or(key.as_ref(), |(_, from)| from);
            telling.marketplace(key, from, value, *line);
        }
    }
}
