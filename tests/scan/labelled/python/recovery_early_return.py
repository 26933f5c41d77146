from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


class Progress:
    def __init__(self, run_id: str) -> None:
        self.run_id = run_id

    def _lookup(self):
        rows = runs.all(formula=f"{{Run ID}} = '{self.run_id}'")
        return rows[0]["id"] if rows else None

    def report(self, **fields) -> None:
        record_id = self._lookup()
        if record_id:
            runs.update(record_id, fields)  # expect: update
            return
        print("no record found; creating one")
        runs.create({"Run ID": self.run_id, **fields})  # expect: recovery

    def report_or_fail(self, **fields) -> None:
        record_id = self._lookup()
        if not record_id:
            raise LookupError(self.run_id)
        runs.update(record_id, fields)  # expect: update

    def heartbeat(self) -> None:
        try:
            rows = runs.all(formula=f"{{Run ID}} = '{self.run_id}'")
            runs.update(rows[0]["id"], {"Beat": 1})  # expect: update
        except IndexError:
            runs.create({"Run ID": self.run_id, "Beat": 1})  # expect: recovery
