//! Hooks: commands that a client runs when something happens.
//!
//! Three shapes (the clients' documentation of hooks): Claude Code, Gemini CLI, Qwen, Qoder, `OpenHands`, Codex and Droid write
//! `hooks.<event>[].hooks[].command`; Cursor and Copilot `hooks.<event>[]` with `command`, `bash` or `powershell`; Vibe and Kimi
//! tables `[[hooks]]` with `event` or `type` and `command`.

use super::telling::{Telling, words_of};
use crate::gather::repository::document::{Node, Value};

/// Keys of a handler whose value is a command line.
const COMMANDS: [&str; 7] = ["command", "bash", "powershell", "windows", "linux", "osx", "commandWindows"];
/// Nothing real nests deeper than event, matcher, handler.
const DEEPEST: usize = 6;

/// The hooks of a file, or of a plugin that gives them itself.
pub(super) fn read(telling: &mut Telling<'_, '_>, hooks: Option<&Node<'_>>) {
    let Some(hooks) = hooks else { return };
    for member in hooks.members() {
        handlers(telling, &member.key, &member.value, 0);
    }
    for item in hooks.items() {
        let event = ["event", "type"].iter().find_map(|key| item.get(key)?.text()).unwrap_or("hooks");
        handlers(telling, event, item, 0);
    }
}

fn handlers(telling: &mut Telling<'_, '_>, event: &str, node: &Node<'_>, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    for item in node.items() {
        handlers(telling, event, item, depth + 1);
    }
    if !matches!(node.value, Value::Object(_)) {
        return;
    }
    for key in COMMANDS {
        let Some(member) = node.member(key) else { continue };
        let Some(mut words) = words_of(&member.value) else { continue };
        words.extend(node.get("args").map(Node::items).unwrap_or_default().iter().filter_map(Node::scalar));
        telling.command(event, &words.join(" "), node, member.line);
    }
    // A handler that posts what happens to an address.
    if node.get("type").and_then(Node::text) == Some("http")
        && let Some((member, url)) = node.member("url").and_then(|member| Some((member, member.value.text()?)))
    {
        telling.command(event, url, node, member.line);
    }
    if let Some(inner) = node.get("hooks") {
        handlers(telling, event, inner, depth + 1);
    }
}
