//! Settings of the clients: commands that they run, permissions that let them act without asking, and addresses that they send to. One
//! function a client.

use super::telling::{Telling, words_of};
use super::{hooks, mcp, plugins};
use crate::evidence::Role;
use crate::gather::repository::automation::command::mention;
use crate::gather::repository::document::{Member, Node};
use crate::gather::repository::javascript::npm;

/// Claude Code (`.claude/settings.json`), and the tools that took its form.
pub(super) fn claude(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    hooks::read(telling, root.get("hooks"));
    mcp::read(telling, root.get("mcpServers"));
    for key in ["apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "otelHeadersHelper", "gcpAuthRefresh"] {
        telling.command_of(key, root.get(key));
    }
    for key in ["statusLine", "subagentStatusLine", "fileSuggestion"] {
        telling.command_of(key, root.at(&[key, "command"]));
    }
    telling.permission_if(root, &["permissions", "defaultMode"], "bypassPermissions");
    telling.permission_if_true(root, &["skipDangerousModePermissionPrompt"]);
    telling.permission_if_true(root, &["enableAllProjectMcpServers"]);
    for rule in root.at(&["permissions", "allow"]).map(Node::items).unwrap_or_default() {
        if let Some(text) = rule.text().filter(|text| is_everything(text)) {
            telling.permission("permissions.allow", text, rule.line);
        }
    }
    plugins::enabled(telling, root.get("enabledPlugins"));
    plugins::known_marketplaces(telling, root.get("extraKnownMarketplaces"));
    telling.environment(root.get("env"));
}

/// Whether a rule lets every command of the shell run, or every tool.
fn is_everything(rule: &str) -> bool {
    let rule = rule.trim();
    let (tool, pattern) = match rule.split_once('(') {
        Some((tool, rest)) => (tool, rest.strip_suffix(')').unwrap_or(rest).trim()),
        None => (rule, ""),
    };
    let is_any = pattern.chars().all(|c| matches!(c, '*' | ':' | ' '));
    is_any && (tool == "*" || ["bash", "shell", "execute", "powershell"].iter().any(|shell| tool.eq_ignore_ascii_case(shell)))
}

/// Codex (`.codex/config.toml`).
pub(super) fn codex(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("mcp_servers"));
    hooks::read(telling, root.get("hooks"));
    telling.command_of("notify", root.get("notify"));
    let profiles = root.get("profiles").map(Node::members).unwrap_or_default();
    for level in std::iter::once(root).chain(profiles.iter().map(|profile| &profile.value)) {
        telling.permission_if(level, &["approval_policy"], "never");
        telling.permission_if(level, &["sandbox_mode"], "danger-full-access");
        for key in ["openai_base_url", "chatgpt_base_url"] {
            telling.base_url_at(key, level.get(key));
        }
    }
    for Member { key, value, .. } in root.get("model_providers").map(Node::members).unwrap_or_default() {
        telling.base_url_at(&format!("model_providers.{key}.base_url"), value.get("base_url"));
    }
    telling.environment(root.at(&["shell_environment_policy", "set"]));
}

/// Gemini CLI and Qwen Code (`.gemini/settings.json`, `.qwen/settings.json`), in their form of before and after it got sections.
pub(super) fn gemini(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("mcpServers"));
    for Member { key, value, .. } in root.get("mcpServers").map(Node::members).unwrap_or_default() {
        if let Some(trust) = value.get("trust").filter(|trust| trust.is_true()) {
            telling.permission(&format!("mcpServers.{key}.trust"), "true", trust.line);
        }
    }
    hooks::read(telling, root.get("hooks"));
    for keys in [&["autoAccept"][..], &["tools", "autoAccept"]] {
        telling.permission_if_true(root, keys);
    }
    for keys in [&["general", "defaultApprovalMode"][..], &["tools", "approvalMode"], &["approvalMode"]] {
        telling.permission_if(root, keys, "yolo");
    }
    for keys in [
        &["tools", "discoveryCommand"][..],
        &["tools", "callCommand"],
        &["toolDiscoveryCommand"],
        &["toolCallCommand"],
        &["mcp", "serverCommand"],
        &["mcpServerCommand"],
    ] {
        telling.command_of(&keys.join("."), root.at(keys));
    }
    telling.environment(root.get("env"));
}

