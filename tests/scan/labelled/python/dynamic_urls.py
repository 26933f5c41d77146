import os

import requests

ROOT = "https://api.airtable.com/v0"


def create(base, table, fields):
    return requests.post(f"{ROOT}/{base}/{table}", json={"fields": fields}, timeout=9)  # expect: unresolved


def patch(record_id, fields):
    url = "/".join([ROOT, os.environ["BASE"], os.environ["TABLE"], record_id])
    return requests.patch(url, json={"fields": fields}, timeout=9)  # expect: unresolved


def read(base, table):
    return requests.get(f"{ROOT}/{base}/{table}", timeout=9).json()
