"""The errors of the ledger. With InvalidValue, which `key` defines, they are one small hierarchy.

Each error carries its facts as attributes; its message says what happened, to which key, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from .key import InvalidValue, RunKey, RunLedgerError
from .values import RunStatus


class Outcome(Enum):
    """Whether a change may have been applied although the store did not answer."""

    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"


class RunNotFound(RunLedgerError):
    """An update or read named a key without a record: the run was not started, or was removed. Nothing was written."""

    def __init__(self, key: RunKey) -> None:
        message = f"no run record for {key}: it was not started, or has been removed. Start it where the job begins."
        super().__init__(message, key)


class RunAlreadyExists(RunLedgerError):
    """A run was started a second time. The first record is unchanged.

    `keys` holds every key of the start that already has a record: one for a single start, one or more for a bulk start.
    """

    def __init__(self, keys: Sequence[RunKey]) -> None:
        more = f" (and {len(keys) - 1} more of this start)" if len(keys) > 1 else ""
        super().__init__(f"{keys[0]} was started before{more}: update that record, or use a new run id.", keys[0])
        self.keys = tuple(keys)


class RunAlreadyFinished(RunLedgerError):
    """A change would finish a run that has finished, or alter how it ended. Nothing was written."""

    def __init__(self, key: RunKey, status: RunStatus) -> None:
        super().__init__(f"{key} has already finished as {status.value}: only metrics and notes may follow.", key)
        self.status = status


class NoCurrentRun(RunLedgerError):
    """`current_run` was called where no block of `track` is under way. No observer is notified: none is known there."""

    def __init__(self) -> None:
        super().__init__(
            "no run is under way here: call current_run in a block or function of `track`, or pass the run's handle."
        )


class UnknownMetric(RunLedgerError):
    """The store has no column for a metric. Nothing was written. `name` is the metric.

    `advice` is how a column is added to this store.
    """

    def __init__(self, key: RunKey, name: str, advice: str = "add it there") -> None:
        super().__init__(f"the store has no column {name!r} (asked for by {key}): {advice}, or correct it.", key)
        self.name = name


class StoreUnavailable(RunLedgerError):
    """The store did not answer. `outcome` says whether the change may have been applied, `reason` what failed."""

    advice = "try again when the store is back"
    """What to do if nothing was applied."""

    def __init__(self, reason: str, outcome: Outcome, key: RunKey | None = None, *, advice: str | None = None) -> None:
        self.advice = advice or self.advice
        if outcome is Outcome.NOT_APPLIED:
            advice = f"Nothing was written; {self.advice}."
        else:
            advice = "Whether the change was applied is unknown; read the record before sending it again."
        about = f" ({key})" if key else ""
        super().__init__(f"the store is unavailable{about}: {reason}. {advice}", key)
        self.reason = reason
        self.outcome = outcome


class CallWithinCall(StoreUnavailable):
    """A call was made while another one of its thread was under way, as a signal handler or a finaliser can do.

    It would wait for the call that it interrupts. Nothing was written, and no start is tried again.
    """

    advice = "raise an exception in the handler, or set a flag there and make this call after the other one"

    def __init__(self, key: RunKey | None = None) -> None:
        reason = "a signal handler or a finaliser made this call in the middle of another one of the same thread"
        super().__init__(reason, Outcome.NOT_APPLIED, key)


class StoreUnusable(RunLedgerError):
    """The store answers but cannot serve as it is: not a ledger, a newer version, no table, no permission."""


class UnusableForRun(StoreUnusable):
    """The store cannot serve for one run: it refuses a value of it, or its row there cannot be read.

    Nothing was written. It serves for other runs. `key` is None if a bulk call was refused, and the store does not say
    for which run.
    """


class InvalidStoreURL(StoreUnusable, InvalidValue):
    """The URL of a store is mistyped: no scheme, an unknown one, or not of the form that its store has."""
