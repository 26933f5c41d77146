"""What is written, where and how depends on a condition: each choice is found."""
# scan: runs = "client_runs"
import requests
from pyairtable import Api, Table

AIRTABLE = "https://api.airtable.com/v0"
STATEMENTS = {
    "start": "INSERT INTO client_runs (id) VALUES (%s)",
    "beat": "UPDATE client_runs SET beat = now() WHERE id = %s",
}
ARCHIVED = ["a", "b", "c", "d", "e", "f", "g", "h", "client_runs"]

api = Api("key")
table = api.table("app", "client_runs")


def template(db, old):
    name = "archive"
    if not old:
        name = "client_runs"
    db.execute(f"INSERT INTO {name} (id) VALUES (1)")  # expect: creation, creation@archive


def added(db, old):
    db.execute("INSERT INTO " + ("archive" if old else "client_runs") + " (id) VALUES (1)")  # expect: creation, creation@archive


def formatted(db, old):
    name = "archive" if old else "client_runs"
    db.execute("INSERT INTO {} (id) VALUES (1)".format(name))  # expect: creation, creation@archive
    db.execute("INSERT INTO %s (id) VALUES (1)" % name)  # expect: creation, creation@archive
    db.execute(" ".join(["INSERT INTO", name, "(id) VALUES (1)"]))  # expect: creation, creation@archive


def constructed(old, fields):
    Table("key", "app", "archive" if old else "client_runs").create(fields)  # expect: creation, creation@archive


def statement(db, new):
    sql = "UPDATE client_runs SET beat = now()"
    if new:
        sql = "INSERT INTO client_runs (id) VALUES (1)"
    db.execute(sql)  # expect: update, creation


def of_a_dictionary(db, what):
    db.execute(STATEMENTS[what], (1,))  # expect: creation, update


def method(new, fields):
    verb = "PATCH"
    if new:
        verb = "POST"
    requests.request(verb, f"{AIRTABLE}/app/client_runs", json=fields)  # expect: update, creation


def address(old, fields):
    url = f"{AIRTABLE}/app/archive" if old else f"{AIRTABLE}/app/client_runs"
    requests.post(url, json=fields)  # expect: creation, creation@archive


def attribute(new, fields):
    getattr(table, "create" if new else "update")(fields)  # expect: creation, update


def of_each(fields):
    for name in ARCHIVED:
        api.table("app", name).create(fields)  # expect: creation, creation@a, creation@b, creation@c, creation@d, creation@e, creation@f, creation@g, creation@h


def put_together(area, kind, fields):
    api.table("app", area + kind).create(fields)  # expect: unresolved


def until_found(choices):
    name = "archive"
    for choice in choices:
        if choice.is_run:
            name = "client_runs"
            break
    api.table("app", name).create({})  # expect: creation, creation@archive


def of_the_function_around(old):
    name = "client_runs"

    def choose():
        nonlocal name
        if old:
            name = "archive"

    choose()
    api.table("app", name).create({})  # expect: creation, creation@archive
