from __future__ import annotations
import requests, httpx, logging
from dataclasses import dataclass
from functools import partial
from enum import Enum
BASE_URL = "https://api.airtable.com/v0"
BASE = "appX"
RUNS_URL = f"{BASE_URL}/{BASE}/Client%20Run%20Results"
class T(str, Enum):
    RUNS = "Client Run Results"
    CLIENTS = "Clients"
HEADERS = {}
def create_run(fields):
    resp = requests.post(RUNS_URL, headers=HEADERS, json={"fields": fields})  # expect: creation
    resp.raise_for_status()
    return resp.json()["id"]
def update_run(rid, fields):
    requests.patch("{}/{}/{}/{}".format(BASE_URL, BASE, T.RUNS.value, rid), json={"fields": fields})  # expect: update
def find_run(run_id):
    r = requests.get(RUNS_URL, params={"x": run_id})
    records = r.json().get("records", [])
    return records[0] if records else None
def touch(run_id):
    rec = find_run(run_id)
    if not rec:
        logging.warning("not found")
        create_run({"Run ID": run_id})  # expect: recovery
        return
    update_run(rec["id"], {})  # expect: updating-wrapper
class Client:
    def __init__(self, token):
        self.session = requests.Session()
        self.url = BASE_URL
    def _request(self, method, table, payload=None):
        url = f"{self.url}/{BASE}/{table}"
        return self.session.request(method, url, json=payload).json()  # expect: creation, update@Clients
    def insert(self, fields):
        return self._request("POST", "Client Run Results", {"fields": fields})  # expect: creating-wrapper
    def change(self, rid, fields):
        return self._request("PATCH", f"Clients/{rid}", fields)  # expect: updating-wrapper@Clients
async def go():
    async with httpx.AsyncClient(base_url=f"{BASE_URL}/{BASE}") as client:
        await client.post("/Client%20Run%20Results", json={})  # expect: creation
@dataclass
class Repo:
    table: object
    def save(self, f):
        return self.table.create(f)  # expect: creation
from pyairtable import Api
repo = Repo(table=Api("k").table(BASE, T.RUNS))
start = partial(create_run, {"a": 1})
def run_all(pool):
    repo.save({})  # expect: creating-wrapper
    start()  # expect: creating-wrapper
    pool.submit(create_run, {})  # expect: creating-wrapper
    [update_run(x, {}) for x in range(3)]  # expect: updating-wrapper
def ensure(table_name: str, key: str):
    t = Api("k").table(BASE, table_name)
    if not t.first(formula=key):
        t.create({"k": key})  # expect: recovery
ensure("Client Run Results", "x")  # expect: creating-wrapper
def legacy(run_id):
    try:
        update_run(run_id, {})  # expect: updating-wrapper
    except requests.HTTPError as e:
        if e.response.status_code == 404:
            create_run({})  # expect: recovery
        else:
            raise
def guard(run_id):
    if find_run(run_id) is not None:
        return {"error": "exists"}, 409
    create_run({})  # expect: creating-wrapper
def walrus(run_id):
    if (rec := find_run(run_id)) is None:
        rid = create_run({})  # expect: recovery
    else:
        update_run(rec["id"], {})  # expect: updating-wrapper
def retry_create(fields):
    try:
        return create_run(fields)  # expect: creating-wrapper
    except requests.ConnectionError:
        return create_run(fields)  # expect: creating-wrapper
