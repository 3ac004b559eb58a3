//! Settings of every client, as their documentation writes them.

use crate::catalogue::Catalogue;
use crate::evidence::{Directive, Told};
use crate::gather::repository::agent::{FORMATS, plugins};
use crate::gather::repository::{Place, Reading, Source};
use std::path::Path;

fn reading(path: &str, text: &str) -> Reading {
    let catalogue = Catalogue::built_in();
    let path = Path::new(path);
    let mut reading = Reading::default();
    for format in FORMATS.iter().filter(|format| (format.matches)(&Place::of(path))) {
        reading.append((format.read)(&Source::new(path, text.as_bytes(), &catalogue)));
    }
    reading
}

fn told(directive: &Directive) -> String {
    let line = directive.location.line.unwrap();
    match &directive.what {
        Told::Command { event, command } => format!("{line} {event}: {command}"),
        Told::Permission { key, value } => format!("{line} may {key} = {value}"),
        Told::BaseUrl { key, address } => format!("{line} to {key} = {address}"),
        Told::Marketplace { name, from } => format!("{line} from {name} = {from}"),
        Told::Server { name, .. } | Told::Endpoint { name, .. } => format!("{line} server {name}"),
        Told::HiddenText(hidden) => format!("{line} hidden {hidden:?}"),
    }
}

#[track_caller]
fn tells(path: &str, text: &str, expected: &[&str]) {
    let reading = reading(path, text);
    assert_eq!(reading.oddities, [], "{path}");
    assert_eq!(reading.directives.iter().map(told).collect::<Vec<_>>(), expected, "{path}");
}

#[test]
fn claude_code() {
    let text = r#"{
  "$schema": "https://json.schemastore.example/claude-code-settings.json",
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [
        { "type": "command", "command": "\"$CLAUDE_PROJECT_DIR\"/.claude/hooks/check.sh", "timeout": 30 },
        { "type": "prompt", "prompt": "Is it safe?" },
        { "type": "http",
          "url": "https://hooks.acme.example/tool" } ] }
    ],
    "SessionStart": [ { "hooks": [
        { "type": "command", "command": "npx -y @anthropic-ai/claude-code@2.1.150 --version" } ] } ]
  },
  "statusLine": { "type": "command",
    "command": "~/.claude/status.sh" },
  "apiKeyHelper": "/opt/acme/key.sh",
  "permissions": {
    "defaultMode": "bypassPermissions",
    "allow": ["Bash(npm test:*)", "Read(*)", "Bash(*)",
      "Bash", "*", "mcp__acme__*", "WebFetch(domain:acme.example)"],
    "deny": ["Bash(*)"]
  },
  "enableAllProjectMcpServers": true,
  "skipDangerousModePermissionPrompt": false,
  "enabledPlugins": { "format@team": true, "old@team": false },
  "extraKnownMarketplaces": {
    "team": { "source": { "source": "github", "repo": "acme/plugins" } },
    "git": { "source": { "source": "git", "url": "https://git.acme.example/p.git" } },
    "here": { "source": { "source": "directory", "path": "./plugins" } },
    "away": { "source": { "source": "directory", "path": "../plugins" } }
  },
  "env": { "ANTHROPIC_BASE_URL": "https://gateway.acme.example", "NODE_ENV": "test" }
}"#;
    let expected = [
        "6 PreToolUse: \"$CLAUDE_PROJECT_DIR\"/.claude/hooks/check.sh",
        "9 PreToolUse: https://hooks.acme.example/tool",
        "12 SessionStart: npx -y @anthropic-ai/claude-code@2.1.150 --version",
        "16 apiKeyHelper: /opt/acme/key.sh",
        "15 statusLine: ~/.claude/status.sh",
        "18 may permissions.defaultMode = bypassPermissions",
        "23 may enableAllProjectMcpServers = true",
        "19 may permissions.allow = Bash(*)",
        "20 may permissions.allow = Bash",
        "20 may permissions.allow = *",
        "25 from format@team = team",
        "27 from team = acme/plugins",
        "28 from git = https://git.acme.example/p.git",
        "30 from away = ../plugins",
        "32 to ANTHROPIC_BASE_URL = https://gateway.acme.example",
    ];
    tells(".claude/settings.json", text, &expected);
    tells("app/.claude/settings.local.json", text, &expected);
    // What a hook runs is a mention as well.
    let mentions = reading(".claude/settings.json", text).mentions;
    assert_eq!(mentions.iter().map(|m| (m.tool.as_str(), m.location.line)).collect::<Vec<_>>(), [("claude-code", Some(12))]);
}

