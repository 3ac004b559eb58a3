// Usage: node scripts/new-issue.mjs --title "Codex"
import { writeFileSync } from "node:fs";
writeFileSync(`posts/${Date.now()}.md`, "---\ntitle: Claude\n---\nnpm i -g @anthropic-ai/claude-code\n");
