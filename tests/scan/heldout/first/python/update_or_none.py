import contextlib

import requests
from pyairtable import Api

table = Api("pat").table("app", "Client Run Results")


def try_update(record_id, fields):
    try:
        return table.update(record_id, fields)  # expect: update
    except requests.HTTPError as error:
        if error.response.status_code == 404:
            return None
        raise


def save(record_id, fields):
    return try_update(record_id, fields) or table.create(fields)  # expect: updating-wrapper, recovery


def save_quietly(record_id, fields):
    saved = None
    with contextlib.suppress(requests.HTTPError):
        saved = table.update(record_id, fields)  # expect: update
    if saved is None:
        saved = table.create(fields)  # expect: recovery
    return saved


def save_flag(record_id, fields):
    found = True
    try:
        table.update(record_id, fields)  # expect: update
    except KeyError:
        found = False
    if not found:
        table.create(fields)  # expect: recovery
