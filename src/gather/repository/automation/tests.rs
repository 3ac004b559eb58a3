//! Files as their formats' documentation describes them, and what is found in each.

use super::command::{commands, mentions_in, mentions_of_words};
use crate::catalogue::Catalogue;
use crate::evidence::{Oddity, Request, Role};
use crate::gather::repository::{Reading, Source, formats_of};
use std::path::Path;

/// One file read as everything its path says it is, model ids left out.
fn reading(path: &str, text: &str) -> Reading {
    let catalogue = Catalogue::built_in();
    let source = Source::new(Path::new(path), text.as_bytes(), &catalogue);
    let mut all = Reading::default();
    for format in formats_of(Path::new(path)).filter(|format| !format.is_for_model_ids) {
        all.append((format.read)(&source));
    }
    all
}

/// `line package request`; a floating request begins with `~`.
pub(in crate::gather::repository) fn found(path: &str, text: &str) -> Vec<String> {
    let reading = reading(path, text);
    assert_eq!(reading.oddities, [], "{path}");
    reading.mentions.iter().map(line).collect()
}

fn line(mention: &crate::evidence::Mention) -> String {
    let request = match &mention.request {
        Request::Exact(version) => version.as_str().to_owned(),
        Request::Floating { text, .. } => format!("~{text}"),
    };
    let by = mention.brought_by.first().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{} {} {request}{by}", mention.location.line.unwrap_or(0), mention.package.name)
}

fn of_script(text: &str) -> Vec<String> {
    let catalogue = Catalogue::built_in();
    let source = Source::new(Path::new("x.sh"), text.as_bytes(), &catalogue);
    mentions_in(&source, text, 1).iter().map(line).collect()
}

/// What one command of one line installs, the line left out.
#[track_caller]
fn installs(command: &str, expected: &[&str]) {
    let found = of_script(command);
    let found: Vec<&str> = found.iter().map(|line| line.strip_prefix("1 ").unwrap_or(line)).collect();
    assert_eq!(found, expected, "{command}");
}

fn served(words: &[&str]) -> Vec<String> {
    let catalogue = Catalogue::built_in();
    let source = Source::new(Path::new(".mcp.json"), b"", &catalogue);
    mentions_of_words(&source, words, 7, &Role::Server("notes".to_owned())).iter().map(line).collect()
}

#[test]
fn scripts_are_split_as_a_shell_splits_them() {
    let words = |text: &str| -> Vec<String> {
        commands(text, 1)
            .iter()
            .map(|c| {
                format!(
                    "{}:{}",
                    c.words.first().map_or(0, |w| w.line),
                    c.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join("|")
                )
            })
            .collect()
    };
    assert_eq!(words("a b && c 'd e' || f \"g  h\"; i\\ j # k"), ["1:a|b", "1:c|d e", "1:f|g  h", "1:i j"]);
    assert_eq!(words("a \\\n  b\n\nc | d |\n e &"), ["1:a|b", "4:c", "4:d", "5:e"]);
    assert_eq!(words("if a; then b; else { c; }; fi"), ["1:a", "1:b", "1:c"]);
    assert_eq!(words("x=1 y=\"2 3\" a >out 2>&1 <in b"), ["1:a|b"]);
    assert_eq!(words("a \"$(b c)\" `d` <(e) ${f:-$(g)}"), ["1:b|c", "1:d", "1:e", "1:g", "1:a|$(b c)|`d`|<(e)|${f:-$(g)}"]);
    assert_eq!(words("case $x in\n  a|b) c d ;;\n  (*) e ;;\nesac"), ["1:case|$x|in", "2:a", "2:c|d", "3:*", "3:e"]);
    assert_eq!(words("cat <<EOF\nnpm i\nEOF\nb"), ["1:cat", "4:b"]);
    assert_eq!(words("bash <<'EOF' && b\nnpm i\nEOF\nc"), ["1:bash", "1:b", "2:npm|i", "4:c"]);
    assert_eq!(words("cat <<-EOF | sh -s\n\tnpm i\n\tEOF\nc"), ["1:cat", "1:sh|-s", "2:npm|i", "4:c"]);
    assert_eq!(words("cat <<EOF\n$(npm i)\nEOF"), ["1:cat", "2:npm|i"]);
    assert_eq!(words("f() { a; }\nf"), ["1:f", "1:a", "2:f"]);
    assert_eq!(words("echo it's\nnpm i"), ["1:echo|it's", "2:npm|i"], "a quote that nothing closes is a character");
    assert_eq!(words("npm i a@${{ inputs.version }} b"), ["1:npm|i|a@${{ inputs.version }}|b"]);
    let assigned = commands("export A=b C=d; E=f", 3);
    assert_eq!(assigned[1].assignments[0].text, "E=f");
}

