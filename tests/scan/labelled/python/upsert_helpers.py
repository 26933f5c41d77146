# scan: runs = "client_run_results"
"""Three ways of one nightly job to write the same row."""
import sqlite3

import httpx
from pyairtable import Table

airtable = Table("pat", "app", "client_run_results")


def upsert_airtable(rows):
    return airtable.batch_upsert([{"fields": r} for r in rows], ["run_id"])  # expect: upsert


def upsert_http(rows):
    url = f"https://api.airtable.com/v0/{'appX'}/client_run_results"
    payload = dict(records=rows, performUpsert=dict(fieldsToMergeOn=["run_id"]))
    return httpx.patch(url, json=payload)  # expect: upsert


def upsert_sql(db: sqlite3.Connection, rows):
    statement = """
        insert into client_run_results as r (run_id, tokens) values (:run_id, :tokens)
        on conflict (run_id) do update set tokens = r.tokens + excluded.tokens
    """
    with db:
        db.executemany(statement, rows)  # expect: upsert


def plain_http(rows):
    return httpx.patch("https://api.airtable.com/v0/appX/client_run_results", json={"records": rows})  # expect: update
