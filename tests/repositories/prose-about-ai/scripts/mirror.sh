#!/bin/sh
# npx -y @anthropic-ai/claude-code@2.1.150 is what the post is about
echo "npm install -g @anthropic-ai/claude-code@2.1.150"
printf '%s\n' 'uvx aider-chat' "pipx install aider-chat"
cat <<'TEXT' > posts/draft.md
npm i -g @openai/codex
TEXT
git log --grep=claude --format=%s | grep -c codex || true
curl -sI https://claude.ai/install.sh
which claude codex gemini >/dev/null && echo "you have one"
