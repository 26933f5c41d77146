from fastapi import FastAPI
from pyairtable import Api
from pyairtable.formulas import match

app = FastAPI()
api = Api("pat")


@app.put("/clients/{client_id}/runs/{run_id}")
def ensure_run(client_id: str, run_id: str):
    table = api.table("app", "Client Run Results")
    existing = table.first(formula=match({"Run ID": run_id, "Client ID": client_id}))
    if existing is not None:
        return existing
    return table.create({"Run ID": run_id, "Client ID": client_id})  # expect: recovery
