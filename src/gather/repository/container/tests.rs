//! Files of containers as their formats' documentation describes them, and what is found in each.

use super::super::automation::tests::found;

#[test]
fn dockerfiles() {
    let sha = "b".repeat(64);
    let text = format!(
        r#"# syntax=docker/dockerfile:1
# RUN npm i -g @openai/codex
ARG VERSION=2.1.150
FROM --platform=linux/amd64 node:22 AS base
LABEL note="npm i -g @openai/codex"
RUN apt-get update && apt-get install -y git \
    # npx @openai/codex
    && npm install -g \
       @anthropic-ai/claude-code@${{VERSION}} \

       @openai/codex@0.100.0
RUN --mount=type=cache,target=/home/node/.npm \
    --mount=type=bind,from=mcp/fetch:1,target=/x \
    npm ci && npx -y @google/gemini-cli
RUN ["npm", "install", "-g", "opencode-ai@1.0.0"]
RUN <<EOF
set -e
pip install aider-chat==0.86.2
EOF
RUN cat <<EOF > /note
npm i -g @openai/codex
EOF
RUN python3 <<EOF
npm("npm i -g @openai/codex")
EOF
COPY <<EOF /readme
RUN npm i -g @openai/codex
EOF
FROM mcr.microsoft.com/playwright/mcp@sha256:{sha}
COPY --from=base /a /b
COPY --from=ghcr.io/github/github-mcp-server:latest /server /server
ADD https://claude.ai/install.sh /tmp/install.sh
FROM base
ONBUILD RUN npx -y @openai/codex@1.0.0
ENV NOTE="npx @openai/codex"
CMD npx -y @openai/codex@1.0.1
ENTRYPOINT ["sh", "-c", "exec npx -y @openai/codex@1.0.2"]
"#
    );
    let expected = [
        "9 @anthropic-ai/claude-code ~${VERSION}".to_owned(),
        "11 @openai/codex 0.100.0".to_owned(),
        "9 @anthropic-ai/claude-code 2.1.150".to_owned(),
        "12 mcp/fetch ~1".to_owned(),
        "14 @google/gemini-cli ~*".to_owned(),
        "15 opencode-ai 1.0.0".to_owned(),
        "18 aider-chat 0.86.2".to_owned(),
        format!("29 mcr.microsoft.com/playwright/mcp sha256:{sha}"),
        "31 ghcr.io/github/github-mcp-server ~latest".to_owned(),
        "32 claude.ai/install.sh ~https://claude.ai/install.sh".to_owned(),
        "34 @openai/codex 1.0.0".to_owned(),
        "36 @openai/codex 1.0.1".to_owned(),
        "37 @openai/codex 1.0.2".to_owned(),
    ];
    for path in ["Dockerfile", "a/Containerfile", "Dockerfile.dev", "dev.dockerfile"] {
        assert_eq!(found(path, &text), expected, "{path}");
    }
    for path in ["Dockerfile.md", "dockerfile-notes", "mydockerfile"] {
        assert_eq!(found(path, &text), [] as [String; 0], "{path}");
    }
    let windows = "# escape=`\nFROM x\nRUN npm i -g `\n  @openai/codex@1.0.0\n";
    assert_eq!(found("Dockerfile", windows), ["4 @openai/codex 1.0.0"]);
}

#[test]
fn compose_files() {
    let text = r#"services:
  a:
    image: ghcr.io/berriai/litellm:main
    environment: { NOTE: npx @openai/codex }
    command: ["npx", "-y", "@openai/codex"]
  b:
    build:
      context: .
      args: { BASE: "mcr.microsoft.com/playwright/mcp:latest", VERSION: "1" }
      dockerfile_inline: |
        FROM node:22
        RUN npm i -g @openai/codex@0.100.0
    entrypoint: npx
    command: -y @google/gemini-cli
  c:
    image: vllm/vllm-openai@sha256:short
"#;
    let expected = [
        "3 ghcr.io/berriai/litellm ~main",
        "5 @openai/codex ~*",
        "14 @google/gemini-cli ~*",
        "12 @openai/codex 0.100.0",
        "9 mcr.microsoft.com/playwright/mcp ~latest",
        "16 vllm/vllm-openai ~sha256:short",
    ];
    for path in ["compose.yaml", "docker-compose.yml", "docker-compose.dev.yml"] {
        assert_eq!(found(path, text), expected, "{path}");
    }
    assert_eq!(found("decompose.yml", text), [] as [String; 0]);
}

#[test]
fn development_containers() {
    let text = r#"{
  // "image": "mcp/fetch"
  "image": "registry.acme.example/base:1",
  "features": {
    "registry.acme.example/anthropics/devcontainer-features/claude-code:1.0": {},
    "registry.acme.example/extra/features/npm-package:1": { "package": "@openai/codex", "version": "0.100.0" },
    "registry.acme.example/devcontainers/features/node:1": {}
  },
  "postCreateCommand": "npm ci && npm i -g @google/gemini-cli",
  "postStartCommand": { "a": ["npx", "-y", "@openai/codex"], "b": "echo npx @openai/codex" },
  "customizations": {
    "vscode": { "extensions": ["anthropic.claude-code", "-github.copilot", "acme.other"] }
  },
}"#;
    let expected = [
        "5 registry.acme.example/anthropics/devcontainer-features/claude-code ~1.0",
        "5 @anthropic-ai/claude-code ~latest by registry.acme.example/anthropics/devcontainer-features/claude-code:1.0",
        "6 @openai/codex 0.100.0",
        "9 @google/gemini-cli ~*",
        "10 @openai/codex ~*",
        "12 anthropic.claude-code ~*",
    ];
    for path in [".devcontainer/devcontainer.json", ".devcontainer.json", ".devcontainer/web/devcontainer.json"] {
        assert_eq!(found(path, text), expected, "{path}");
    }
}
