from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def _insert(fields):
    return runs.create(fields)  # expect: creation


def start_run(run_id, client_id):
    return _insert({"Run ID": run_id, "Client ID": client_id})  # expect: creating-wrapper


def _patch(record_id, fields):
    return runs.update(record_id, fields)  # expect: update


def complete(record_id):
    return _patch(record_id, {"Status": "Completed"})  # expect: updating-wrapper


def fail(record_id, error):
    return _patch(record_id, {"Status": "Failed", "Error": error})  # expect: updating-wrapper


def nightly(client_id):
    # Two calls away from the write: shown by --deep only.
    record = start_run("night", client_id)
    complete(record["id"])
