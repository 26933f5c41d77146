import attrs
from attrs import Factory, define, field, frozen
from pyairtable import Api

from runledger import connect


@define
class Recorder:
    base_id: str
    _table = field(init=False)

    @_table.default
    def _make_table(self):
        return Api("pat").table(self.base_id, "Client Run Results")

    def record(self, run_id):
        return self._table.create({"Run ID": run_id})  # expect: creation


@frozen
class Reporter:
    table = attrs.field(factory=lambda: Api("pat").table("app", "Client Run Results"))
    seen: set = Factory(set)

    def report(self, record_id, **fields):
        self.seen.add(record_id)
        self.table.update(record_id, fields)  # expect: update


@define
class Job:
    ledger = field(factory=lambda: connect("sqlite:///runs.db"))

    def run(self, run_id, client):
        self.ledger.start(run_id, client)  # expect: creation
        self.ledger.updates.complete(run_id, client)  # expect: update
