import requests
from pyairtable import Api
from sqlalchemy import create_engine, text

engine = create_engine("postgresql://")
table = Api("pat").table("app", "Client Run Results")
SESSION = requests.Session()
URL = "https://api.airtable.com/v0/app123/Client%20Run%20Results"


def sync(rows):
    table.batch_upsert([{"fields": row} for row in rows], key_fields=["Run ID"])  # expect: upsert


def push(rows):
    body = {"performUpsert": {"fieldsToMergeOn": ["Run ID"]}, "records": rows}
    SESSION.patch(URL, json=body, timeout=30).raise_for_status()  # expect: upsert


def patch(rows):
    SESSION.patch(URL, json={"records": rows}, timeout=30).raise_for_status()  # expect: update


def ensure_run(run_id):
    row = table.first(formula=f"{{Run ID}}='{run_id}'")
    return row or table.create({"Run ID": run_id})  # expect: recovery


def merge(run_id):
    statement = text("""
        MERGE INTO client_runs AS t USING (VALUES (:id)) AS s (id) ON t.run_id = s.id
        WHEN MATCHED THEN UPDATE SET beats = beats + 1
        WHEN NOT MATCHED THEN INSERT (run_id) VALUES (s.id)
    """)
    with engine.begin() as connection:
        connection.execute(statement, {"id": run_id})  # expect: upsert