#[test]
fn javascript_commands() {
    let claude = "@anthropic-ai/claude-code";
    for command in [
        "npm install -g @anthropic-ai/claude-code@2.1.150",
        "npm i --global --registry https://npm.acme.example @anthropic-ai/claude-code@2.1.150",
        "npm --omit dev i -g @anthropic-ai/claude-code@2.1.150",
        "sudo -E -u build npm -g install @anthropic-ai/claude-code@2.1.150",
        "pnpm add -g @anthropic-ai/claude-code@2.1.150",
        "pnpm add -w @anthropic-ai/claude-code@2.1.150",
        "yarn global add @anthropic-ai/claude-code@2.1.150",
        "yarn add --dev @anthropic-ai/claude-code@2.1.150",
        "bun add -g @anthropic-ai/claude-code@2.1.150",
        "npx -y @anthropic-ai/claude-code@2.1.150 -p 'say hello'",
        "npx --yes --package @anthropic-ai/claude-code@2.1.150 -- claude --version",
        "npx -p=@anthropic-ai/claude-code@2.1.150 claude",
        "npm exec --yes -- @anthropic-ai/claude-code@2.1.150",
        "pnpm dlx @anthropic-ai/claude-code@2.1.150",
        "pnpm --package=x dlx @anthropic-ai/claude-code@2.1.150",
        "yarn dlx -p @anthropic-ai/claude-code@2.1.150 claude",
        "bunx --bun @anthropic-ai/claude-code@2.1.150",
        "bun x @anthropic-ai/claude-code@2.1.150",
        "deno run -A npm:@anthropic-ai/claude-code@2.1.150",
        "volta install @anthropic-ai/claude-code@2.1.150",
        "/usr/local/bin/npm i notes@npm:@anthropic-ai/claude-code@2.1.150",
        "npm i https://mirror.example/@anthropic-ai/claude-code/-/claude-code-2.1.150.tgz",
        "NODE_ENV=ci env -u X FOO=1 npm i @anthropic-ai/claude-code@2.1.150",
        "bash -lc 'npm i -g @anthropic-ai/claude-code@2.1.150'",
        "sh -euc \"cd x && npm i @anthropic-ai/claude-code@2.1.150\"",
        "eval \"npm i @anthropic-ai/claude-code@2.1.150\"",
        "timeout -k 5 60 nice -n 5 npm i @anthropic-ai/claude-code@2.1.150",
        "cmd /c npx -y @anthropic-ai/claude-code@2.1.150",
        "cross-env A=b npx @anthropic-ai/claude-code@2.1.150",
        "doppler run -- npx @anthropic-ai/claude-code@2.1.150",
        "mise exec node@22 -- npx @anthropic-ai/claude-code@2.1.150",
        "volta run --node 22 npx @anthropic-ai/claude-code@2.1.150",
        "echo x | xargs -n 1 npm i @anthropic-ai/claude-code@2.1.150",
        "command -v claude || npm i @anthropic-ai/claude-code@2.1.150",
        "docker run --rm -it -e A=b node:22 npx -y @anthropic-ai/claude-code@2.1.150",
        "docker exec -it -u root app npm i @anthropic-ai/claude-code@2.1.150",
    ] {
        installs(command, &[&format!("{claude} 2.1.150")]);
    }
    for (command, text) in [
        ("npm i -g @anthropic-ai/claude-code", "*"),
        ("npx -y @anthropic-ai/claude-code@latest", "latest"),
        ("npm i '@anthropic-ai/claude-code@^2.1.0'", "^2.1.0"),
        ("npm i \"@anthropic-ai/claude-code@$VERSION\"", "$VERSION"),
        ("npm update -g @anthropic-ai/claude-code", "*"),
    ] {
        installs(command, &[&format!("{claude} ~{text}")]);
    }
    // What stands in place of a variable that nobody sets is one more reading.
    let (default, text) = ("npm i @anthropic-ai/claude-code@${CLAUDE_VERSION:-2.1.150}", "~${CLAUDE_VERSION:-2.1.150}");
    installs(default, &[&format!("{claude} {text}"), &format!("{claude} 2.1.150")]);
    installs(
        "npm i -g npm@11 @openai/codex@0.100.0 \\\n @google/gemini-cli",
        &["@openai/codex 0.100.0", "2 @google/gemini-cli ~*"],
    );
}

