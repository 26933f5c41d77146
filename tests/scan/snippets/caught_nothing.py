# scan: runs = "Runs"
import contextlib

from pyairtable import Api

runs = Api("k").table("app", "Runs")


def change(record_id, fields):
    try:
        return runs.update(record_id, fields)  # expect: update
    except KeyError:
        return None


def save(record_id, fields):
    changed = change(record_id, fields)  # expect: updating-wrapper
    if changed is None:
        runs.create(fields)  # expect: recovery


def quiet(record_id, fields):
    row = None
    with contextlib.suppress(KeyError):
        row = runs.update(record_id, fields)  # expect: update
    if row is None:
        runs.create(fields)  # expect: recovery


def sure(record_id, fields):
    with contextlib.suppress(KeyError):
        runs.update(record_id, fields)  # expect: update
    return runs


def flagged(record_id, fields):
    found = True
    try:
        runs.update(record_id, fields)  # expect: update
    except KeyError:
        found = False
    if not found:
        runs.create(fields)  # expect: recovery
