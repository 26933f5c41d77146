from contextlib import contextmanager

from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


@contextmanager
def recorded(run_id, client_id):
    record = runs.create({"Run ID": run_id, "Client ID": client_id})  # expect: creation
    try:
        yield record["id"]
    except Exception as error:
        runs.update(record["id"], {"Status": "Failed", "Error": repr(error)})  # expect: update
        raise
    runs.update(record["id"], {"Status": "Completed"})  # expect: update


def job(client_id):
    with recorded("r1", client_id) as record_id:  # expect: creating-wrapper, updating-wrapper
        print(record_id)
