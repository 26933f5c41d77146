"""Classes that are named after what their one method does; a thread's work."""
from threading import Thread

from pyairtable import Api

table = Api("k").table("app", "Client Run Results")


class StartRun:
    def execute(self, run_id):
        if table.first(formula=run_id):
            return None
        return table.create({})  # expect: creation


class FinishRun:
    def execute(self, run_id):
        row = table.first(formula=run_id)
        if not row:
            StartRun().execute(run_id)  # expect: recovery
            return self.execute(run_id)
        return table.update(row["id"], {})  # expect: update


class Work(Thread):
    def run(self):
        table.update("x", {})  # expect: update


def begin():
    Work().start()  # expect: updating-wrapper
