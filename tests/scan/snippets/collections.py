"""Tables in lists and dictionaries."""
from pyairtable import Api

api = Api("key")
TABLES = {"runs": api.table("app", "Client Run Results"), "clients": api.table("app", "Clients")}
runs, clients = [api.table("app", name) for name in ("Client Run Results", "Clients")]


def of_values(fields):
    for table in TABLES.values():
        table.create(fields)  # expect: creation, creation@Clients


def of_items(fields):
    for name, table in TABLES.items():
        print(name)
        table.create(fields)  # expect: creation, creation@Clients


def of_a_list(fields):
    for table in [api.table("app", name) for name in ("Client Run Results", "Clients")]:
        table.create(fields)  # expect: creation, creation@Clients


def by_place(fields):
    runs.create(fields)  # expect: creation, creation@Clients
    # a list stands for each of its tables


def as_a_key(made, fields):
    made[TABLES["runs"].create(fields)["id"]] = True  # expect: creation