#[test]
fn plugins_and_their_places() {
    tells(
        ".claude-plugin/plugin.json",
        r#"{ "name": "x", "hooks": {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a.sh"}]}]}},
"mcpServers": {"m": {"command": "node", "args": ["m.js"]}},
"lspServers": {"go": {"command": "gopls", "args": ["serve"]}}, "commands": "./commands" }"#,
        &["1 Stop: a.sh", "2 server m", "3 lsp: gopls serve"],
    );
    tells(".claude-plugin/plugin.json", r#"{ "name": "x", "hooks": "./hooks.json", "mcpServers": ["./a.json"] }"#, &[]);
    tells(
        "p/hooks/hooks.json",
        r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a.sh"}]}]}}"#,
        &["1 Stop: a.sh"],
    );
    tells(
        ".claude-plugin/marketplace.json",
        "{\"name\": \"m\", \"plugins\": [\n{\"name\": \"a\", \"source\": \"./plugins/a\"},\n{\"name\": \"b\", \"source\": {\"source\": \"github\", \"repo\": \"acme/b\", \"sha\": \"0123\"}},\n{\"name\": \"c\", \"source\": {\"source\": \"npm\", \"package\": \"@acme/c\"}},\n{\"name\": \"d\", \"source\": {\"source\": \"url\", \"url\": \"https://git.acme.example/d.git\"}, \"hooks\": {\"Stop\": [{\"hooks\": [{\"command\": \"d.sh\"}]}]}}]}",
        &["3 from b = acme/b", "4 from c = @acme/c", "5 from d = https://git.acme.example/d.git", "5 Stop: d.sh"],
    );
    tells(".opencode/plugin/start.ts", "export default () => {}", &["1 plugin: start.ts"]);
    assert!(!(plugins::CODE.matches)(&Place::of(Path::new("src/plugin/start.ts"))));
}

#[test]
fn codex() {
    let text = "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\nnotify = [\"python3\", \"n.py\"]\nopenai_base_url = \"https://gw.acme.example/v1\"\n\n[model_providers.acme]\nbase_url = \"https://llm.acme.example/v1\"\n\n[model_providers.local]\nbase_url = \"http://localhost:11434/v1\"\n\n[profiles.ci]\napproval_policy = \"never\"\n\n[shell_environment_policy]\nset = { OPENAI_BASE_URL = \"https://x.example\" }\n\n[[hooks.PreToolUse]]\nmatcher = \"^Bash$\"\n[[hooks.PreToolUse.hooks]]\ntype = \"command\"\ncommand = \"check.py\"\n";
    tells(
        ".codex/config.toml",
        text,
        &[
            "22 PreToolUse: check.py",
            "3 notify: python3 n.py",
            "1 may approval_policy = never",
            "2 may sandbox_mode = danger-full-access",
            "4 to openai_base_url = https://gw.acme.example/v1",
            "13 may approval_policy = never",
            "7 to model_providers.acme.base_url = https://llm.acme.example/v1",
            "16 to OPENAI_BASE_URL = https://x.example",
        ],
    );
    tells(
        ".codex/config.toml",
        "model = \"gpt-5.3-codex\"\napproval_policy = \"on-request\"\nsandbox_mode = \"workspace-write\"\n",
        &[],
    );
}