#[test]
fn what_only_mentions_a_tool_installs_nothing() {
    for command in [
        "# npm install -g @anthropic-ai/claude-code",
        "echo 'npm install -g @anthropic-ai/claude-code'",
        "echo npm install -g @anthropic-ai/claude-code",
        "printf '%s\\n' \"run: npx -y @openai/codex\"",
        "cat <<EOF\nnpm install -g @openai/codex\nEOF",
        "cat > README.md <<'EOF'\n$(npm i @openai/codex)\nEOF",
        "grep -q '@openai/codex' package.json",
        "npm uninstall -g @openai/codex",
        "npm view @openai/codex version",
        "npm ls @openai/codex",
        "npm run codex",
        "npm ci",
        "pip show aider-chat",
        "pip uninstall -y aider-chat",
        "git log --author=codex",
        "command -v npx @openai/codex",
        "npx left-pad",
        "npx codex",
        "pip install codex-cli",
        "pip install ./aider-chat",
        "pip install -r aider-chat.txt",
        "brew uninstall --cask claude-code",
        "docker rm mcp/fetch",
        "curl -I https://claude.ai/install.sh",
        "curl -o /dev/null https://claude.ai/install.sh",
        "curl -fsSL https://acme.example/install.sh | bash",
        "code --list-extensions | grep anthropic.claude-code",
        "docker run -e IMAGE=mcp/fetch alpine true",
        "cd node_modules/@openai/codex && ls",
        "export NPM_PACKAGE=@openai/codex",
        "log \"install with: npm i -g @openai/codex\"",
    ] {
        installs(command, &[]);
    }
}

#[test]
fn python_commands() {
    for command in [
        "pip install aider-chat==0.86.2",
        "pip3.12 install --upgrade -i https://pypi.acme.example/simple 'aider_chat[browser]==0.86.2; python_version > \"3.9\"'",
        "python -m pip install --no-cache-dir -q aider-chat==0.86.2",
        "python3 -I -m pip install -r requirements.txt aider-chat==0.86.2",
        "uv pip install aider-chat==0.86.2",
        "uv tool install --python 3.12 aider-chat==0.86.2",
        "uv add --dev aider-chat==0.86.2",
        "uvx aider-chat==0.86.2",
        "uvx aider-chat@0.86.2 --help",
        "uvx --from 'aider-chat==0.86.2' aider",
        "uvx --from=aider-chat@0.86.2 aider",
        "uvx --with aider-chat==0.86.2,left-pad ruff",
        "uv tool run aider-chat@0.86.2",
        "uv run --with aider-chat==0.86.2 python x.py",
        "pipx install aider-chat==0.86.2",
        "pipx run --spec aider-chat==0.86.2 aider",
        "pipx run aider-chat==0.86.2",
        "pipx inject ruff aider-chat==0.86.2",
        "poetry add aider-chat==0.86.2",
        "poetry run pip install aider-chat==0.86.2",
        "pip install https://mirror.example/a/aider_chat-0.86.2-py3-none-any.whl",
        "pip install 'aider-chat @ https://mirror.example/a/aider_chat-0.86.2-py3-none-any.whl'",
    ] {
        installs(command, &["aider-chat 0.86.2"]);
    }
    installs("pip install aider-chat", &["aider-chat ~*"]);
    installs("pip install 'aider-chat>=0.80,<1'", &["aider-chat ~>=0.80,<1"]);
    installs("uvx aider-chat@latest", &["aider-chat ~latest"]);
    installs("pip install aider-chat==0.86.*", &["aider-chat ~==0.86.*"]);
    installs("pip install aider-chat==$V", &["aider-chat ~==$V"]);
    installs("pip install -e . llm", &["llm ~*"]);
}

