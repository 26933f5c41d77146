from pyairtable.orm import Model
from pyairtable.orm import fields as F


class ClientRun(Model):
    run_id = F.TextField("Run ID")
    client_id = F.TextField("Client ID")
    status = F.TextField("Status")

    class Meta:
        table_name = "Client Run Results"
        base_id = "appaPqizdsNHDvlEm"
        api_key = "patxxx"


def begin(run_id: str, client_id: str) -> ClientRun:
    run = ClientRun(run_id=run_id, client_id=client_id, status="Running")
    run.save()  # expect: creation
    return run


def end(record_id: str) -> None:
    run = ClientRun.from_id(record_id)
    run.status = "Completed"
    run.save()  # expect: update
