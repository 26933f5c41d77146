import os
import time

import requests

BASE_URL = "https://api.airtable.com/v0"
RUN_TABLE = "Client Run Results"


class RecordMissing(Exception):
    pass


class AirtableClient:
    def __init__(self, token=None, base_id=None):
        self.token = token or os.environ["AIRTABLE_TOKEN"]
        self.base_id = base_id or os.environ["AIRTABLE_BASE"]
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def url(self, table, record_id=None):
        parts = [BASE_URL, self.base_id, table]
        if record_id:
            parts.append(record_id)
        return "/".join(parts)

    def send(self, method, url, **kwargs):
        for attempt in range(5):
            response = self.http.request(method, url, timeout=30, **kwargs)  # expect: creation, update
            if response.status_code != 429:
                break
            time.sleep(2**attempt)
        if response.status_code == 404:
            raise RecordMissing(url)
        response.raise_for_status()
        return response.json()

    def create(self, table, fields):
        return self.send("POST", f"{BASE_URL}/{self.base_id}/{table}", json={"fields": fields})  # expect: creating-wrapper

    def update(self, table, record_id, fields):
        return self.send("PATCH", f"{BASE_URL}/{self.base_id}/{table}/{record_id}", json={"fields": fields})  # expect: updating-wrapper


client = AirtableClient()


def begin(run_id):
    return client.create(RUN_TABLE, {"Run ID": run_id, "Status": "Running"})["id"]


def progress(run_id, record_id, done):
    try:
        client.update(RUN_TABLE, record_id, {"Done": done})
    except RecordMissing:
        client.create(RUN_TABLE, {"Run ID": run_id, "Done": done})  # expect: recovery


def end(record_id):
    client.update(RUN_TABLE, record_id, {"Status": "Completed"})
