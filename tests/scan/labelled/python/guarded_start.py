from pyairtable import Api
from pyairtable.formulas import match


class RunExists(Exception):
    pass


def create_run(api: Api, base: str, run_id: str, client: str):
    runs = api.table(base, "Client Run Results")
    if runs.first(formula=match({"Run ID": run_id, "Client ID": client})):
        raise RunExists(f"{run_id}/{client}")
    return runs.create({"Run ID": run_id, "Client ID": client, "Status": "Running"})  # expect: creation