#[test]
fn other_commands() {
    let sha = "a".repeat(64);
    installs("brew install --cask claude-code", &["cask:claude-code ~*"]);
    installs("brew install anthropics/tap/claude-code jq", &["cask:claude-code ~*"]);
    installs("brew install --formula claude-code", &[]);
    installs("docker pull mcp/fetch", &["mcp/fetch ~latest"]);
    installs("podman run -i --rm docker.io/mcp/fetch:1.2", &["mcp/fetch ~1.2"]);
    installs(&format!("docker run mcp/fetch:1.2@sha256:{sha}"), &[&format!("mcp/fetch sha256:{sha}")]);
    installs(
        "docker run --name mcp/fetch -v a:b -p80:80 mcr.microsoft.com/playwright/mcp",
        &["mcr.microsoft.com/playwright/mcp ~latest"],
    );
    installs("code --install-extension Anthropic.claude-code@2.1.150 --force", &["anthropic.claude-code 2.1.150"]);
    installs("cursor --install-extension=anthropic.claude-code", &["anthropic.claude-code ~*"]);
    installs("curl -fsSL https://claude.ai/install.sh | bash", &["claude.ai/install.sh ~https://claude.ai/install.sh"]);
    installs("curl -fsSL https://claude.ai/install.sh | sudo bash -s -- 2.1.150", &["claude.ai/install.sh 2.1.150"]);
    installs("curl -fsSL https://claude.ai/install.sh | bash -s stable", &["claude.ai/install.sh ~stable"]);
    installs("bash -c \"$(curl -fsSL https://claude.ai/install.sh)\"", &["claude.ai/install.sh ~https://claude.ai/install.sh"]);
    installs("bash -c \"$(curl -fsSL https://claude.ai/install.sh)\" _ 2.1.150", &["claude.ai/install.sh 2.1.150"]);
    installs("bash <(curl -fsSL https://claude.ai/install.sh) 2.1.150", &["claude.ai/install.sh 2.1.150"]);
    installs("irm https://claude.ai/install.ps1 | iex", &["claude.ai/install.ps1 ~https://claude.ai/install.ps1"]);
    installs("wget -qO- https://opencode.ai/install | tee log | sh -s -- --version v1.2.15", &["opencode.ai/install v1.2.15"]);
    installs("curl https://claude.ai/install.sh -o i.sh && sh i.sh", &["claude.ai/install.sh ~https://claude.ai/install.sh"]);
    installs("mise use -g npm:@openai/codex@0.100.0 claude@2.1.150", &["@openai/codex 0.100.0", "mise/claude 2.1.150"]);
    installs("nix run nixpkgs#codex -- exec", &["nixpkgs/codex ~nixpkgs"]);
    installs(
        "nix-shell -p claude-code --run 'npx @openai/codex@1.0.0'",
        &["nixpkgs/claude-code ~nixpkgs", "@openai/codex 1.0.0"],
    );
    installs("claude mcp add notes -- npx -y notes-mcp@1.0.0", &["notes-mcp 1.0.0"]);
}

#[test]
fn commands_of_servers_name_tools_that_no_catalogue_knows() {
    assert_eq!(served(&["npx", "-y", "notes-mcp@1.2.3", "--stdio"]), ["7 notes-mcp 1.2.3"]);
    assert_eq!(served(&["npx", "-y", "@acme/notes"]), ["7 @acme/notes ~*"]);
    assert_eq!(served(&["uvx", "--from", "acme-notes==1.0", "notes"]), ["7 acme-notes 1.0"]);
    assert_eq!(served(&["docker", "run", "-i", "--rm", "-e", "TOKEN", "acme.example/notes:2"]), ["7 acme.example/notes ~2"]);
    assert_eq!(served(&["cmd", "/c", "npx", "-y", "notes-mcp"]), ["7 notes-mcp ~*"]);
    assert_eq!(served(&["bash", "-lc", "exec npx -y notes-mcp"]), ["7 notes-mcp ~*"]);
    assert_eq!(served(&["env", "A=b", "pipx", "run", "acme-notes"]), ["7 acme-notes ~*"]);
    assert_eq!(served(&["go", "run", "acme.example/notes/cmd/server@v1.2.3"]), ["7 acme.example/notes/cmd/server v1.2.3"]);
    for nothing in [&["node", "server.js"][..], &["npx", "./server"], &["python", "-m", "notes"], &["/opt/notes"], &[]] {
        assert_eq!(served(nothing), [] as [String; 0], "{nothing:?}");
    }
}

