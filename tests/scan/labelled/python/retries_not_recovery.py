"""A creation in an except branch that is a retry, not a recovery."""
import time

import requests
from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def start_run(run_id):
    fields = {"Run ID": run_id}
    for attempt in range(3):
        try:
            return runs.create(fields)  # expect: creation
        except requests.ConnectionError:
            time.sleep(2**attempt)
    raise TimeoutError(run_id)


def start_with_fallback(run_id, name):
    try:
        return runs.create({"Run ID": run_id, "Client Name": name})  # expect: creation
    except requests.HTTPError:
        # The column of the name may be missing in an old base.
        return runs.create({"Run ID": run_id})  # expect: creation
