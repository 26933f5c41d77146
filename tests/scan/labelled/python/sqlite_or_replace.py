# scan: runs = "runs"
import json
import sqlite3

db = sqlite3.connect("runs.db")


def put(run_id: str, data: dict) -> None:
    db.execute("INSERT OR REPLACE INTO runs (run_id, data) VALUES (?, ?)", (run_id, json.dumps(data)))  # expect: upsert
    db.commit()


def put_all(rows) -> None:
    db.executemany("REPLACE INTO runs VALUES (?, ?)", rows)  # expect: upsert


def add(run_id: str) -> None:
    db.execute("INSERT OR IGNORE INTO runs (run_id, data) VALUES (?, '{}')", (run_id,))  # expect: creation


def drop(run_id: str) -> None:
    db.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))


def schema() -> None:
    db.executescript("CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, data TEXT)")
