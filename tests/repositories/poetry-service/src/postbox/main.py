from fastapi import FastAPI

app = FastAPI(title="Postbox")
LETTERS = {"model": "DIN lang", "o3": "C4"}


@app.get("/letters")
def letters(cursor: str | None = None) -> dict:
    return {"next": cursor, "base_url": "https://post.acme.example"}
