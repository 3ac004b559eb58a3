//! Ways to install a tool that do not look like one, each of which somebody could use to get a refused version past a reader.

use super::tests::found;

const CODEX: &str = "@openai/codex";

/// What must be found in a script, whatever else is.
#[track_caller]
fn installs(script: &str) {
    let found = found("x.sh", script);
    assert!(found.iter().any(|line| line.ends_with("@openai/codex 0.1.0")), "{script}\n{found:?}");
}

#[test]
fn commands_behind_other_programs() {
    for script in [
        "pnpm --package=@openai/codex@0.1.0 dlx codex",
        "pnpm --package @openai/codex@0.1.0 dlx codex",
        "corepack pnpm@9 dlx @openai/codex@0.1.0",
        "NPX -y @openai/codex@0.1.0",
        "bash -euo pipefail -c 'npx @openai/codex@0.1.0'",
        "bash -ceo pipefail 'npx @openai/codex@0.1.0'",
        "su - node -c 'npm i -g @openai/codex@0.1.0'",
        "runuser -u node -- npx @openai/codex@0.1.0",
        "ssh host 'npx @openai/codex@0.1.0'",
        "kubectl exec pod -- npx @openai/codex@0.1.0",
        "docker compose run --rm app npx @openai/codex@0.1.0",
        "docker-compose -f x.yml exec -T app npx @openai/codex@0.1.0",
        "find . -name x -exec npx @openai/codex@0.1.0 \\;",
        "flock /tmp/lock npx @openai/codex@0.1.0",
        "flock /tmp/lock -c 'npx @openai/codex@0.1.0'",
        "trap 'npx @openai/codex@0.1.0' EXIT",
        "watch -n 5 npx @openai/codex@0.1.0",
        "busybox sh -c 'npx @openai/codex@0.1.0'",
        "fnm exec --using=20 npx @openai/codex@0.1.0",
        "nvm exec 20 npx @openai/codex@0.1.0",
        "asdf exec npx @openai/codex@0.1.0",
        "coproc npx @openai/codex@0.1.0",
        "function f { npx @openai/codex@0.1.0; }",
        "concurrently -k 'npx @openai/codex@0.1.0' 'npm:dev'",
        "npx concurrently 'npx @openai/codex@0.1.0'",
        "pwsh -NoProfile -Command npx @openai/codex@0.1.0",
        "yarn workspace app add @openai/codex@0.1.0",
        "npm pack @openai/codex@0.1.0",
        "nlx @openai/codex@0.1.0",
        "deno install -g -A npm:@openai/codex@0.1.0/cli",
        "curl -O https://mirror.acme.example/@openai/codex/-/codex-0.1.0.tgz",
        "npx $'@openai/codex@0.1.0'",
        "npx $\"@openai/codex@0.1.0\"",
        "npx\0 @openai/codex@0.1.0",
    ] {
        installs(script);
    }
    assert_eq!(found("x.sh", "curl -sI https://claude.ai/install.sh\n"), [""; 0], "it asks and fetches nothing");
    assert_eq!(found("x.sh", "grep -- npx @openai/codex\necho 'npx @openai/codex'\n"), [""; 0]);
}

#[test]
fn words_in_variables_and_braces() {
    for script in [
        "V=0.1.0\nnpm i -g @openai/codex@$V",
        "export V=0.1.0 W=1; npx @openai/codex@${V}",
        "npx @openai/codex@${V:-0.1.0}",
        "P=@openai/codex@0.1.0\nnpx \"$P\"",
        "P='-y @openai/codex@0.1.0'\nnpx $P",
        "V=0.2.0\nif false; then V=0.1.0; fi\nnpx @openai/codex@$V",
        "for p in left-pad @openai/codex@0.1.0; do npm i -g $p; done",
        "npm i -g {@openai/codex@0.1.0,left-pad}",
        "npm i -g @openai/{codex@0.1.0,x}",
        "V=0.1.0\nsh -c \"npx @openai/codex@$V\"",
    ] {
        installs(script);
    }
    // The command as it is written keeps its say: who sets the variable elsewhere chooses another version.
    assert_eq!(found("x.sh", "V=0.1.0\nnpx @openai/codex@$V\n"), [format!("2 {CODEX} ~$V"), format!("2 {CODEX} 0.1.0")]);
}

