import runledger
from runledger import RunLedger

ledger = RunLedger(runledger.open_repository("memory:"))
seen: set[str] = set()


def score(run_id: str, client_id: str) -> None:
    with ledger.track(run_id, client_id) as run:  # expect: creation
        seen.add(client_id)
        run.update(add={"Tokens": 10})  # expect: update


@ledger.track(runledger.new_run_id, "acme")  # expect: creation
def nightly() -> None:
    seen.clear()
