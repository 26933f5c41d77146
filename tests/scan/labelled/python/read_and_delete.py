# scan: runs = "client_run_results"
import psycopg
import requests
from pyairtable import Api

table = Api("pat").table("app", "client_run_results")


def clean_up(conn: psycopg.Connection) -> int:
    gone = [r["id"] for r in table.all(formula="{Status}='Skipped'")]
    table.batch_delete(gone)
    conn.execute("DELETE FROM client_run_results WHERE status = 'Skipped'")
    conn.execute("TRUNCATE client_run_results_staging")
    conn.execute("CREATE INDEX IF NOT EXISTS by_run ON client_run_results (run_id)")
    requests.delete("https://api.airtable.com/v0/app/client_run_results", params={"records[]": gone}, timeout=9)
    return len(gone)


def newest(conn):
    return conn.execute("SELECT run_id, updated_at FROM client_run_results ORDER BY updated_at DESC").fetchone()
