from pyairtable import Api
from pyairtable.formulas import match

_api = None


def api() -> Api:
    global _api
    if _api is None:
        _api = Api.from_env() if hasattr(Api, "from_env") else Api("keyABC")
    return _api


def get_or_create_run(base_id, run_id):
    runs = api().table(base_id, "Client Run Results")
    record = runs.first(formula=match({"Run ID": run_id}))
    if record:
        return record
    return runs.create({"Run ID": run_id, "Status": "Running"})  # expect: recovery


def record_error(base_id, run_id, message):
    run = get_or_create_run(base_id, run_id)  # expect: creating-wrapper
    api().table(base_id, "Client Run Results").update(run["id"], {"Error": message})  # expect: update
