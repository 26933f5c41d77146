from pyairtable import Api
from pyairtable.formulas import match

api = Api("pat")
clients = api.table("app", "Clients")
runs = api.table("app", "Client Run Results")


def start_for(client_name, run_id):
    client = clients.first(formula=match({"Name": client_name}))
    if client is None:
        client = clients.create({"Name": client_name})  # expect: recovery@Clients
    return runs.create({"Run ID": run_id, "Client": [client["id"]]})  # expect: creation


def start_known(client_id, run_id):
    client = clients.get(client_id)
    if not client:
        raise KeyError(client_id)
    return runs.create({"Run ID": run_id, "Client": [client["id"]]})  # expect: creation
