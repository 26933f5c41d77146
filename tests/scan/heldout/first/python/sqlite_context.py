import sqlite3
from contextlib import closing, contextmanager

DB = "runs.sqlite"

CREATE = "CREATE TABLE IF NOT EXISTS job_runs (id TEXT PRIMARY KEY, state TEXT, tries INTEGER)"
INSERT = "INSERT INTO job_runs (id, state, tries) VALUES (?, 'running', 0)"
UPSERT = INSERT + " ON CONFLICT (id) DO UPDATE SET tries = tries + 1"
FINISH = "UPDATE job_runs SET state = ? WHERE id = ?"


@contextmanager
def connection():
    with closing(sqlite3.connect(DB)) as db:
        db.execute(CREATE)
        yield db
        db.commit()


def start(run_id):
    with connection() as db:
        db.execute(INSERT, (run_id,))  # expect: creation


def again(run_id):
    with connection() as db:
        db.execute(UPSERT, (run_id,))  # expect: upsert


def finish(run_id, state):
    with connection() as db:
        changed = db.execute(FINISH, (state, run_id)).rowcount  # expect: update
        if not changed:
            db.execute(INSERT, (run_id,))  # expect: recovery


def replace(rows):
    with connection() as db:
        db.executemany("REPLACE INTO job_runs VALUES (?, ?, ?)", rows)  # expect: upsert