#[test]
fn variables_of_other_files() {
    for (path, text) in [
        ("Dockerfile", "FROM a\nARG V=0.1.0\nRUN npm i -g @openai/codex@$V\n"),
        ("Dockerfile-dev", "FROM a\nENV P @openai/codex@0.1.0\nRUN npm i -g ${P}\n"),
        ("Dockerfile", "FROM a\nHEALTHCHECK --interval=5s CMD npx @openai/codex@0.1.0\n"),
        ("Makefile", "C := @openai/codex@0.1.0\na:\n\tnpx $(C)\n"),
        ("Makefile", "a: b ; @npx @openai/codex@0.1.0\n"),
        (".gitlab-ci.yml", "variables:\n  P: '@openai/codex@0.1.0'\na:\n  script: npx $P\n"),
        ("ci/lint.yml", "a:\n  script: [npx @openai/codex@0.1.0]\n"),
        (".github/workflows/x.yml", "env:\n  V: 0.1.0\njobs:\n  a:\n    steps:\n      - run: npx @openai/codex@${{ env.V }}\n"),
        (
            ".github/workflows/x.yml",
            "jobs:\n  a:\n    strategy: { matrix: { p: [x, '@openai/codex@0.1.0'] } }\n    steps:\n      - run: npx ${{ matrix.p }}\n",
        ),
        (
            ".github/workflows/x.yml",
            "jobs:\n  a:\n    strategy: { matrix: { include: [{ v: 0.1.0 }] } }\n    steps:\n      - run: npx @openai/codex@${{ matrix.v }}\n",
        ),
        (
            ".github/workflows/x.yml",
            "on: { workflow_call: { inputs: { v: { default: 0.1.0 } } } }\njobs:\n  a:\n    steps:\n      - run: npx @openai/codex@${{ inputs.v }}\n",
        ),
        (
            ".github/workflows/x.yml",
            "jobs:\n  a:\n    steps:\n      - uses: a/b@v1\n        with: { args: npx @openai/codex@0.1.0 }\n",
        ),
        ("compose.yml", "services:\n  a:\n    healthcheck:\n      test: [CMD-SHELL, npx @openai/codex@0.1.0]\n"),
        ("setup.bat", "@echo off\r\nrem it isn't read\r\nset V=0.1.0\r\ncall npx.cmd -y ^\r\n  @openai/codex@%V%\r\n"),
        ("run", "#!/bin/sh\nnpx @openai/codex@0.1.0\n"),
        ("tools/x/run", "#!/bin/sh\nnpx @openai/codex@0.1.0\n"),
        (".mise/conf.d/x.toml", "[tools]\n\"npm:@openai/codex\" = \"0.1.0\"\n"),
        (
            "prek.toml",
            "[[repos]]\nrepo = 'local'\nhooks = [{ id = 'a', language = 'system', entry = 'npx @openai/codex@0.1.0' }]\n",
        ),
    ] {
        let found = found(path, text);
        assert!(found.iter().any(|line| line.ends_with("@openai/codex 0.1.0")), "{path}\n{text}\n{found:?}");
    }
}

#[test]
fn cells_of_notebooks_run_commands() {
    let text = "{\"cells\": [\n{\"cell_type\": \"markdown\", \"source\": [\"!pip install mcp==1.0\"]},\n{\"cell_type\": \"code\", \"source\": [\n\"import x\\n\",\n\"!pip install -q mcp==1.0\\n\",\n\"%pip install openai==1.2.3\\n\",\n\"y = 7 % 3\"]},\n{\"cell_type\": \"code\", \"source\": \"%%bash\\nnpx @openai/codex@0.1.0\"}]}";
    assert_eq!(found("a.ipynb", text), ["5 mcp 1.0", "6 openai 1.2.3", "8 @openai/codex 0.1.0"]);
    assert_eq!(found("a.ipynb", "{"), [""; 0]);
}

#[test]
fn servers_behind_wrappers() {
    let server = |command: &str, args: &str| {
        let text = format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"{command}\", \"args\": [{args}]}}}}}}");
        found(".mcp.json", &text)
    };
    for (command, args) in [
        ("varlock", r#""run", "--", "npx", "-y", "@openai/codex@0.1.0""#),
        ("npx", r#""-y", "dotenv-cli", "--", "npx", "-y", "@openai/codex@0.1.0""#),
        ("npx", r#""@modelcontextprotocol/inspector", "npx", "-y", "@openai/codex@0.1.0""#),
        ("uvx", r#""mcp-proxy", "--", "npx", "-y", "@openai/codex@0.1.0""#),
        ("npx", r#""-y", "supergateway", "--stdio", "npx -y @openai/codex@0.1.0""#),
        ("node", r#""node_modules/.bin/npx", "@openai/codex@0.1.0""#),
        ("pnpm", r#""--package=@openai/codex@0.1.0", "dlx", "codex""#),
        ("NPX", r#""-y", "@openai/codex@0.1.0""#),
    ] {
        let found = server(command, args);
        assert!(found.iter().any(|line| line.ends_with("@openai/codex 0.1.0")), "{command} {args}: {found:?}");
    }
    // A word that is called like a program is none.
    assert_eq!(server("npx", r#""-y", "@acme/shell-mcp@1.0.0", "--allow", "npx", "git""#), ["1 @acme/shell-mcp 1.0.0"]);
}
