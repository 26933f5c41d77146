import logging

from pyairtable import Api

logger = logging.getLogger(__name__)
api = Api("pat")


class RunLog:
    def __init__(self, base):
        self._runs = api.table(base, "Client Run Results")

    def append(self, run_id, text):
        record = self._find(run_id)
        if record is not None:
            notes = record["fields"].get("Notes", "")
            self._runs.update(record["id"], {"Notes": notes + "\n" + text})  # expect: update
            return record["id"]
        return self._runs.create({"Run ID": run_id, "Notes": text})["id"]  # expect: recovery

    def close(self, run_id):
        record = self._find(run_id)
        if record is None:
            logger.error("run %s was never started", run_id)
            return None
        return self._runs.update(record["id"], {"Status": "Completed"})  # expect: update

    def start(self, run_id):
        if self._find(run_id):
            raise RuntimeError("started already")
        return self._runs.create({"Run ID": run_id})  # expect: creation

    def _find(self, run_id):
        found = self._runs.all(formula=f"{{Run ID}}='{run_id}'", max_records=1)
        if not found:
            return None
        return found[0]
