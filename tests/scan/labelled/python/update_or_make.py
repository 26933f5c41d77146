"""The function that every workflow calls at its end."""
from pyairtable import Api
from pyairtable.formulas import match

TABLE_NAME = "Client Run Results"


def update_run_record(api: Api, base_id, run_id, client_id, fields):
    table = api.table(base_id, TABLE_NAME)
    found = table.first(formula=match({"Run ID": run_id, "Client ID": client_id}))
    if not found:
        return table.create({"Run ID": run_id, "Client ID": client_id, **fields})  # expect: recovery
    return table.update(found["id"], fields)  # expect: update
