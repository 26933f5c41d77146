"""Django and flask style."""
import asyncio
import os
from typing import Optional
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask, jsonify, request
from pyairtable import Base, Table
from pyairtable.formulas import match
import airtable

TABLES = {"runs": "Client Run Results", "clients": "Clients"}
flask_app = Flask(__name__)
scheduler = BlockingScheduler()

class Gateway:
    _tables: dict = {}
    TABLE = TABLES["runs"]
    def __init__(self, api_key: Optional[str] = None, base_id: str = ""):
        self._key = api_key or os.environ["KEY"]
        self._base_id = base_id
    def _table(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = Table(self._key, self._base_id, name)
        return self._tables[name]
    @property
    def runs(self):
        return self._table(TABLES["runs"])
    def lookup(self, run_id):
        return self.runs.first(formula=match({"Run ID": run_id}))
    def open_run(self, run_id):
        if self.lookup(run_id):
            raise RuntimeError("already started")
        return self.runs.create({"Run ID": run_id})  # expect: creation
    def close_run(self, run_id, status="Completed"):
        row = self.lookup(run_id)
        if row is None:
            row = self.open_run(run_id)  # expect: recovery
        self.runs.update(row["id"], {"Status": status})  # expect: update
    def rename(self, client_id, name):
        self._table(TABLES["clients"]).update(client_id, {"Name": name})  # expect: update@Clients

gateway = Gateway()

@flask_app.route("/runs/<run_id>/close", methods=["POST"])  # expect: no-start
def close(run_id):
    gateway.close_run(run_id)  # expect: updating-wrapper
    return jsonify(ok=True)

@flask_app.post("/runs")
def open_():
    run_id = request.json["id"]
    record = gateway.open_run(run_id)  # expect: creating-wrapper
    gateway.close_run(run_id)  # expect: updating-wrapper
    return jsonify(record)

@scheduler.scheduled_job("interval", minutes=5)  # expect: no-start
def sweep():
    for row in gateway.runs.all(formula="x"):
        gateway.runs.update(row["id"], {"Status": "Failed"})  # expect: update

def hourly():
    gateway.close_run("x")  # expect: updating-wrapper
scheduler.add_job(hourly, "interval", hours=1)  # expect: no-start

old = airtable.Airtable("app", "Client Run Results", api_key="x")
def legacy_save(run_id, fields):
    found = old.match("Run ID", run_id)
    if found:
        old.update(found["id"], fields)  # expect: update
    else:
        old.insert(fields)  # expect: recovery

async def gather_all(ids):
    await asyncio.gather(*[asyncio.to_thread(gateway.open_run, i) for i in ids])  # expect: creating-wrapper

def main():
    gateway.close_run("y")  # expect: updating-wrapper

if __name__ == "__main__":
    main()  # expect: no-start
