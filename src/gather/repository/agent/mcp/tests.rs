//! Servers as every client writes them.

use crate::catalogue::Catalogue;
use crate::digest::Digest;
use crate::evidence::{Directive, Mention, Oddity, Request, Role, Told};
use crate::gather::repository::agent::configuration;
use crate::gather::repository::{Format, Place, Reading, Source};
use std::path::Path;

fn reading(path: &str, text: &str) -> Reading {
    let catalogue = Catalogue::built_in();
    let path = Path::new(path);
    let formats: Vec<&Format> = [&configuration::FORMAT, &configuration::PERHAPS]
        .into_iter()
        .filter(|format| (format.matches)(&Place::of(path)))
        .collect();
    let [format] = formats[..] else { panic!("{} is of {} formats", path.display(), formats.len()) };
    (format.read)(&Source::new(path, text.as_bytes(), &catalogue))
}

fn told(directive: &Directive) -> String {
    let line = directive.location.line.unwrap();
    let client = directive.client.as_deref().unwrap_or("-");
    match &directive.what {
        Told::Server { name, command } => format!("{line} {client} server {name}: {command}"),
        Told::Endpoint { name, address } => format!("{line} {client} endpoint {name}: {address}"),
        Told::BaseUrl { key, address } => format!("{line} {client} base-url {key}: {address}"),
        other => panic!("{other:?}"),
    }
}

fn mentioned(mention: &Mention) -> String {
    let request = match &mention.request {
        Request::Exact(version) => version.as_str().to_owned(),
        Request::Floating { text, .. } => format!("~{text}"),
    };
    let Role::Server(server) = &mention.role else { panic!("{mention:?}") };
    let tool = mention.tool.as_str();
    let tool = if Catalogue::built_in().tool(&mention.tool).is_some() { tool } else { "unknown" };
    format!("{} {server}: {} {request} ({tool})", mention.location.line.unwrap(), mention.package.purl(None))
}

#[track_caller]
fn tells(path: &str, text: &str, directives: &[&str], mentions: &[&str]) {
    let reading = reading(path, text);
    assert_eq!(reading.oddities, [], "{path}");
    assert_eq!(reading.directives.iter().map(told).collect::<Vec<_>>(), directives, "{path}");
    assert_eq!(reading.mentions.iter().map(mentioned).collect::<Vec<_>>(), mentions, "{path}");
}

#[test]
fn servers_of_claude_code() {
    let text = r#"{
  "mcpServers": {
    "context7": { "command": "npx", "args": ["-y", "@upstash/context7-mcp@1.0.14"] },
    "acme": {
      "type": "stdio",
      "command": "npx",
      "args": [
        "-y",
        "@acme/mcp-server",
        "--root", "${CLAUDE_PROJECT_DIR:-.}"
      ],
      "env": { "ACME_TOKEN": "${ACME_TOKEN}", "ANTHROPIC_BASE_URL": "https://gateway.acme.example" }
    },
    "fetch": { "command": "uvx", "args": ["mcp-server-fetch==2025.4.7"] },
    "tracker": { "type": "http", "url": "https://mcp.acme.example/sse", "headers": { "X": "${TOKEN}" } },
    "bridge": { "command": "npx", "args": ["-y", "mcp-remote@0.1.18", "https://remote.acme.example/mcp"] },
    "own": { "command": "node", "args": ["tools/server.js"] },
    "off": { "command": "npx", "args": ["tsx", "src/mcp.ts"], "disabled": true },
    "image": { "command": "docker", "args": ["run", "-i", "--rm", "-e", "TOKEN", "acme/mcp:1.2"] },
    "windows": { "command": "cmd", "args": ["/c", "npx", "-y", "@playwright/mcp@latest"] },
    "text": { "command": "${env:ACME_MCP}", "args": ["serve"] }
  }
}"#;
    tells(
        "a/.mcp.json",
        text,
        &[
            "3 claude-code server context7: npx -y @upstash/context7-mcp@1.0.14",
            "12 claude-code base-url ANTHROPIC_BASE_URL: https://gateway.acme.example",
            "4 claude-code server acme: npx -y @acme/mcp-server --root ${CLAUDE_PROJECT_DIR:-.}",
            "14 claude-code server fetch: uvx mcp-server-fetch==2025.4.7",
            "15 claude-code endpoint tracker: https://mcp.acme.example/sse",
            "16 claude-code endpoint bridge: https://remote.acme.example/mcp",
            "17 claude-code server own: node tools/server.js",
            "18 claude-code server off: npx tsx src/mcp.ts",
            "19 claude-code server image: docker run -i --rm -e TOKEN acme/mcp:1.2",
            "20 claude-code server windows: cmd /c npx -y @playwright/mcp@latest",
            "21 claude-code server text: ${env:ACME_MCP} serve",
        ],
        &[
            "3 context7: pkg:npm/%40upstash/context7-mcp 1.0.14 (mcp-context7)",
            "9 acme: pkg:npm/%40acme/mcp-server ~* (unknown)",
            "14 fetch: pkg:pypi/mcp-server-fetch 2025.4.7 (mcp-fetch)",
            "16 bridge: pkg:npm/mcp-remote 0.1.18 (mcp-remote)",
            "19 image: pkg:docker/acme/mcp ~1.2 (unknown)",
            "20 windows: pkg:npm/%40playwright/mcp ~latest (mcp-playwright)",
        ],
    );
}