#[test]
fn hostile_scripts_take_no_time() {
    let before = std::time::Instant::now();
    let mut slowest = (std::time::Duration::ZERO, "");
    for part in [
        "$(",
        "`",
        "\"$(",
        "(",
        "${",
        "'",
        "\"",
        "<<A\n",
        "<(",
        "a|",
        "sh -c 'sh -c ",
        "eval ",
        "\\",
        "$(a)",
        "\u{20ac}${",
        "<<<",
        "\"`",
        "x=",
        "sudo ",
        "npx cross-env ",
    ] {
        let start = std::time::Instant::now();
        let text = part.repeat(100_000 / part.len());
        let _ = of_script(&text);
        let _ = of_script(&format!("{text}\n{}", text.chars().rev().collect::<String>()));
        let _ = reading("Dockerfile", &format!("FROM x\nRUN {text}"));
        let _ = reading("flake.nix", &text);
        let _ = reading("Makefile", &format!("a:\n\t{text}"));
        slowest = slowest.max((start.elapsed(), part));
    }
    assert!(before.elapsed().as_secs() < 120, "{:?}, the slowest {slowest:?}", before.elapsed());
}

const WORKFLOW: &str = r#"name: assistant
on:
  issue_comment: { types: [created] }
env:
  GEMINI_CLI_VERSION: 0.20.0
jobs:
  # npx -y @openai/codex
  answer:
    runs-on: ubuntu-latest
    container: mcp/fetch:1
    steps:
      - uses: actions/checkout@v4
      - name: "Install @openai/codex"
        run: |
          set -e
          npm ci
          npm install -g @openai/codex@0.100.0 # @google/gemini-cli
      - run: echo "npx -y @openai/codex"
      - shell: python
        run: |
          print("npm i @openai/codex")
      - uses: anthropics/claude-code-action@v1
        with:
          prompt: npm install -g @openai/codex
      - uses: Anthropics/claude-code-action@0123456789abcdef0123456789abcdef01234567 # v1.0.1
      - uses: openai/codex-action@v1
        with:
          codex-version: 0.101.0
      - uses: openai/codex-action@v1
        with: { codex-version: "" }
      - uses: google-github-actions/run-gemini-cli@v0
      - uses: google-github-actions/run-gemini-cli@v0
        env: { GEMINI_CLI_VERSION: nightly }
      - uses: docker://ghcr.io/github/github-mcp-server
      - uses: ./.github/actions/own
  call:
    uses: anthropics/claude-code-action/.github/workflows/review.yml@main
"#;

#[test]
fn workflows() {
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let expected = [
        "10 mcp/fetch ~1".to_owned(),
        "17 @openai/codex 0.100.0".to_owned(),
        "22 anthropics/claude-code-action ~v1".to_owned(),
        "22 @anthropic-ai/claude-code ~what anthropics/claude-code-action@v1 installs by anthropics/claude-code-action@v1".to_owned(),
        format!("25 anthropics/claude-code-action {sha}"),
        format!("25 @anthropic-ai/claude-code ~what Anthropics/claude-code-action@{sha} installs by Anthropics/claude-code-action@{sha}"),
        "26 openai/codex-action ~v1".to_owned(),
        "28 @openai/codex 0.101.0".to_owned(),
        "29 openai/codex-action ~v1".to_owned(),
        "29 @openai/codex ~latest by openai/codex-action@v1".to_owned(),
        "31 google-github-actions/run-gemini-cli ~v0".to_owned(),
        "5 @google/gemini-cli 0.20.0".to_owned(),
        "32 google-github-actions/run-gemini-cli ~v0".to_owned(),
        "33 @google/gemini-cli ~nightly".to_owned(),
        "34 ghcr.io/github/github-mcp-server ~latest".to_owned(),
        "37 anthropics/claude-code-action ~main".to_owned(),
        "37 @anthropic-ai/claude-code ~what anthropics/claude-code-action/.github/workflows/review.yml@main installs by anthropics/claude-code-action/.github/workflows/review.yml@main".to_owned(),
    ];
    for path in [".github/workflows/a.yml", "sub/.GitHub/workflows/a.YAML", ".forgejo/workflows/a.yml"] {
        assert_eq!(found(path, WORKFLOW), expected, "{path}");
    }
    assert_eq!(found(".github/a.yml", WORKFLOW), [] as [String; 0]);
    assert!(matches!(&reading(".github/workflows/a.yml", "a: [").oddities[..], [Oddity::Unparsable { .. }]));
    let action = "name: own\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: npx -y @openai/codex@1.0.0\n";
    assert_eq!(found("a/action.yml", action), ["6 @openai/codex 1.0.0"]);
    assert_eq!(found("a/action.yml", "a: ["), [] as [String; 0], "no action");
    assert_eq!(reading("a/action.yml", "runs: [").oddities.len(), 1);
}

