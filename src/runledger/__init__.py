"""A ledger of job runs: create once, update many, error if missing."""

from typing import TYPE_CHECKING

from .domain import (
    CallWithinCall,
    EventKind,
    InvalidValue,
    LogLine,
    NewRun,
    NoCurrentRun,
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
    UnusableForRun,
)
from .domain.late_names import late_names
from .services.ledger import RunLedger
from .services.observing import log_event
from .services.reads import LedgerReads
from .services.run_ids import new_run_id
from .services.updates import LedgerUpdates, Run
from .stores import connect, copy, open_repository

if TYPE_CHECKING:
    from .domain import RunQuery, RunSummary
    from .services.copying.result import CopyResult, Fate, Remark
    from .services.tracking.current_run import current_run
    from .services.tracking.termination import sigterm_as_exit
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            ".domain": ("RunQuery", "RunSummary"),
            ".services.copying.result": ("CopyResult", "Fate", "Remark"),
            ".services.tracking.current_run": ("current_run",),
            ".services.tracking.termination": ("sigterm_as_exit",),
        },
    )

__all__ = [
    "CallWithinCall",
    "CopyResult",
    "EventKind",
    "Fate",
    "InvalidValue",
    "LedgerReads",
    "LedgerUpdates",
    "LogLine",
    "NewRun",
    "NoCurrentRun",
    "Outcome",
    "Remark",
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
    "UnusableForRun",
    "connect",
    "copy",
    "current_run",
    "log_event",
    "new_run_id",
    "open_repository",
    "sigterm_as_exit",
]
