from pyairtable import Api
from pyairtable.formulas import EQ, Field

runs = Api("pat").table("app", "Client Run Results")


class RunStore:
    def __init__(self, table=runs, *, create_missing=True):
        self.table = table
        self.create_missing = create_missing

    def get(self, run_id):
        return next(iter(self.table.all(formula=EQ(Field("Run ID"), run_id), max_records=1)), None)

    def start(self, run_id, **fields):
        return self.table.create({"Run ID": run_id, **fields})  # expect: creation

    def set(self, run_id, **fields):
        row = self.get(run_id)
        if row is None and self.create_missing:
            return self.start(run_id, **fields)  # expect: recovery
        if row is None:
            raise KeyError(run_id)
        return self.table.update(row["id"], fields)  # expect: update

    def merge(self, rows):
        self.table.batch_upsert([{"fields": row} for row in rows], ["Run ID"], replace=False)  # expect: upsert

    def remove(self, run_id):
        row = self.get(run_id)
        return row and self.table.delete(row["id"])


def close_all(store: RunStore, run_ids):
    for run_id in run_ids:
        store.set(run_id, Status="Completed")  # expect: updating-wrapper
