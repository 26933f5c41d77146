"""A ledger of job runs: create once, update many, error if missing."""

from .domain import (
    EventKind,
    InvalidValue,
    LogLine,
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    RunSummary,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
)
from .services.ledger import RunLedger
from .services.observing import log_event
from .services.reads import LedgerReads
from .services.run_ids import new_run_id
from .services.updates import LedgerUpdates, Run
from .stores import connect, open_repository

__all__ = [
    "EventKind",
    "InvalidValue",
    "LedgerReads",
    "LedgerUpdates",
    "LogLine",
    "Outcome",
    "Run",
    "RunAlreadyExists",
    "RunAlreadyFinished",
    "RunChange",
    "RunEvent",
    "RunKey",
    "RunLedger",
    "RunLedgerError",
    "RunNotFound",
    "RunQuery",
    "RunRecord",
    "RunStatus",
    "RunSummary",
    "StoreUnavailable",
    "StoreUnusable",
    "UnknownMetric",
    "connect",
    "log_event",
    "new_run_id",
    "open_repository",
]
