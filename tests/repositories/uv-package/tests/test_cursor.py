def test_cursor(db):
    cursor = db.cursor()
    cursor.execute("select 'claude', 'codex sinaiticus', 'gemini'")
    assert cursor.fetchone()[1].startswith("codex")
