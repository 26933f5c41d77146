"""The errors of the ledger: one small hierarchy; each carries the facts and says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from .record import RunKey, RunStatus


class Outcome(Enum):
    """Whether a change may have been applied when the store stopped answering."""

    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"


class RunLedgerError(Exception):
    """Every refusal of the ledger. `key` names the run concerned, where one is known.

    `applied` are the keys of a bulk call that were created or updated all the same: always none, where the store
    guarantees atomic bulk calls.
    """

    applied: tuple[RunKey, ...] = ()

    def __init__(self, message: str, key: RunKey | None = None) -> None:
        super().__init__(message)
        self.key = key

    def having_applied(self, keys: Iterable[RunKey]) -> Self:
        """This error, of a bulk call that was applied for these keys."""
        self.applied = tuple(keys)
        return self

    def __str__(self) -> str:
        message = super().__str__()
        if not self.applied:
            return message
        return f"{message} {len(self.applied)} of the batch had been applied before: first {self.applied[0]}."

    def __reduce__(self) -> Any:
        # By its facts: the default calls the class with the message alone, and an error could not leave its process.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class InvalidValue(RunLedgerError, ValueError):
    """A value was refused at the door; nothing was sent to the store."""


class RunNotFound(RunLedgerError):
    """An update or read named a key that has no record: the run was never started. Nothing was written."""

    def __init__(self, key: RunKey) -> None:
        super().__init__(f"no run record for {key}: it was not started. Start it where the job begins.", key)


class RunAlreadyExists(RunLedgerError):
    """A run was started a second time. The first record was not touched.

    `keys` are the keys of a bulk start that have a record already; with one start, just that key.
    """

    def __init__(self, keys: Sequence[RunKey]) -> None:
        more = f" (and {len(keys) - 1} more of this start)" if len(keys) > 1 else ""
        super().__init__(f"{keys[0]} was started before{more}: update that record, or use a new run id.", keys[0])
        self.keys = tuple(keys)


class RunAlreadyFinished(RunLedgerError):
    """A change would finish a finished run, or alter how it ended. Nothing was written."""

    def __init__(self, key: RunKey, status: RunStatus) -> None:
        super().__init__(f"{key} has already finished as {status.value}: only metrics and notes may follow.", key)
        self.status = status


class UnknownMetric(RunLedgerError):
    """The store has no column for a metric. Nothing was written."""

    def __init__(self, key: RunKey, name: str) -> None:
        super().__init__(f"the store has no column {name!r} (asked for by {key}): add it there, or correct it.", key)
        self.name = name


class StoreUnavailable(RunLedgerError):
    """The store did not answer. `outcome` says whether the change may have been applied."""

    def __init__(self, reason: str, outcome: Outcome, key: RunKey | None = None) -> None:
        if outcome is Outcome.NOT_APPLIED:
            advice = "Nothing was written; try again when the store is back."
        else:
            advice = "Whether the change was applied is unknown; read the record before sending it again."
        about = f" ({key})" if key else ""
        super().__init__(f"the store is unavailable{about}: {reason}. {advice}", key)
        self.reason = reason
        self.outcome = outcome


class StoreUnusable(RunLedgerError):
    """The store answers but cannot serve as it is: not a ledger, a newer version, no table, no permission."""