#[test]
fn a_text_with_lines_of_its_own_stands_where_it_begins() {
    let workflow = "jobs:\n  a:\n    steps:\n      - run: \"npm ci\\n\\n\\nnpx -y @openai/codex\"\n      - run: >-\n          npm ci &&\n\n          npx -y @openai/codex\n";
    assert_eq!(found(".github/workflows/a.yml", workflow), ["4 @openai/codex ~*", "6 @openai/codex ~*"]);
    let container = "{ \"postCreateCommand\": \"a\\nb\\nnpx -y @openai/codex\", \"postStartCommand\": [\"sh\", \"-c\", \"\\n\\nnpx llm-notes; npx @openai/codex\"] }";
    assert_eq!(found(".devcontainer.json", container), ["1 @openai/codex ~*", "1 @openai/codex ~*"]);
    let compose = "services:\n  a:\n    build: { dockerfile_inline: \"FROM a\\nRUN npx @openai/codex\" }\n";
    assert_eq!(found("compose.yml", compose), ["3 @openai/codex ~*"]);
}

#[test]
fn gitlab_pipelines() {
    let text = r#"include:
  - local: /ci/x.yml
  - remote: https://acme.example/ci.yml
  - project: acme/ci
    file: a.yml
image: { name: "ghcr.io/github/github-mcp-server:v1" }
default:
  before_script: [npm i -g @openai/codex@0.100.0]
variables:
  script: npm i -g @openai/codex
.base: &base
  script: &script
    - echo "pip install aider-chat"
review:
  services: [mcp/fetch]
  script:
    - *script
    - |
      npm ci
      pip install \
        aider-chat
  after_script: npx -y @google/gemini-cli
"#;
    let expected = [
        "6 ghcr.io/github/github-mcp-server ~v1",
        "8 @openai/codex 0.100.0",
        "21 aider-chat ~*",
        "22 @google/gemini-cli ~*",
        "15 mcp/fetch ~latest",
    ];
    assert_eq!(found(".gitlab-ci.yml", text), expected);
    assert_eq!(found(".gitlab/ci/review.yml", text), expected);
    let coverage = reading(".gitlab-ci.yml", text).coverage;
    assert_eq!(coverage.len(), 1);
    assert!(format!("{:?}", coverage[0]).contains("https://acme.example/ci.yml and 1 more"), "{coverage:?}");
}

#[test]
fn other_pipelines_and_tasks() {
    let circle = "jobs:\n  a:\n    docker: [{ image: mcp/fetch:1 }]\n    steps:\n      - run: { name: npx @openai/codex, command: npx -y @openai/codex }\n      - run: pip install llm\n";
    assert_eq!(found(".circleci/config.yml", circle), ["3 mcp/fetch ~1", "5 @openai/codex ~*", "6 llm ~*"]);
    let task = "version: '3'\ntasks:\n  review:\n    desc: npx @openai/codex\n    cmds:\n      - task: other\n      - npx -y @openai/codex@1.0.0\n      - cmd: uvx aider-chat\n";
    assert_eq!(found("Taskfile.yml", task), ["7 @openai/codex 1.0.0", "8 aider-chat ~*"]);
}

