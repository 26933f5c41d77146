"""The rules of the ledger. Read `record`, then `port`. The other modules are their vocabulary.

Each class that is made at import slows the start of every process. So names that only reading, removing or examining
needs are loaded at their first use. `stored_row`, and most of `preparation`, are imported from their modules.
"""

from typing import TYPE_CHECKING

from .backend import Backend
from .errors import (
    CallWithinCall,
    InvalidStoreURL,
    NoCurrentRun,
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunNotFound,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
    UnusableForRun,
)
from .events import EventKind, RunEvent, RunObserver
from .key import InvalidValue, RunKey, RunLedgerError
from .late_names import late_names
from .new_run import NewRun, missing_runs, rejected_keys
from .port import (
    Guarantees,
    IdentifiedStore,
    LatestStore,
    LoggedStore,
    ObservedStore,
    RunAccess,
    RunCreation,
    RunReads,
    RunRepository,
    RunUpdates,
    SummableStore,
)
from .record import RunChange, RunRecord, changed_records
from .values import LogLine, Metrics, MetricValue, RunStatus

if TYPE_CHECKING:
    from .preparation import Finding, Verdict
    from .query import RunQuery, RunSummary, added_up, latest_of, newest_first, summary_of
    from .removal import BATCH, FinishedRuns, RunRemoval, fitting
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            ".preparation": ("Finding", "Verdict"),
            ".query": ("RunQuery", "RunSummary", "added_up", "latest_of", "newest_first", "summary_of"),
            ".removal": ("BATCH", "FinishedRuns", "RunRemoval", "fitting"),
        },
    )

__all__ = [
    "BATCH",
    "Backend",
    "CallWithinCall",
    "EventKind",
    "Finding",
    "FinishedRuns",
    "Guarantees",
    "IdentifiedStore",
    "InvalidStoreURL",
    "InvalidValue",
    "LatestStore",
    "LogLine",
    "LoggedStore",
    "MetricValue",
    "Metrics",
    "NewRun",
    "NoCurrentRun",
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
    "RunRemoval",
    "RunRepository",
    "RunStatus",
    "RunSummary",
    "RunUpdates",
    "StoreUnavailable",
    "StoreUnusable",
    "SummableStore",
    "UnknownMetric",
    "UnusableForRun",
    "Verdict",
    "added_up",
    "changed_records",
    "fitting",
    "latest_of",
    "missing_runs",
    "newest_first",
    "rejected_keys",
    "summary_of",
]
