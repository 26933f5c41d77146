# The predecessor: airtable-python-wrapper.
from airtable import Airtable

BASE = "appLegacy"
runs = Airtable(BASE, "Client Run Results", api_key="keyLegacy")
clients = Airtable(BASE, "Clients", api_key="keyLegacy")


def start(run_id, client_id):
    return runs.insert({"Run ID": run_id, "Client ID": client_id})  # expect: creation


def start_many(rows):
    return runs.batch_insert(rows)  # expect: creation


def finish(record_id):
    runs.update(record_id, {"Status": "Completed"})  # expect: update


def finish_by_run(run_id):
    runs.update_by_field("Run ID", run_id, {"Status": "Completed"})  # expect: update


def reset(record_id, fields):
    runs.replace(record_id, fields)  # expect: update


def seen(record_id):
    clients.update(record_id, {"Seen": True})  # expect: update@Clients
