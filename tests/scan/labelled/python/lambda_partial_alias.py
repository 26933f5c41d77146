from functools import partial

from pyairtable import Api

api = Api("pat")
RUNS = api.table("app", "Client Run Results")
add = RUNS.create
close = partial(RUNS.update, fields={"Status": "Completed"})
start = lambda run_id: RUNS.create({"Run ID": run_id})  # noqa: E731  # expect: creation


def begin(run_id):
    return add({"Run ID": run_id})  # expect: creation


def both(run_id):
    record = start(run_id)  # expect: creating-wrapper
    close(record["id"])  # expect: update


def rerun(run_id):
    t = RUNS
    u = t
    u.update(begin(run_id)["id"], {"Rerun": True})  # expect: creating-wrapper, update