/// opencode (`opencode.json`).
pub(super) fn opencode(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("mcp"));
    opencode_permission(telling, "permission", root.get("permission"));
    for section in ["agent", "mode"] {
        for Member { key, value, .. } in root.get(section).map(Node::members).unwrap_or_default() {
            opencode_permission(telling, &format!("{section}.{key}.permission"), value.get("permission"));
        }
    }
    for plugin in root.get("plugin").map(Node::items).unwrap_or_default() {
        if let Some(name) = plugin.text().or_else(|| plugin.items().first()?.text()) {
            opencode_plugin(telling, name, plugin);
        }
    }
    for Member { key, value, .. } in root.get("provider").map(Node::members).unwrap_or_default() {
        telling.base_url_at(&format!("provider.{key}.options.baseURL"), value.at(&["options", "baseURL"]));
    }
    for section in ["formatter", "lsp"] {
        for Member { value, .. } in root.get(section).map(Node::members).unwrap_or_default() {
            telling.command_of(section, value.get("command"));
        }
    }
    let hooks = root.at(&["experimental", "hook"]);
    for item in hooks.and_then(|hooks| hooks.get("session_completed")).map(Node::items).unwrap_or_default() {
        telling.command_of("session_completed", item.get("command"));
    }
    for Member { value, .. } in hooks.and_then(|hooks| hooks.get("file_edited")).map(Node::members).unwrap_or_default() {
        for item in value.items() {
            telling.command_of("file_edited", item.get("command"));
        }
    }
}

/// `"allow"` for everything or for every command of the shell.
fn opencode_permission(telling: &mut Telling<'_, '_>, key: &str, node: Option<&Node<'_>>) {
    let Some(node) = node else { return };
    if node.text() == Some("allow") {
        telling.permission(key, "allow", node.line);
    }
    for tool in ["*", "bash"] {
        let Some(value) = node.get(tool) else { continue };
        for value in [Some(value), value.get("*")].into_iter().flatten() {
            if value.text() == Some("allow") {
                telling.permission(&format!("{key}.{tool}"), "allow", value.line);
            }
        }
    }
}

/// A plugin is a package of npm that opencode installs and runs, or a file of this repository.
fn opencode_plugin(telling: &mut Telling<'_, '_>, name: &str, definition: &Node<'_>) {
    if name.starts_with('.') || name.starts_with("file:") || name.starts_with('/') {
        return;
    }
    telling.marketplace(name, name, definition, definition.line);
    let (package, range) = npm::split_version(name);
    if let Some((known, request)) = npm::asked(telling.source.catalogue, package, range) {
        let mention = mention(telling.source, known.tool.id.clone(), known.package, request, definition.line, Role::Extension);
        telling.reading.mentions.push(mention);
    }
}

/// The servers of VS Code (`.vscode/mcp.json`).
pub(super) fn vscode_mcp(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("servers"));
    // The form of other clients is taken here too.
    mcp::read(telling, root.get("mcpServers"));
}

/// VS Code (`.vscode/settings.json`).
pub(super) fn vscode(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    editor(telling, root);
    for system in ["linux", "osx", "windows"] {
        telling.environment(root.get(&format!("terminal.integrated.env.{system}")));
    }
}

fn editor(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.at(&["mcp", "servers"]).or_else(|| root.get("mcp.servers")));
    mcp::read(telling, root.get("amp.mcpServers"));
    for key in ["chat.tools.autoApprove", "chat.tools.global.autoApprove"] {
        telling.permission_if_true(root, &[key]);
    }
    // Patterns of commands that run without being asked for; only those that every command matches.
    for Member { key, line, value } in root.get("chat.tools.terminal.autoApprove").map(Node::members).unwrap_or_default() {
        let is_all = matches!(key.as_ref(), "*" | "/.*/" | "/^.*$/" | "/.*/i" | "/.*/s" | "/^/" | "/./" | "/.+/" | "//");
        let is_on = value.is_true() || value.get("approve").is_some_and(Node::is_true);
        if is_all && is_on {
            telling.permission("chat.tools.terminal.autoApprove", key, *line);
        }
    }
}

/// Tasks of VS Code that run when somebody opens the folder (`.vscode/tasks.json`).
pub(super) fn vscode_tasks(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    for task in root.get("tasks").map(Node::items).unwrap_or_default() {
        if task.at(&["runOptions", "runOn"]).and_then(Node::text) != Some("folderOpen") {
            continue;
        }
        let Some(command) = ["command", "script", "task"].iter().find_map(|key| task.member(key)) else { continue };
        let mut words = words_of(&command.value).unwrap_or_default();
        words.extend(task.get("args").map(Node::items).unwrap_or_default().iter().filter_map(|argument| {
            // An argument may be an object that says how it is quoted.
            argument.scalar().or_else(|| argument.get("value")?.scalar())
        }));
        telling.command("folderOpen", &words.join(" "), task, command.line);
    }
}