#[test]
fn servers_of_every_other_client() {
    let object = r#"{"mcpServers": {"a": {"command": "npx", "args": ["acme-mcp@1.0.0"]}}}"#;
    for (path, client) in [
        (".cursor/mcp.json", "cursor"),
        (".roo/mcp.json", "roo"),
        (".windsurf/mcp_config.json", "windsurf"),
        (".gemini/settings.json", "gemini-cli"),
        (".qwen/settings.json", "qwen-code"),
        (".qoder.json", "qoder-cli"),
        (".kimi/mcp.json", "kimi-cli"),
        (".openhands/mcp.json", "openhands"),
        (".kiro/settings/mcp.json", "kiro"),
        (".factory/mcp.json", "droid"),
        (".claude-plugin/plugin.json", "claude-code"),
        ("claude_desktop_config.json", "claude-desktop"),
        ("gemini-extension.json", "gemini-cli"),
        (".continue/mcpServers/a.json", "continue-cli"),
        ("cline_mcp_settings.json", "-"),
    ] {
        tells(path, object, &[&format!("1 {client} server a: npx acme-mcp@1.0.0")], &["1 a: pkg:npm/acme-mcp 1.0.0 (unknown)"]);
    }
    let unknown = "2 a: pkg:npm/acme-mcp 1.0.0 (unknown)";
    tells(
        ".vscode/mcp.json",
        "{ // servers\n\"servers\": {\"a\": {\"type\": \"stdio\", \"command\": \"npx\", \"args\": [\"-y\", \"acme-mcp@1.0.0\",],},},\n\"inputs\": []}",
        &["2 vscode server a: npx -y acme-mcp@1.0.0"],
        &[unknown],
    );
    tells(
        ".devcontainer/devcontainer.json",
        "{\"customizations\": {\"vscode\": {\"mcp\": {\"servers\":\n{\"a\": {\"command\": \"npx\", \"args\": [\"acme-mcp@1.0.0\"]}}}}}}",
        &["2 vscode server a: npx acme-mcp@1.0.0"],
        &[unknown],
    );
    tells(
        ".codex/config.toml",
        "[mcp_servers.a]\ncommand = \"npx\"\nargs = [\"-y\",\n \"acme-mcp@1.0.0\"]\n\n[mcp_servers.b]\nurl = \"https://mcp.acme.example\"\nbearer_token_env_var = \"T\"\n",
        &["1 openai-codex server a: npx -y acme-mcp@1.0.0", "7 openai-codex endpoint b: https://mcp.acme.example"],
        &["4 a: pkg:npm/acme-mcp 1.0.0 (unknown)"],
    );
    tells(
        "opencode.jsonc",
        "{\"mcp\": {\n\"a\": {\"type\": \"local\", \"command\": [\"bunx\", \"acme-mcp@1.0.0\"], \"environment\": {\"A\": \"1\"}},\n\"b\": {\"type\": \"remote\", \"url\": \"https://mcp.acme.example\"},\n\"c\": {\"enabled\": false}}}",
        &["2 opencode server a: bunx acme-mcp@1.0.0", "3 opencode endpoint b: https://mcp.acme.example"],
        &[unknown],
    );
    tells(
        ".zed/settings.json",
        "{\"context_servers\": {\n\"a\": {\"command\": {\"path\": \"npx\", \"args\": [\"acme-mcp@1.0.0\"], \"env\": null}},\n\"b\": {\"source\": \"custom\", \"command\": \"npx\", \"args\": [\"acme-mcp@2\"]},\n\"c\": {\"source\": \"extension\", \"settings\": {}}}}",
        &["2 zed server a: npx acme-mcp@1.0.0", "3 zed server b: npx acme-mcp@2"],
        &[unknown, "3 b: pkg:npm/acme-mcp ~2 (unknown)"],
    );
    tells(
        ".vibe/config.toml",
        "[[mcp_servers]]\nname = \"a\"\ntransport = \"stdio\"\ncommand = \"npx\"\nargs = [\"acme-mcp@1.0.0\"]\n",
        &["1 mistral-vibe server a: npx acme-mcp@1.0.0"],
        &["5 a: pkg:npm/acme-mcp 1.0.0 (unknown)"],
    );
    tells(
        ".continue/config.yaml",
        "name: x\nmcpServers:\n  - name: a\n    command: npx\n    args:\n      - \"acme-mcp@1.0.0\"\nmodels:\n  - name: m\n    apiBase: https://llm.acme.example/v1\n",
        &["3 continue-cli server a: npx acme-mcp@1.0.0", "9 continue-cli base-url models.m.apiBase: https://llm.acme.example/v1"],
        &["6 a: pkg:npm/acme-mcp 1.0.0 (unknown)"],
    );
    tells(
        "windsurf/mcp_config.json",
        "{\"mcpServers\": {\"a\":\n{\"serverUrl\": \"https://mcp.acme.example\"}}}",
        &["2 windsurf endpoint a: https://mcp.acme.example"],
        &[],
    );
    tells(
        ".gemini/settings.json",
        "{\"mcpServers\": {\"a\":\n{\"httpUrl\": \"https://mcp.acme.example\"}}}",
        &["2 gemini-cli endpoint a: https://mcp.acme.example"],
        &[],
    );
    tells(
        "crush.json",
        "{\"mcp\": {\"a\": {\"type\": \"stdio\",\n\"command\": \"npx acme-mcp@1.0.0\"}}}",
        &["1 crush server a: npx acme-mcp@1.0.0"],
        &[unknown],
    );
}

