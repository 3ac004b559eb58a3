from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    agent = request.headers.get("User-Agent", "")
    return {"is_bot": any(name in agent for name in ("GPTBot", "ClaudeBot", "Google-Extended", "CCBot"))}
