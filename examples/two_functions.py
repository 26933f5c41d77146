"""The two functions that many services have for their run records, on the ledger."""

import os

import runledger

ledger = runledger.connect(os.environ.get("RUNLEDGER_STORE", "memory://"))


def create_run_record(run_id: str, client_id: str, client_name: str) -> runledger.Run:
    """Call this where the job begins, and nowhere else. Raises RunAlreadyExists."""
    return ledger.start(run_id, client_id, client_name=client_name)


def update_run_record(run_id: str, client_id: str, **metrics: str | float | bool) -> None:
    """Call this anywhere. Raises RunNotFound if the run was not started; it never creates a record."""
    ledger.updates.update(run_id, client_id, metrics=metrics)


if __name__ == "__main__":
    run = create_run_record("251124-081500", "acme", "Acme Ltd")
    update_run_record("251124-081500", "acme", posts=43)
    run.complete()
    print(ledger.get("251124-081500", "acme").to_json())
