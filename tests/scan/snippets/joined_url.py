import os
import time

import requests

API_ROOT = os.environ.get("AIRTABLE_API", "https://api.airtable.com/v0")
BASE_ID = os.environ["BASE_ID"]
SESSION = requests.Session()


def _url(table, record=None):
    parts = [API_ROOT, BASE_ID, table.replace(" ", "%20")]
    if record:
        parts.append(record)
    return "/".join(parts)


def _call(method, table, record=None, **kwargs):
    for attempt in range(3):
        response = SESSION.request(method, _url(table, record), timeout=10, **kwargs)  # expect: creation, update
        if response.status_code == 429:
            time.sleep(2**attempt)
            continue
        response.raise_for_status()
        return response.json()
    raise RuntimeError("rate limited")


def create_run(run_id):
    return _call("POST", "Client Run Results", json={"fields": {"Run ID": run_id}})  # expect: creating-wrapper


def patch_run(record_id, **fields):
    return _call("PATCH", "Client Run Results", record_id, json={"fields": fields})  # expect: updating-wrapper


def lookup(run_id):
    found = _call("GET", "Client Run Results", params={"filterByFormula": run_id})["records"]
    return found[0] if found else None


@app.route("/runs/<run_id>", methods=["PUT"])  # expect: no-start
def put(run_id):
    record = lookup(run_id)
    if record is None:
        record = create_run(run_id)  # expect: recovery
    patch_run(record["id"], Status="Done")
