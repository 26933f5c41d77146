import os

from sqlalchemy import create_engine, text

engine = create_engine(os.environ["DATABASE_URL"])
RUNS = f"{os.environ.get('DB_SCHEMA')}.client_runs"


def start(run_id):
    with engine.begin() as db:
        db.execute(text(f"INSERT INTO {RUNS} (run_id) VALUES (:id)"), {"id": run_id})  # expect: creation


def change(run_id, values):
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    with engine.begin() as db:
        done = db.execute(text(f"UPDATE {RUNS} SET {assignments} WHERE run_id = :id"), {**values, "id": run_id})  # expect: update
        return done.rowcount


def change_or_start(run_id, values):
    if change(run_id, values) == 0:  # expect: updating-wrapper
        start(run_id)  # expect: recovery


def put(rows, table_name):
    with engine.begin() as db:
        db.execute(text(f"INSERT INTO {table_name} SELECT * FROM json_populate_recordset(:rows)"), {"rows": rows})  # expect: unresolved


def replicate(rows):
    statement = text(f"INSERT INTO {RUNS} VALUES (:id) ON CONFLICT (run_id) DO UPDATE SET beats = {RUNS}.beats + 1")
    with engine.begin() as db:
        db.execute(statement, rows)  # expect: upsert
