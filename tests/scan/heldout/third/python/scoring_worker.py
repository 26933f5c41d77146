"""A worker that scores posts and keeps the run of each client up to date in Airtable."""
import logging
import os
import sys
from datetime import datetime, timezone

from pyairtable import Api
from pyairtable.formulas import match

log = logging.getLogger(__name__)

api = Api(os.environ["AIRTABLE_API_KEY"])
RUNS = api.table(os.environ["AIRTABLE_BASE_ID"], "Client Run Results")
CLIENTS = api.table(os.environ["AIRTABLE_BASE_ID"], "Clients")


def now():
    return datetime.now(timezone.utc).isoformat()


def record_of(run_id, client_id):
    found = RUNS.all(formula=match({"Run ID": run_id, "Client ID": client_id}), max_records=1)
    return found[0] if found else None


def open_run(run_id, client_id):
    return RUNS.create({"Run ID": run_id, "Client ID": client_id, "Status": "Running", "Started": now()})  # expect: creation


def save_metrics(run_id, client_id, metrics):
    record = record_of(run_id, client_id)
    if record is None:
        log.warning("no run record for %s, creating one", run_id)
        record = open_run(run_id, client_id)  # expect: recovery
    return RUNS.update(record["id"], metrics)  # expect: update


def close_run(run_id, client_id, error=None):
    record = record_of(run_id, client_id)
    if not record:
        log.error("run %s is gone", run_id)
        return
    status = "Failed" if error else "Completed"
    RUNS.update(record["id"], {"Status": status, "Ended": now(), "Error": error or ""})  # expect: update


def active_clients():
    return [row["fields"] for page in CLIENTS.iterate(formula="{Active}") for row in page]


def score(client):
    return {"Posts Scored": len(client.get("Posts", []))}


def main(run_id):
    for client in active_clients():
        open_run(run_id, client["Client ID"])  # expect: creating-wrapper
        try:
            save_metrics(run_id, client["Client ID"], score(client))  # expect: updating-wrapper
            close_run(run_id, client["Client ID"])  # expect: updating-wrapper
        except Exception as error:
            log.exception("scoring failed")
            close_run(run_id, client["Client ID"], error=str(error))  # expect: updating-wrapper


if __name__ == "__main__":
    main(sys.argv[1])
