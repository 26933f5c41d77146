"""A recorder with a registry of record ids, retries, and a repair of what is missing."""
import functools
import time
from typing import Optional

from pyairtable import Api
from requests.exceptions import HTTPError


def retry(times=3):
    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            for attempt in range(times):
                try:
                    return function(*args, **kwargs)
                except ConnectionError:
                    time.sleep(2**attempt)
            raise RuntimeError("gave up")

        return wrapped

    return decorate


class Recorder:
    def __init__(self, token: str, base: str):
        self._table = Api(token).table(base, "Client Run Results")
        self._known: dict[str, str] = {}

    @retry(times=5)
    def _insert(self, run_id: str) -> str:
        record = self._table.create({"Run ID": run_id, "Status": "Running"})  # expect: creation
        self._known[run_id] = record["id"]
        return record["id"]

    @retry()
    def _patch(self, record_id: str, fields: dict) -> bool:
        try:
            self._table.update(record_id, fields)  # expect: update
        except HTTPError as error:
            if error.response.status_code == 404:
                return False
            raise
        return True

    def _lookup(self, run_id: str) -> Optional[str]:
        if run_id in self._known:
            return self._known[run_id]
        row = self._table.first(formula=f"{{Run ID}}='{run_id}'")
        return row["id"] if row else None

    def start(self, run_id: str) -> str:
        return self._insert(run_id)  # expect: creating-wrapper

    def log(self, run_id: str, **fields):
        record_id = self._lookup(run_id) or self._insert(run_id)  # expect: recovery
        self._patch(record_id, fields)  # expect: updating-wrapper

    def finish(self, run_id: str, status: str = "Completed"):
        record_id = self._known.get(run_id)
        if record_id is None or not self._patch(record_id, {"Status": status}):  # expect: updating-wrapper
            self._patch(self._insert(run_id), {"Status": status})  # expect: updating-wrapper, recovery