#[test]
fn the_digest_is_that_of_the_whole_definition() {
    let digest = |text: &str| reading(".mcp.json", text).directives[0].digest.clone();
    let of = |rest: &str| digest(&format!("{{\"mcpServers\": {{\"a\": {{\"command\": \"acme\"{rest}}}}}}}"));
    let plain = of("");
    assert_eq!(plain, Digest::sha256_of(br#"{"command":"acme"}"#));
    assert_ne!(plain, of(", \"env\": {\"A\": \"1\"}"));
    assert_ne!(of(", \"env\": {\"A\": \"1\"}"), of(", \"env\": {\"A\": \"2\"}"));
    assert_ne!(plain, of(", \"args\": []"));
    // Neither its place nor its spaces.
    assert_eq!(plain, digest("{\n\n\"mcpServers\":\n{\"b\":{\"url\":\"\"},\"other\" : {  \"command\":\"acme\" }}}"));
}

#[test]
fn what_starts_nothing_says_nothing() {
    for text in [
        "{}",
        "[]",
        "  \n",
        "",
        "{\"mcpServers\": null}",
        "{\"mcpServers\": {\"a\": null, \"b\": 7, \"c\": [], \"d\": \"npx x\", \"e\": {}, \"f\": {\"command\": \"\"}, \"g\": {\"url\": \"\"}}}",
        "{\"mcpServers\": [1, {\"command\": \"npx\"}]}",
        "{\"servers\": {\"a\": {\"command\": \"npx\", \"args\": [\"x\"]}}}",
    ] {
        tells(".mcp.json", text, &[], &[]);
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    for (path, text) in [
        (".mcp.json", "{\"mcpServers\": {\"a\": {}, \"a\": {}}}".to_owned()),
        (".mcp.json", "{".to_owned()),
        (".codex/config.toml", "a = ".to_owned()),
        (".continue/config.yaml", "a: [".to_owned()),
        (".cursor/mcp.json", "[".repeat(100_000)),
        (".claude/settings.json", "<<<<<<< HEAD\n{}".to_owned()),
    ] {
        let reading = reading(path, &text);
        assert!(matches!(&reading.oddities[..], [Oddity::Unparsable { .. }]), "{path}");
        assert!(reading.directives.is_empty() && reading.mentions.is_empty());
    }
    // Names that others use as well.
    for path in ["hooks/hooks.json", ".devcontainer/devcontainer.json", "a.code-workspace", ".lsp.json"] {
        tells(path, "no { json", &[], &[]);
    }
}
