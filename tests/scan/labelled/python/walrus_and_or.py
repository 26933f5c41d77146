from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def find(run_id):
    return runs.first(formula=f"{{Run ID}}='{run_id}'")


def new(run_id):
    return runs.create({"Run ID": run_id})  # expect: creation


def set_error(run_id, text):
    record = find(run_id) or new(run_id)  # expect: recovery
    runs.update(record["id"], {"Error": text})  # expect: update


def set_note(run_id, text):
    if (record := find(run_id)) is not None:
        runs.update(record["id"], {"Note": text})  # expect: update
    else:
        new(run_id)  # expect: recovery