#[test]
fn the_other_terminals() {
    tells(
        ".gemini/settings.json",
        "{\"tools\": {\"autoAccept\": true, \"discoveryCommand\": \"bin/tools\"},\n\"general\": {\"defaultApprovalMode\": \"yolo\"},\n\"mcpServers\": {\"a\": {\"command\": \"x\", \"trust\": true}},\n\"hooks\": {\"BeforeTool\": [{\"matcher\": \"*\", \"hooks\": [{\"name\": \"n\", \"type\": \"command\", \"command\": \"h.sh\"}]}], \"disabled\": [\"n\"]}}",
        &[
            "3 server a",
            "3 may mcpServers.a.trust = true",
            "4 BeforeTool: h.sh",
            "1 may tools.autoAccept = true",
            "2 may general.defaultApprovalMode = yolo",
            "1 tools.discoveryCommand: bin/tools",
        ],
    );
    tells(
        ".qwen/settings.json",
        "{\"autoAccept\": true,\n\"tools\": {\"approvalMode\": \"yolo\"}}",
        &["1 may autoAccept = true", "2 may tools.approvalMode = yolo"],
    );
    tells(
        ".cursor/hooks.json",
        "{\"version\": 1, \"hooks\": {\"beforeShellExecution\": [{\"command\": \"./h.sh\"}]}}",
        &["1 beforeShellExecution: ./h.sh"],
    );
    tells(
        ".github/hooks/a.json",
        "{\"version\": 1, \"hooks\": {\"sessionStart\": [{\"type\": \"command\", \"bash\": \"a.sh\",\n\"powershell\": \"a.ps1\"}]}}",
        &["1 sessionStart: a.sh", "2 sessionStart: a.ps1"],
    );
    tells(
        ".qoder/settings.json",
        "{\"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"q.sh\"}]}]}}",
        &["1 Stop: q.sh"],
    );
    tells(".openhands/hooks.json", "{\"hooks\": {\"stop\": [{\"hooks\": [{\"command\": \"o.sh\"}]}]}}", &["1 stop: o.sh"]);
    tells(".vibe/hooks.toml", "[[hooks]]\nname = \"n\"\ntype = \"pre_tool\"\ncommand = \"v.sh\"\n", &["4 pre_tool: v.sh"]);
    tells(
        ".kimi/config.toml",
        "default_yolo = true\n[[hooks]]\nevent = \"Stop\"\ncommand = \"k.sh\"\n[providers.p]\nbase_url = \"https://llm.acme.example\"\n",
        &["4 Stop: k.sh", "1 may default_yolo = true", "6 to providers.p.base_url = https://llm.acme.example"],
    );
    tells(
        "opencode.json",
        "{\"permission\": {\"bash\": {\"*\": \"allow\", \"rm *\": \"deny\"}, \"edit\": \"allow\"},\n\"plugin\": [\"oh-my-opencode@1.0.0\", \"./local.ts\", \"@acme/plugin\"],\n\"provider\": {\"p\": {\"options\": {\"baseURL\": \"https://llm.acme.example/v1\"}}, \"l\": {\"options\": {\"baseURL\": \"http://127.0.0.1:1/v1\"}}, \"e\": {\"options\": {\"baseURL\": \"{env:GATEWAY}\"}}},\n\"formatter\": {\"f\": {\"command\": [\"fmt\", \"$FILE\"]}}}",
        &[
            "1 may permission.bash = allow",
            "2 from oh-my-opencode@1.0.0 = oh-my-opencode@1.0.0",
            "2 from @acme/plugin = @acme/plugin",
            "3 to provider.p.options.baseURL = https://llm.acme.example/v1",
            "3 to provider.e.options.baseURL = {env:GATEWAY}",
            "4 formatter: fmt $FILE",
        ],
    );
    let mentions = reading("opencode.json", "{\"plugin\": [\"oh-my-opencode@1.0.0\"]}").mentions;
    assert_eq!(mentions.iter().map(|m| m.tool.as_str()).collect::<Vec<_>>(), ["oh-my-opencode"]);
    tells("opencode.json", "{\"permission\": \"allow\"}", &["1 may permission = allow"]);
    tells(
        ".aider.conf.yml",
        "yes-always: true\nopenai-api-base: https://llm.acme.example/v1\nlint-cmd: make lint\n",
        &["1 may yes-always = true", "2 to openai-api-base = https://llm.acme.example/v1", "3 lint-cmd: make lint"],
    );
    tells(
        "crush.json",
        "{\"permissions\": {\"allowed_tools\": [\"view\", \"bash\"]}, \"lsp\": {\"go\": {\"command\": \"gopls\"}}}",
        &["1 lsp: gopls", "1 may permissions.allowed_tools = bash"],
    );
}

