from runledger import connect, open_repository
from runledger import RunLedger

ledger = connect("sqlite:///runs.db")


def start(run_id: str, client: str):
    return ledger.start(run_id, client)  # expect: creation


def many(run_id: str):
    for run in ledger.start_many(run_id, ["a", "b"]).values():  # expect: creation
        run.update(note="half")  # expect: update


def block(run_id: str, settings: dict):
    settings.update({"a": 1})
    with ledger.track(run_id, "acme") as run:  # expect: creation
        run.update(note="x")  # expect: update
        ledger.updates.heartbeat(run_id, "acme")  # expect: update


class Service:
    def __init__(self, ledger: RunLedger, updates):
        self._ledger = ledger
        self.updates = updates

    def finish(self, run_id):
        self._ledger.updates.complete(run_id, "acme")  # expect: update

    def restart(self, run_id):
        try:
            self._ledger.updates.update(run_id, "acme", note="again")  # expect: update
        except RunNotFound:
            self._ledger.start(run_id, "acme")  # expect: recovery


def port(new):
    with open_repository("sqlite:///x") as repository:
        repository.create(new)  # expect: creation
        repository.update_many([])  # expect: update
