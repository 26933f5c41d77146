# scan: runs = "client_run_results"
import sqlite3

TABLE = "client_run_results"

INSERT_RUN = f"""
INSERT INTO {TABLE} (run_id, client_id, client_name, started_at)
VALUES (?, ?, ?, ?)
"""

UPSERT_RUN = (
    "INSERT INTO client_run_results (run_id, client_id, status) VALUES (?, ?, ?) "
    "ON CONFLICT (run_id, client_id) DO UPDATE SET status = excluded.status"
)

SET_STATUS = "UPDATE " + TABLE + " SET status = ? WHERE run_id = ? AND client_id = ?"


class RunStore:
    def __init__(self, path):
        self.db = sqlite3.connect(path)

    def start(self, *row):
        with self.db:
            self.db.execute(INSERT_RUN, row)  # expect: creation

    def save(self, run_id, client_id, status):
        self.db.execute(UPSERT_RUN, (run_id, client_id, status))  # expect: upsert

    def set_status(self, run_id, client_id, status):
        self.db.execute(SET_STATUS, (status, run_id, client_id))  # expect: update
