import requests
from pyairtable import Api


class NotFound(LookupError):
    ...


class Runs:
    def __init__(self, api: Api, base_id: str):
        self._runs = api.base(base_id).table("Client Run Results")

    def find(self, run_id):
        for record in self._runs.all(formula=f"{{Run ID}}='{run_id}'", max_records=1):
            return record
        raise NotFound(run_id)

    def log_step(self, run_id, step):
        try:
            record = self.find(run_id)
        except NotFound:
            record = self._runs.create({"Run ID": run_id})  # expect: recovery
        notes = record["fields"].get("Notes", "")
        self._runs.update(record["id"], {"Notes": notes + "\n" + step})  # expect: update

    def touch(self, record_id):
        try:
            self._runs.update(record_id, {"Heartbeat": "now"})  # expect: update
        except requests.HTTPError as error:
            if error.response.status_code != 404:
                raise
            self._runs.create({"Record": record_id})  # expect: recovery