/// A workspace of VS Code holds settings, tasks and servers.
pub(super) fn workspace(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    if let Some(settings) = root.get("settings") {
        vscode(telling, settings);
    }
    if let Some(tasks) = root.get("tasks") {
        vscode_tasks(telling, tasks);
    }
    if let Some(mcp) = root.get("mcp") {
        vscode_mcp(telling, mcp);
    }
}

/// What a dev container gives the editor.
pub(super) fn devcontainer(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    let Some(given) = root.at(&["customizations", "vscode"]) else { return };
    // Variables of a dev container are read wherever they stand in its file.
    if let Some(settings) = given.get("settings") {
        editor(telling, settings);
    }
    if let Some(mcp) = given.get("mcp") {
        vscode_mcp(telling, mcp);
    }
}

/// Zed (`.zed/settings.json`).
pub(super) fn zed(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("context_servers"));
    telling.permission_if_true(root, &["agent", "always_allow_tool_actions"]);
    telling.permission_if(root, &["agent", "tool_permissions", "default"], "allow");
    telling.permission_if(root, &["agent", "tool_permissions", "tools", "terminal", "default"], "allow");
    for Member { key, value, .. } in root.get("language_models").map(Node::members).unwrap_or_default() {
        telling.base_url_at(&format!("language_models.{key}.api_url"), value.get("api_url"));
    }
    for Member { value, .. } in root.get("agent_servers").map(Node::members).unwrap_or_default() {
        let Some(command) = value.member("command") else { continue };
        let mut words = words_of(&command.value).unwrap_or_default();
        words.extend(value.get("args").map(Node::items).unwrap_or_default().iter().filter_map(Node::scalar));
        telling.command("agent_servers", &words.join(" "), value, command.line);
        telling.environment(value.get("env"));
    }
}

/// Mistral Vibe (`.vibe/config.toml`).
pub(super) fn vibe(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("mcp_servers"));
    for item in root.get("providers").map(Node::items).unwrap_or_default() {
        let name = item.get("name").and_then(Node::text).unwrap_or_default();
        telling.base_url_at(&format!("providers.{name}.api_base"), item.get("api_base"));
    }
}

/// Kimi (`.kimi/config.toml`).
pub(super) fn kimi(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    hooks::read(telling, root.get("hooks"));
    telling.permission_if_true(root, &["default_yolo"]);
    for Member { key, value, .. } in root.get("providers").map(Node::members).unwrap_or_default() {
        telling.base_url_at(&format!("providers.{key}.base_url"), value.get("base_url"));
    }
}

/// Continue (`.continue/config.yaml` and the files of servers beside it).
pub(super) fn continue_dev(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("mcpServers"));
    for model in root.get("models").map(Node::items).unwrap_or_default() {
        let name = model.get("name").and_then(Node::text).unwrap_or_default();
        telling.base_url_at(&format!("models.{name}.apiBase"), model.get("apiBase"));
    }
}

/// Aider (`.aider.conf.yml`).
pub(super) fn aider(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    telling.permission_if_true(root, &["yes-always"]);
    telling.base_url_at("openai-api-base", root.get("openai-api-base"));
    for key in ["lint-cmd", "test-cmd", "notifications-command"] {
        telling.command_of(key, root.get(key));
    }
}

/// Crush (`crush.json`).
pub(super) fn crush(telling: &mut Telling<'_, '_>, root: &Node<'_>) {
    mcp::read(telling, root.get("mcp"));
    plugins::language_servers_of(telling, root.get("lsp"));
    for rule in root.at(&["permissions", "allowed_tools"]).map(Node::items).unwrap_or_default() {
        if let Some(text) = rule.text().filter(|text| is_everything(text)) {
            telling.permission("permissions.allowed_tools", text, rule.line);
        }
    }
    for Member { key, value, .. } in root.get("providers").map(Node::members).unwrap_or_default() {
        telling.base_url_at(&format!("providers.{key}.base_url"), value.get("base_url"));
    }
}

#[cfg(test)]
mod tests;
