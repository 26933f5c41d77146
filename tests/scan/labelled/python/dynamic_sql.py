# scan: runs = "client_run_results"
import sqlite3

ALLOWED = {"runs": "client_run_results"}


def insert(db: sqlite3.Connection, table: str, run_id: str) -> None:
    db.execute(f"INSERT INTO {table} (run_id) VALUES (?)", (run_id,))  # expect: unresolved


def set_status(db: sqlite3.Connection, table: str, run_id: str) -> None:
    db.execute("UPDATE %s SET status = 'Done' WHERE run_id = ?" % table, (run_id,))  # expect: unresolved


def count(db: sqlite3.Connection, table: str) -> int:
    return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def insert_run(db: sqlite3.Connection, run_id: str) -> None:
    db.execute(f"INSERT INTO {ALLOWED['runs']} (run_id) VALUES (?)", (run_id,))  # expect: creation
