import os
from urllib.parse import quote

import requests

API = "https://api.airtable.com/v0"
BASE_ID = os.environ["AIRTABLE_BASE_ID"]
RUNS_URL = f"{API}/{BASE_ID}/{quote('Client Run Results')}"
HEADERS = {"Authorization": f"Bearer {os.environ['AIRTABLE_TOKEN']}"}


def create_run(run_id):
    response = requests.post(RUNS_URL, headers=HEADERS, json={"fields": {"Run ID": run_id}}, timeout=30)  # expect: creation
    response.raise_for_status()
    return response.json()["id"]


def patch_run(record_id, fields):
    requests.patch(f"{RUNS_URL}/{record_id}", headers=HEADERS, json={"fields": fields}, timeout=30)  # expect: update


def read_run(record_id):
    return requests.get(f"{RUNS_URL}/{record_id}", headers=HEADERS, timeout=30).json()


def tables():
    return requests.post(f"{API}/meta/bases/{BASE_ID}/tables", headers=HEADERS, json={"name": "Runs"}, timeout=30)


def search(formula):
    url = f"{RUNS_URL}/listRecords"
    return requests.post(url, headers=HEADERS, json={"filterByFormula": formula}, timeout=30).json()
