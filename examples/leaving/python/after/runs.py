"""The ledger of the service, and the one place that starts runs."""

import os

import runledger

ledger = runledger.connect(os.environ["RUNLEDGER_STORE"])
updates, reads = ledger.updates, ledger.reads
"""All that the other modules need. Nothing that can be reached from these two creates."""


def start_run(run_id: str, client_id: str) -> runledger.Run:
    """Call this where a run begins. Raises RunAlreadyExists."""
    return ledger.start(run_id, client_id)
