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
use super::runner::{self, Started};
use super::telling::Telling;
use crate::evidence::Role;
use crate::gather::repository::document::{Member, Node, clipped};

/// Keys that hold an address, in the order in which they are believed.
const ADDRESSES: [&str; 4] = ["url", "serverUrl", "httpUrl", "endpoint"];

/// Packages that do nothing but talk to the address they are given: the server is there.
const BRIDGES: [&str; 2] = ["mcp-remote", "mcp-proxy"];

/// The servers of a file: an object of servers by name, or a list of servers with a name each.
pub(super) fn read(telling: &mut Telling<'_>, servers: Option<&Node>) {
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

fn server(telling: &mut Telling<'_>, name: &str, definition: &Node, line: u32) {
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
    let started = runner::started(&texts);
    if remote.is_none() {
        match started.as_ref().and_then(|started| bridged(started, &words)) {
            Some((address, at)) => telling.endpoint(name, address, definition, at),
            None => telling.server(name, &texts.join(" "), definition, line),
        }
    }
    let role = Role::Server(clipped(name));
    if let Some(started) = started {
        let at = words[started.word].1;
        let mention = runner::mention(telling.source, started, role, at);
        telling.reading.mentions.push(mention);
    }
}

/// The words of the command line.
fn words_of(definition: &Node) -> Vec<Word<'_>> {
    fn scalars(node: &Node) -> impl Iterator<Item = Word<'_>> {
        node.items().iter().filter_map(|item| Some((item.scalar()?, item.line)))
    }
    let Some(command) = definition.get("command").or_else(|| definition.get("cmd")) else { return Vec::new() };
    let mut words: Vec<Word<'_>> = Vec::new();
    match command.text() {
        // Some people put the whole line where only the program belongs, and some clients split it.
        Some(text) => words.extend(text.split_whitespace().map(|word| (word, command.line))),
        None => {
            let program = command.get("path").or_else(|| command.get("cmd"));
            words.extend(program.and_then(|program| Some((program.text()?, program.line))));
            words.extend(command.get("args").into_iter().flat_map(scalars));
            words.extend(scalars(command));
        }
    }
    words.extend(definition.get("args").into_iter().flat_map(scalars));
    words
}

/// The address that a bridge is told to talk to.
fn bridged<'n>(started: &Started, words: &[Word<'n>]) -> Option<Word<'n>> {
    if !BRIDGES.contains(&started.package.name.as_str()) {
        return None;
    }
    words.iter().skip(started.word + 1).find(|(word, _)| address::is_web(word)).copied()
}
