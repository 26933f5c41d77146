"""The rules of the ledger. Read record, query, then port; errors, values and events are their vocabulary."""

from .errors import (
    InvalidValue,
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunLedgerError,
    RunNotFound,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
)
from .events import EventKind, RunEvent, RunObserver
from .port import (
    Guarantees,
    ObservedStore,
    RunAccess,
    RunCreation,
    RunReads,
    RunRepository,
    RunUpdates,
    SummableStore,
)
from .query import RunQuery, RunSummary, added_up, newest_first, summary_of
from .record import LogLine, RunChange, RunKey, RunRecord, RunStatus, repeated_keys
from .values import Metrics, MetricValue

__all__ = [
    "EventKind",
    "Guarantees",
    "InvalidValue",
    "LogLine",
    "MetricValue",
    "Metrics",
    "ObservedStore",
    "Outcome",
    "RunAccess",
    "RunAlreadyExists",
    "RunAlreadyFinished",
    "RunChange",
    "RunCreation",
    "RunEvent",
    "RunKey",
    "RunLedgerError",
    "RunNotFound",
    "RunObserver",
    "RunQuery",
    "RunReads",
    "RunRecord",
    "RunRepository",
    "RunStatus",
    "RunSummary",
    "RunUpdates",
    "StoreUnavailable",
    "StoreUnusable",
    "SummableStore",
    "UnknownMetric",
    "added_up",
    "newest_first",
    "repeated_keys",
    "summary_of",
]
