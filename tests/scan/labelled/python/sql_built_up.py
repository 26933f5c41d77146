# scan: runs = "client_run_results"
import textwrap

import psycopg
from psycopg import sql

SELECT = textwrap.dedent(
    """
    SELECT * FROM client_run_results
    """
)
INSERT = textwrap.dedent(
    """\
    INSERT INTO client_run_results (run_id, tokens)
    VALUES (%s, %s)
    """
)


def save(conn: psycopg.Connection, run_id: str, tokens: int) -> None:
    statement = INSERT
    statement += " ON CONFLICT (run_id) DO UPDATE SET tokens = EXCLUDED.tokens"
    conn.execute(statement, (run_id, tokens))  # expect: upsert


def start(conn: psycopg.Connection, run_id: str) -> None:
    conn.execute(INSERT, (run_id, 0))  # expect: creation


def change(conn: psycopg.Connection, run_id: str, **fields: object) -> None:
    sets = ", ".join(f"{name} = %s" for name in fields)
    conn.execute(f"UPDATE client_run_results SET {sets} WHERE run_id = %s", [*fields.values(), run_id])  # expect: update


def touch(conn: psycopg.Connection, run_id: str) -> None:
    query = sql.SQL("UPDATE {table} SET seen = now() WHERE run_id = %s").format(table=sql.Identifier("client_run_results"))
    conn.execute(query, [run_id])  # expect: update
