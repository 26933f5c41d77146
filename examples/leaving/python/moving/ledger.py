"""The new ledger, beside the old table."""

import os

import runledger
from runledger.kept_events import KeptEvents

ledger = runledger.connect(
    os.environ["RUNLEDGER_STORE"],
    observers=[runledger.log_event, KeptEvents("missing.db")],
    on_missing="report",
)
updates = ledger.updates
