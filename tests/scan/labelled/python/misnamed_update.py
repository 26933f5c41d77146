"""Names that promise something else than they do."""
from pyairtable import Api

table = Api("key").table("appX", "Client Run Results")
cache: dict[str, dict] = {}


def update_run(run_id, client_id):
    # Called once, by the scheduler, when the night begins.
    return table.create({"Run ID": run_id, "Client ID": client_id})  # expect: creation


def create_run(run_id):
    payload = {"Run ID": run_id, "Status": "Running"}
    cache.update({run_id: payload})
    return payload


def upsert_run(run_id, status):
    cache[run_id] = {**cache.get(run_id, {}), "Status": status}
    return cache[run_id]


def save_run(run_id):
    create_run(run_id)
    upsert_run(run_id, "Running")
    update_run(run_id, "acme")  # expect: creating-wrapper
