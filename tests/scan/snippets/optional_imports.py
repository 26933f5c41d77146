from __future__ import annotations
import os
from contextlib import contextmanager, suppress
_PyTable = _PyApi = None
try:
    from pyairtable import Table as _PyTable
except Exception:
    pass
try:
    from pyairtable import Api as _PyApi
except Exception:
    pass
RUNS = os.environ.get("RUNS_TABLE") or "Client Run Results"

def _make_table(key, base, name):
    if not (key and base):
        return None
    try:
        if _PyTable:
            return _PyTable(key, base, name)
        if _PyApi:
            return _PyApi(key).table(base, name)
    except Exception:
        print("x")
    return None

def get_table(name):
    tbl = _make_table("k", "b", name)
    if not tbl:
        print("missing table")
    return tbl

def start(run_id):
    tbl = get_table(RUNS)
    if not tbl:
        return None
    return tbl.create({"Run ID": run_id})  # expect: creation

def mark(rid):
    tbl = get_table(RUNS)
    with suppress(Exception):
        tbl.update(rid, {"Status": "x"})  # expect: update

@contextmanager
def tracked(run_id):
    rec = start(run_id)  # expect: creating-wrapper
    try:
        yield rec
    finally:
        mark(rec["id"])  # expect: updating-wrapper

class Sync:
    def __init__(self):
        self.tables = {"runs": get_table(RUNS), "clients": get_table("Clients")}
    def push(self, rows):
        existing = {r["fields"]["Run ID"]: r["id"] for r in self.tables["runs"].all()}
        for row in rows:
            rid = existing.get(row["id"])
            if rid:
                self.tables["runs"].update(rid, row)  # expect: update
            else:
                self.tables["runs"].create(row)  # expect: recovery
        self.tables["clients"].batch_create(rows)  # expect: creation@Clients
    async def one(self, row):
        import asyncio
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, start, row["id"])  # expect: creating-wrapper

def get_or_none(run_id):
    try:
        return get_table(RUNS).get(run_id)
    except Exception:
        return None

def put(run_id, fields):
    rec = get_or_none(run_id)
    if rec is not None:
        get_table(RUNS).update(rec["id"], fields)  # expect: update
        return
    get_table(RUNS).create(fields)  # expect: recovery
