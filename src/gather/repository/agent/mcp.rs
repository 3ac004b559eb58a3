//! MCP servers: what a client starts, and whom it talks to.
//!
//! Clients write the same thing in six ways (tools.md of the design, 3.3, and the clients' documentation of MCP). A server is an
//! object by its name (`mcpServers`, `servers`, `mcp`, `context_servers`, `[mcp_servers.x]`), or an item with a `name` (Continue,
//! Mistral Vibe). What starts it is `command` with `args`, a list of words (opencode), or an object with `path` and `args` (Zed); what
//! it talks to `url`, `serverUrl` (Windsurf) or `httpUrl` (Gemini). `${workspaceFolder}` and its kin are text here: which value they
//! have is decided on the machine that starts the server.
//!
//! A server that is switched off is read all the same: the switch is one word in the same file, or in another one.

use super::address;
use super::telling::Telling;
use crate::evidence::{Mention, Role};
use crate::gather::repository::automation::command::mentions_of_words;
use crate::gather::repository::document::{Member, Node, clipped};
use crate::tool::{Ecosystem, Package, ToolId};

/// Keys that hold an address, in the order in which they are believed.
const ADDRESSES: [&str; 4] = ["url", "serverUrl", "httpUrl", "endpoint"];

/// Packages that do nothing but talk to the address they are given: the server is there.
const BRIDGES: [&str; 2] = ["mcp-remote", "mcp-proxy"];

/// What only runs a script that the repository holds.
const INTERPRETERS: [&str; 8] = ["tsx", "ts-node", "node", "nodemon", "vite-node", "esno", "bun", "concurrently"];

/// The servers of a file: an object of servers by name, or a list of servers with a name each.
pub(super) fn read(telling: &mut Telling<'_, '_>, servers: Option<&Node<'_>>) {
    let Some(servers) = servers else { return };
    for Member { key, line, value } in servers.members() {
        server(telling, key, value, *line);
    }
    for item in servers.items() {
        if let Some(name) = item.get("name").and_then(Node::text) {
            server(telling, name, item, item.line);
        }
    }
}

/// A word of a command line and where it stands.
type Word<'n> = (&'n str, u32);

fn server(telling: &mut Telling<'_, '_>, name: &str, definition: &Node<'_>, line: u32) {
    // What it is given in its environment reaches no vendor by itself; a base URL there does.
    for key in ["env", "environment"] {
        telling.environment(definition.get(key));
    }
    let transport = definition.get("transport");
    let remote = ADDRESSES
        .iter()
        .find_map(|key| definition.get(key).or_else(|| transport?.get(key)))
        .and_then(|node| Some((node.text().filter(|text| !text.trim().is_empty())?, node.line)));
    if let Some((address, at)) = remote {
        telling.endpoint(name, address, definition, at);
    }
    let words = words_of(definition);
    if words.is_empty() {
        return;
    }
    let texts: Vec<&str> = words.iter().map(|(text, _)| *text).collect();
    let mut mentions = mentions_of_words(telling.source, &texts, words[0].1, &Role::Server(clipped(name)));
    mentions.retain(|mention| !only_runs(mention));
    if remote.is_none() {
        match mentions.iter().find_map(|mention| bridged(mention, &words)) {
            Some((address, at)) => telling.endpoint(name, address, definition, at),
            None => telling.server(name, &texts.join(" "), definition, line),
        }
    }
    for mut mention in mentions {
        // All words were read as of one line; the one that names the package has its own.
        mention.location.line = place_of(&mention, &words).map_or(mention.location.line, |at| Some(words[at].1));
        telling.reading.mentions.push(mention);
    }
}

/// Whether a package only runs a script that the repository holds: it is no server itself, and the command line is judged as one.
fn only_runs(mention: &Mention) -> bool {
    let name = mention.package.name.as_str();
    mention.tool == ToolId::of_package(&mention.package)
        && match mention.package.ecosystem {
            Ecosystem::Npm => INTERPRETERS.contains(&name),
            Ecosystem::Pypi => name.rsplit_once('.').is_some_and(|(_, ending)| ending == "py"),
            _ => false,
        }
}

/// The word that names the package of a mention.
fn place_of(mention: &Mention, words: &[Word<'_>]) -> Option<usize> {
    let name = mention.package.name.as_str();
    let same = |word: &str| word.contains(name) || Package::new(mention.package.ecosystem, word).name.contains(name);
    words.iter().position(|(word, _)| same(word))
}

/// The words of the command line.
fn words_of<'t>(definition: &'t Node<'_>) -> Vec<Word<'t>> {
    fn scalars<'t>(node: &'t Node<'_>) -> impl Iterator<Item = Word<'t>> {
        node.items().iter().filter_map(|item| Some((item.scalar()?, item.line)))
    }
    let Some(command) = definition.get("command").or_else(|| definition.get("cmd")) else { return Vec::new() };
    let mut words: Vec<Word<'_>> = Vec::new();
    if let Some(text) = command.text() {
        // Some people put the whole line where only the program belongs, and some clients split it.
        words.extend(text.split_whitespace().map(|word| (word, command.line)));
    } else {
        let program = command.get("path").or_else(|| command.get("cmd"));
        words.extend(program.and_then(|program| Some((program.text()?, program.line))));
        words.extend(command.get("args").into_iter().flat_map(scalars));
        words.extend(scalars(command));
    }
    words.extend(definition.get("args").into_iter().flat_map(scalars));
    words
}

/// The address that a bridge is told to talk to.
fn bridged<'n>(mention: &Mention, words: &[Word<'n>]) -> Option<Word<'n>> {
    if !BRIDGES.contains(&mention.package.name.as_str()) {
        return None;
    }
    let from = place_of(mention, words)? + 1;
    words.iter().skip(from).find(|(word, _)| address::is_web(word)).copied()
}

#[cfg(test)]
mod tests;
