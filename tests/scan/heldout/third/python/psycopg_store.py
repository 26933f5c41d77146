"""A service on psycopg: run rows in PostgreSQL, cached by their key."""
# scan: runs = "job_runs"
from contextlib import contextmanager

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

INSERT = """
    INSERT INTO job_runs (run_id, client_id, status)
    VALUES (%(run_id)s, %(client_id)s, 'Running')
    RETURNING id
"""
FIND = "SELECT id, status FROM job_runs WHERE run_id = %(run_id)s AND client_id = %(client_id)s"
FINISH = "UPDATE job_runs SET status = %(status)s, ended_at = now() WHERE id = %(id)s"


class RunStore:
    def __init__(self, pool: ConnectionPool):
        self.pool = pool
        self._ids = {}

    @contextmanager
    def cursor(self):
        with self.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            yield cursor

    def insert(self, run_id, client_id):
        with self.cursor() as cursor:
            cursor.execute(INSERT, {"run_id": run_id, "client_id": client_id})  # expect: creation
            return cursor.fetchone()["id"]

    def find(self, run_id, client_id):
        with self.cursor() as cursor:
            cursor.execute(FIND, {"run_id": run_id, "client_id": client_id})
            return cursor.fetchone()

    def id_of(self, run_id, client_id):
        key = (run_id, client_id)
        if key not in self._ids:
            row = self.find(run_id, client_id)
            if row:
                self._ids[key] = row["id"]
            else:
                self._ids[key] = self.insert(run_id, client_id)  # expect: recovery
        return self._ids[key]

    def finish(self, run_id, client_id, status):
        run = self.id_of(run_id, client_id)
        with self.cursor() as cursor:
            cursor.execute(FINISH, {"id": run, "status": status})  # expect: update
            if cursor.rowcount != 1:
                raise LookupError(run_id)

    def audit(self, message):
        with self.cursor() as cursor:
            cursor.execute("INSERT INTO audit_log (message) VALUES (%s)", (message,))  # expect: creation@audit_log


def start_job(store: RunStore, run_id, client_id):
    if store.find(run_id, client_id) is not None:
        raise ValueError(f"run {run_id} exists")
    return store.insert(run_id, client_id)  # expect: creating-wrapper


def finish_job(store: RunStore, run_id, client_id):
    store.finish(run_id, client_id, "Completed")  # expect: updating-wrapper
    store.audit(f"finished {run_id}")  # expect: creating-wrapper@audit_log
