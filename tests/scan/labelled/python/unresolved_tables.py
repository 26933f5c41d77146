import os

from pyairtable import Api

api = Api(os.environ["KEY"])


def store(table_name, fields):
    api.table(os.environ["BASE"], table_name).create(fields)  # expect: unresolved


def mark(record_id):
    table = api.table(os.environ["BASE"], os.environ["RUNS_TABLE"])
    table.update(record_id, {"Done": True})  # expect: unresolved


def known(record_id):
    table = api.table(os.environ["BASE"], os.environ.get("RUNS_TABLE", "Client Run Results"))
    table.update(record_id, {"Done": True})  # expect: update
