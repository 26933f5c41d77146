import json
import os
from datetime import date

from pyairtable import Api

api = Api(os.environ["KEY"])
with open("tables.json") as file:
    TABLES = json.load(file)


def begin(run_id):
    return api.table("app", TABLES["runs"]).create({"Run ID": run_id})  # expect: unresolved


def begin_of_month(run_id):
    return api.table("app", f"Runs {date.today():%Y-%m}").create({"Run ID": run_id})  # expect: unresolved


class Store:
    def __init__(self, table_name: str) -> None:
        self.table = api.table("app", table_name)

    def save(self, record_id: str, fields: dict) -> None:
        self.table.update(record_id, fields)  # expect: unresolved

    def read(self, record_id: str) -> dict:
        return self.table.get(record_id)
