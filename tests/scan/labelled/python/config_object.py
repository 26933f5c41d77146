import os
from dataclasses import dataclass

from pyairtable import Api


@dataclass(frozen=True)
class Config:
    api_key: str = os.environ.get("AIRTABLE_API_KEY", "")
    base_id: str = os.environ.get("AIRTABLE_BASE_ID", "")
    runs_table: str = os.getenv("RUNS_TABLE", "Client Run Results")


config = Config()
TABLES = {"runs": "Client Run Results", "clients": "Clients"}
api = Api(config.api_key)


def begin(run_id):
    return api.table(config.base_id, TABLES["runs"]).create({"Run ID": run_id})  # expect: creation


def rename_client(record_id, name):
    api.table(config.base_id, TABLES["clients"]).update(record_id, {"Name": name})  # expect: update@Clients


def done(record_id):
    api.table(config.base_id, config.runs_table).update(record_id, {"Status": "Completed"})  # expect: update
