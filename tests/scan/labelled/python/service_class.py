import logging

from pyairtable import Api
from pyairtable.formulas import match

log = logging.getLogger(__name__)


class RunRecordService:
    TABLE = "Client Run Results"

    def __init__(self, api_key: str, base_id: str) -> None:
        self._api = Api(api_key)
        self.table = self._api.table(base_id, self.TABLE)

    def create(self, run_id: str, client_id: str) -> dict:
        log.info("create run %s", run_id)
        return self.table.create({"Run ID": run_id, "Client ID": client_id})  # expect: creation

    def update(self, run_id: str, client_id: str, fields: dict) -> dict:
        record = self.table.first(formula=match({"Run ID": run_id, "Client ID": client_id}))
        if record is None:
            log.warning("run %s missing, creating it", run_id)
            record = self.create(run_id, client_id)  # expect: recovery
        return self.table.update(record["id"], fields)  # expect: update

    def complete(self, run_id: str, client_id: str) -> dict:
        return self.update(run_id, client_id, {"Status": "Completed"})  # expect: updating-wrapper