#[test]
fn scripts_by_name_and_first_line() {
    let text = "#!/usr/bin/env bash\nnpm i -g @openai/codex\n";
    for path in ["a.sh", "scripts/a", ".husky/pre-commit", "a.bash", ".envrc"] {
        assert_eq!(found(path, text), ["2 @openai/codex ~*"], "{path}");
    }
    assert_eq!(found(".husky/pre-commit", "npx -y @openai/codex\n"), ["1 @openai/codex ~*"]);
    for (path, text) in [
        ("scripts/a", "npm i -g @openai/codex\n"),
        ("scripts/a.py", text),
        ("docs/a", text),
        ("a.md", text),
        ("scripts/a", "#!/usr/bin/env python3\nnpm i -g @openai/codex\n"),
        ("scripts/a", "#!/usr/bin/env node\nsh('npm i -g @openai/codex')\n"),
    ] {
        assert_eq!(found(path, text), [] as [String; 0], "{path}");
    }
}

#[test]
fn makefiles_and_justfiles() {
    let make = "# npx @openai/codex\nV := $(shell npx -y @openai/codex@1.0.0 --version)\nNOTE = npx @openai/codex\n.PHONY: a\na: b ; true\n\t@echo \"npx @openai/codex\"\n\t-@npm i -g \\\n\t  @openai/codex@$(V)\n\n\t# npx @openai/codex\n";
    assert_eq!(found("Makefile", make), ["2 @openai/codex 1.0.0", "8 @openai/codex ~$(V)"]);
    assert_eq!(found("build/x.mk", make).len(), 2);
    let just = "v := \"1\"\n# npx @openai/codex\nreview arg:\n    @npx -y @openai/codex@{{v}} {{arg}}\n\nother:\n    #!/usr/bin/env python3\n    x = 'npx'\n    npx @openai/codex\n\nlast:\n\t#!/bin/sh\n\tuvx aider-chat\n";
    assert_eq!(found("justfile", just), ["4 @openai/codex ~{{v}}", "13 aider-chat ~*"]);
}

#[test]
fn scripts_of_package_json() {
    let text = r#"{
  "description": "npx -y @openai/codex",
  "scripts": {
    "ai": "npx -y @openai/codex",
    "own": "npx @anthropic-ai/claude-code && npx @anthropic-ai/claude-code@latest",
    "prepare": "husky && npx -y @google/gemini-cli@0.20.0"
  },
  "devDependencies": { "@anthropic-ai/claude-code": "2.1.150" }
}"#;
    assert_eq!(
        found("package.json", text),
        [
            "8 @anthropic-ai/claude-code 2.1.150",
            "4 @openai/codex ~*",
            "5 @anthropic-ai/claude-code ~latest",
            "6 @google/gemini-cli 0.20.0"
        ]
    );
    assert_eq!(found("node_modules/x/package.json", text), [] as [String; 0]);
    assert_eq!(reading("package.json", "{").oddities.len(), 1, "said once");
}

#[test]
fn version_managers_and_package_lists() {
    let tool_versions = "nodejs 22.1.0\n# claude 1.0.0\nclaude 2.1.150 # codex 1\nnpm:@openai/codex latest\n";
    assert_eq!(found(".tool-versions", tool_versions), ["3 mise/claude 2.1.150", "4 @openai/codex ~latest"]);
    let mise = "[tools]\nnode = '22'\n\"npm:@openai/codex\" = \"0.100.0\"\nclaude = { version = \"latest\", os = [\"linux\"] }\n\"pipx:aider-chat\" = [\"0.86.2\"]\n[tasks.ai]\ndescription = 'npx @openai/codex'\nrun = ['npx -y @google/gemini-cli']\n[env]\nX = 'npx @openai/codex'\n";
    let expected = ["3 @openai/codex 0.100.0", "4 mise/claude ~latest", "5 aider-chat 0.86.2", "8 @google/gemini-cli ~*"];
    for path in ["mise.toml", ".mise.toml", ".config/mise/config.toml", "mise.local.toml"] {
        assert_eq!(found(path, mise), expected, "{path}");
    }
    let brew = "tap \"acme/tap\"\n# cask \"claude-code\"\ncask 'claude-code' if OS.mac?\nbrew \"claude-code\"\nvscode \"anthropic.claude-code\"\nnpm \"@openai/codex\"\nputs \"cask claude-code\"\n";
    assert_eq!(found("Brewfile", brew), ["3 cask:claude-code ~*", "5 anthropic.claude-code ~*", "6 @openai/codex ~*"]);
    let devbox = "{\n  // \"codex@1\"\n  \"packages\": [\"codex@0.100.0\", \"nodejs\"],\n  \"shell\": { \"init_hook\": [\"npx -y @google/gemini-cli\"] }\n}";
    assert_eq!(found("devbox.json", devbox), ["3 nixpkgs/codex 0.100.0", "4 @google/gemini-cli ~*"]);
}

