"""A table that a generator gives: to `with` and to FastAPI."""
from contextlib import contextmanager

from fastapi import Depends, FastAPI
from pyairtable import Api, Table

app = FastAPI()


def run_table(base: str = "app") -> Table:
    return Api("key").table(base, "Client Run Results")


def session():
    table = run_table()
    try:
        yield table
    finally:
        print("done")


@contextmanager
def opened():
    with open("lock"):
        yield run_table("app2")


@app.post("/typed")
def typed(fields: dict, table: Table = Depends(run_table)):
    return table.create(fields)  # expect: creation


@app.post("/untyped")
def untyped(fields: dict, table=Depends(dependency=run_table)):
    return table.create(fields)  # expect: creation


@app.post("/yielded")
def yielded(fields: dict, table=Depends(session)):
    return table.create(fields)  # expect: creation


def within(fields):
    with opened() as table:
        table.create(fields)  # expect: creation
