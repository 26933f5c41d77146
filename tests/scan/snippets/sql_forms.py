import sqlite3
import psycopg
from sqlalchemy import text

INSERT = """
    INSERT INTO client_run_results (run_id, status)
    VALUES (%s, %s)
"""
UPSERT = INSERT + " ON CONFLICT (run_id) DO UPDATE SET status = EXCLUDED.status"
SELECT = "SELECT id FROM client_run_results WHERE run_id = %s"


def start(conn, run_id):
    conn.execute(INSERT, (run_id, "Running"))  # expect: creation


def save(conn: psycopg.Connection, run_id):
    with conn.cursor() as cur:
        cur.execute(UPSERT, (run_id, "Running"))  # expect: upsert


def finish(conn, run_id):
    conn.execute("UPDATE client_run_results SET status = 'Completed' WHERE run_id = ?", (run_id,))  # expect: update


def touch(conn, run_id):
    cur = conn.cursor()
    cur.execute(SELECT, (run_id,))
    row = cur.fetchone()
    if row is None:
        cur.execute(INSERT, (run_id, "Running"))  # expect: recovery
    else:
        cur.execute("update client_run_results set seen = now() where id = %s", row)  # expect: update


def core(engine, name):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO clients (name) VALUES (:name)"), {"name": name})  # expect: creation@clients
        connection.execute(text(f"INSERT INTO {name} (a) VALUES (1)"))  # expect: unresolved
        connection.execute(text("DELETE FROM client_run_results"))
    sqlite3.connect("x").execute("INSERT OR REPLACE INTO client_run_results VALUES (1)")  # expect: upsert
    print("INSERT INTO client_run_results is slow")


def several_in_one_statement(db):
    db.execute("WITH a AS (INSERT INTO log (id) VALUES (1) RETURNING id) INSERT INTO runs (id) SELECT id FROM a")  # expect: creation@log, creation@runs
    db.execute("WITH a AS (UPDATE runs SET a = 1 RETURNING id) INSERT INTO log (id) SELECT id FROM a")  # expect: update@runs, creation@log
    sql = "WITH a AS (INSERT INTO log (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 1) INSERT INTO runs (id) SELECT id FROM a"
    db.execute(sql)  # expect: upsert@log, creation@runs