#[test]
fn nix_files() {
    let flake = r#"{
  description = "pkgs.codex";
  inputs.codex.url = "github:acme/codex"; # pkgs.opencode
  outputs = { self, nixpkgs, crush }: let
    pkgs = nixpkgs.legacyPackages.x86_64-linux;
    codex = crush.codex;
  in {
    devShells.default = pkgs.mkShell {
      packages = [ pkgs.claude-code ] ++ (with pkgs; [ git
        opencode ]);
      nativeBuildInputs = [ (pkgs.hello.override { codex = 1; crush.x = 2; }) ];
      /* [ codex ] */
      shellHook = ''
        echo "npx @openai/codex"
        npx -y @google/gemini-cli
      '';
    };
  };
}
"#;
    assert_eq!(
        found("flake.nix", flake),
        ["9 nixpkgs/claude-code ~nixpkgs", "10 nixpkgs/opencode ~nixpkgs", "15 @google/gemini-cli ~*"]
    );
}

#[test]
fn editors_and_hooks() {
    let extensions = "{\n  // \"openai.chatgpt\"\n  \"recommendations\": [\n    \"Anthropic.claude-code\",\n    \"rust-lang.rust-analyzer\",\n  ],\n  \"unwantedRecommendations\": [\"openai.chatgpt\"]\n}";
    assert_eq!(found(".vscode/extensions.json", extensions), ["4 anthropic.claude-code ~*"]);
    assert_eq!(found("extensions.json", extensions), [] as [String; 0]);
    let workspace = "{ \"folders\": [], \"extensions\": { \"recommendations\": [\"anthropic.claude-code\"] } }";
    assert_eq!(found("x.code-workspace", workspace), ["1 anthropic.claude-code ~*"]);
    let tasks = "{\"tasks\": [{\"label\": \"npx @openai/codex\", \"command\": \"npx\",\n\"args\": [\"-y\", {\"value\": \"@openai/codex\"}]}]}";
    assert_eq!(found(".vscode/tasks.json", tasks), ["1 @openai/codex ~*"]);
    let hooks = "repos:\n  - repo: https://github.com/anthropics/claude-code-action\n    rev: v1\n    hooks: []\n  - repo: local\n    hooks:\n      - id: review\n        name: npx @openai/codex\n        language: node\n        entry: npx -y @openai/codex\n        additional_dependencies: ['@google/gemini-cli@0.20.0']\n      - id: words\n        language: pygrep\n        entry: npx @openai/codex\n      - id: a\n        language: python\n        additional_dependencies:\n          - aider-chat==0.86.2\n";
    assert_eq!(
        found(".pre-commit-config.yaml", hooks),
        ["2 anthropics/claude-code-action ~v1", "10 @openai/codex ~*", "11 @google/gemini-cli 0.20.0", "18 aider-chat 0.86.2"]
    );
}

#[test]
fn files_that_cannot_be_read_are_said_where_their_name_tells_what_they_are() {
    for path in [
        ".gitlab-ci.yml",
        ".circleci/config.yml",
        "mise.toml",
        ".vscode/extensions.json",
        "a.code-workspace",
        ".pre-commit-config.yaml",
        "devbox.json",
    ] {
        assert_eq!(reading(path, "{[").oddities.len(), 1, "{path}");
    }
    for path in ["a.sh", "Makefile", "justfile", "Brewfile", "flake.nix", ".tool-versions"] {
        assert_eq!(reading(path, "\u{0}{[ \"").oddities, [], "{path}");
    }
}
