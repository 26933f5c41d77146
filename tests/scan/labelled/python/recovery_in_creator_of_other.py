from pyairtable import Api
from pyairtable.formulas import match

api = Api("pat")
posts = api.table("app", "Posts")
runs = api.table("app", "Client Run Results")


def _start(run_id):
    return runs.create({"Run ID": run_id})  # expect: creation


def attach_post(run_id, title):
    """Make a post of a run."""
    found = runs.all(formula=match({"Run ID": run_id}))
    if len(found) == 0:
        run = _start(run_id)  # expect: recovery
    else:
        run = found[0]
    return posts.create({"Title": title, "Run": [run["id"]]})  # expect: creation@Posts


def finish(run_id):
    found = runs.all(formula=match({"Run ID": run_id}))
    run = found[0] if found else _start(run_id)  # expect: recovery
    runs.update(run["id"], {"Status": "Completed"})  # expect: update
