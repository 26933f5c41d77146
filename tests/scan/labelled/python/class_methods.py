from functools import cached_property

from pyairtable import Api


class Runs:
    api = Api("pat")
    NAME = "Client Run Results"

    @classmethod
    def _table(cls):
        return cls.api.table("app", cls.NAME)

    @cached_property
    def table(self):
        return self._table()

    @property
    def names(self):
        return {row["fields"]["Run ID"] for row in self.table.all()}

    @classmethod
    def start(cls, run_id):
        return cls._table().create({"Run ID": run_id})  # expect: creation

    def stop(self, record_id):
        self.table.update(record_id, {"Status": "Completed"})  # expect: update


def night(run_id):
    record = Runs.start(run_id)  # expect: creating-wrapper
    Runs().stop(record["id"])  # expect: updating-wrapper
