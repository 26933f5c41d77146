"""The rules of the ledger. Read `record`, `query`, then `port`. The other modules are their vocabulary.

`preparation` and `stored_row` are left to those who need them: making their classes slows the start of every process.
"""

from .backend import Backend, Finding, Verdict
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
from .log import LogLine
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
from .query import RunQuery, RunSummary, added_up, latest_of, newest_first, summary_of
from .record import RunChange, RunRecord, changed_records
from .removal import BATCH, FinishedRuns, RunRemoval, fitting
from .values import Metrics, MetricValue, RunStatus

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
