"""What the parts of the contract share: the runs that they use, and how a test names its rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ClassVar, TypeVar

from ...domain import RunAlreadyExists, RunChange, RunKey, RunLedgerError, RunRecord, RunStatus
from ..handles import RepositoryOnTrial
from ..rules import Rule
from ..trial import Trial

AT = datetime(2025, 11, 24, 8, 15, 0, 123000, tzinfo=UTC)
LATER = AT + timedelta(seconds=5)
R, S, GONE = RunKey("r", "acme"), RunKey("s", "acme"), RunKey("never started", "acme")
FINISH = RunChange(status=RunStatus.COMPLETED)
FINAL = [status for status in RunStatus if status.is_final]

Test = Callable[[Any, Trial], None]
Item = TypeVar("Item")


def keeps(rule: Rule) -> Callable[[Test], Test]:
    """A test of this rule."""

    def of_rule(test: Test) -> Test:
        @wraps(test)
        def tried(self: Any, trial: Trial) -> None:
            with trial.of(rule):
                test(self, trial)

        return tried

    return of_rule


def started(run_id: str, client_id: str = "acme", at: datetime = AT) -> RunRecord:
    """The record of a run that has just started."""
    return RunRecord.start(RunKey(run_id, client_id), at)


def require_one_success(
    trial: Trial,
    outcomes: Sequence[RunLedgerError | None],
    refusal: type[RunLedgerError],
    what: str,
    rule: Rule | None = None,
) -> None:
    """Exactly one of many calls succeeded, and every other one raised the error that is due."""
    others = [type(error) for error in outcomes if error is not None]
    raised = ", ".join(sorted(kind.__name__ for kind in others)) or "none"
    is_one = others == [refusal] * (len(outcomes) - 1)
    trial.require(is_one, f"of {len(outcomes)} {what} {len(outcomes) - len(others)} succeeded; raised: {raised}", rule)


def require_one_creation(trial: Trial, handles: Sequence[RepositoryOnTrial], run_id: str) -> None:
    """Of handles that create one run concurrently exactly one succeeds, and the record is the one that it created."""
    rivals = [started(run_id, at=AT + timedelta(seconds=i)) for i in range(len(handles))]
    outcomes = trial.concurrently(len(handles), lambda i: handles[i].create(rivals[i]))
    require_one_success(trial, outcomes, RunAlreadyExists, "concurrent creates of one key")
    trial.same(trial.repository.get(rivals[0].key), rivals[outcomes.index(None)])


class Part:
    """A part of the contract: its tests have an empty store."""

    many: ClassVar[int] = 1_001
    """How many runs the tests of long bulk calls take: more than the adapter writes as one batch."""