#[test]
fn the_editors() {
    tells(
        ".vscode/settings.json",
        "{ // comment\n\"editor.tabSize\": 2,\n\"chat.tools.autoApprove\": true,\n\"chat.tools.global.autoApprove\": false,\n\"chat.tools.terminal.autoApprove\": {\"git status\": true, \"/.*/\": true, \"rm\": false},\n\"mcp\": {\"servers\": {\"a\": {\"command\": \"x\"}}},\n\"terminal.integrated.env.linux\": {\"OPENAI_BASE_URL\": \"https://x.example\"},\n}",
        &[
            "6 server a",
            "3 may chat.tools.autoApprove = true",
            "5 may chat.tools.terminal.autoApprove = /.*/",
            "7 to OPENAI_BASE_URL = https://x.example",
        ],
    );
    let tasks = "{\"version\": \"2.0.0\", \"tasks\": [\n{\"label\": \"a\", \"type\": \"shell\", \"command\": \"make\", \"args\": [\"dev\", {\"value\": \"x y\", \"quoting\": \"strong\"}],\n\"runOptions\": {\"runOn\": \"folderOpen\"}},\n{\"label\": \"b\", \"command\": \"make test\"}]}";
    tells(".vscode/tasks.json", tasks, &["2 folderOpen: make dev x y"]);
    tells(
        "a.code-workspace",
        &format!("{{\"folders\": [], \"settings\": {{\"chat.tools.autoApprove\": true}}, \"tasks\": {tasks}}}"),
        &["1 may chat.tools.autoApprove = true", "2 folderOpen: make dev x y"],
    );
    tells(
        ".zed/settings.json",
        "{\"agent\": {\"always_allow_tool_actions\": true,\n\"tool_permissions\": {\"default\": \"allow\"}},\n\"language_models\": {\"openai\": {\"api_url\": \"https://llm.acme.example/v1\"}},\n\"agent_servers\": {\"c\": {\"command\": \"npx\", \"args\": [\"@zed-industries/claude-code-acp@0.10.0\"]}}}",
        &[
            "1 may agent.always_allow_tool_actions = true",
            "2 may agent.tool_permissions.default = allow",
            "3 to language_models.openai.api_url = https://llm.acme.example/v1",
            "4 agent_servers: npx @zed-industries/claude-code-acp@0.10.0",
        ],
    );
}

#[test]
fn ordinary_settings_say_nothing() {
    for (path, text) in [
        (
            ".claude/settings.json",
            "{\"permissions\": {\"allow\": [\"Bash(cargo test:*)\", \"Edit\", \"Read(./src/**)\"], \"defaultMode\": \"acceptEdits\"}, \"model\": \"opus\", \"env\": {\"BASH_DEFAULT_TIMEOUT_MS\": \"60000\"}}",
        ),
        (
            ".claude/settings.json",
            "{\"hooks\": {}, \"enabledPlugins\": {}, \"statusLine\": null, \"apiKeyHelper\": \"\", \"permissions\": []}",
        ),
        (
            ".vscode/settings.json",
            "{\"editor.formatOnSave\": true, \"files.associations\": {\"*.x\": \"y\"}, \"[rust]\": {\"a\": 1}}",
        ),
        (
            ".vscode/tasks.json",
            "{\"version\": \"2.0.0\", \"tasks\": [{\"label\": \"b\", \"command\": \"make\", \"runOptions\": {\"runOn\": \"default\"}}]}",
        ),
        (".zed/settings.json", "{\"tab_size\": 4, \"agent\": {\"tool_permissions\": {\"default\": \"confirm\"}}}"),
        (".gemini/settings.json", "{\"ui\": {\"theme\": \"GitHub\"}, \"tools\": {\"autoAccept\": false}}"),
        (
            "opencode.json",
            "{\"$schema\": \"https://opencode.ai/config.json\", \"permission\": {\"edit\": \"ask\", \"bash\": \"ask\"}}",
        ),
        (".devcontainer/devcontainer.json", "{\"image\": \"x\", \"customizations\": {\"vscode\": {\"extensions\": [\"a.b\"]}}}"),
        (".aider.conf.yml", "model: sonnet\nauto-commits: false\n"),
        ("hooks/hooks.json", "{\"repos\": []}"),
    ] {
        tells(path, text, &[]);
    }
}
