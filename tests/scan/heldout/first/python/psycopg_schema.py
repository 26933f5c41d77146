"""Runs in one schema per customer."""
import os

import psycopg
from psycopg import sql

SCHEMA = os.environ.get("RUN_SCHEMA")


def record_start(conn: psycopg.Connection, run_id: str) -> None:
    conn.execute(f"INSERT INTO {SCHEMA}.client_runs (run_id, status) VALUES (%s, 'Running')", (run_id,))  # expect: creation


def record_status(conn, tenant, run_id, status):
    with conn.cursor() as cur:
        cur.execute(  # expect: update
            f"""
            UPDATE "{tenant}".client_runs
               SET status = %s, updated_at = now()
             WHERE run_id = %s
            """,
            (status, run_id),
        )


def bump(conn, tenant, column, run_id):
    conn.execute(f"UPDATE {tenant}.client_runs SET {column} = {column} + 1 WHERE run_id = %s", (run_id,))  # expect: update


def copy_rows(conn, tenant, rows):
    with conn.cursor() as cur:
        cur.executemany(  # expect: upsert@clients
            f"INSERT INTO {tenant}.clients (id, name) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            rows,
        )


def store(conn, table, fields):
    columns = ", ".join(fields)
    marks = ", ".join(["%s"] * len(fields))
    conn.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(fields.values()))  # expect: unresolved


def count(conn, tenant):
    return conn.execute(f"SELECT count(*) FROM {tenant}.client_runs").fetchone()[0]


def drop_old(conn, tenant):
    conn.execute(f"DELETE FROM {tenant}.client_runs WHERE created_at < now() - interval '90 days'")
