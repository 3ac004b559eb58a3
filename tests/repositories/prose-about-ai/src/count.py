"""Count how often a post says claude, codex or gemini."""
WORDS = {"claude", "codex", "gemini", "gpt", "llama"}
URLS = ["https://claude.ai/", "https://openai.com/codex/"]


def count(text: str) -> int:
    return sum(text.lower().count(word) for word in WORDS)
