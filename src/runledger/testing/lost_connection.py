"""Writing calls whose connection breaks: what they report must agree with what the store holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ..domain import NewRun, Outcome, RunChange, RunKey, RunQuery, RunRecord, StoreUnavailable
from ..domain.visible import counted
from .calls import Call, shown
from .handles import RepositoryOnTrial
from .rules import Rule
from .runs import changed
from .trial import Trial

AT = datetime(2025, 11, 24, 8, 15, 0, 123000, tzinfo=UTC)
_CHANGE = RunChange(add={"n": 1}, note="n")
_PACKETS = 100
"""More than any call takes."""

Method = Callable[[RepositoryOnTrial, Sequence[RunRecord]], object]
_CALLS: Mapping[str, Method] = {
    "create": lambda far, records: far.create(_marked(records[0])),
    "create_many": lambda far, records: far.create_many([_marked(record) for record in records]),
    "update": lambda far, records: far.update(records[0].key, _CHANGE, AT),
    "update_many": lambda far, records: far.update_many([(record.key, _CHANGE) for record in records], AT),
}


def require_true_reports(trial: Trial, method: str, answers: bool) -> None:
    """A writing call whose connection breaks succeeds, or raises an error that says what the store holds.

    The connection breaks before each packet of the requests in turn, or of the answers, until the call ends before.
    """
    for after in range(_PACKETS):
        trial.begin()
        count = 2 if method.endswith("many") else 1
        records = [RunRecord.start(RunKey(f"{method} {answers} {after}", f"{i}"), AT) for i in range(count)]
        if method.startswith("update"):
            trial.repository.create_many(records)
        with trial.far() as (line, far):
            line.cut(answers=answers, after=after)
            error = _error_of(lambda: _CALLS[method](far, records))  # noqa: B023 (called immediately)
            call, was_cut = trial.calls[-1], line.was_cut
        _require_true_report(trial, call, error, {record.key: _writes(trial, method, record) for record in records})
        if not was_cut:
            return
    raise trial.broken(f"{method} takes more than {_PACKETS} packets")


def _marked(record: RunRecord) -> NewRun:
    """A start that its store recognises if the answer is lost, as those of a ledger are."""
    return NewRun(record, mark=f"start of {record.key}")


def _error_of(call: Callable[[], object]) -> StoreUnavailable | None:
    try:
        call()
    except StoreUnavailable as error:
        return error
    return None


def _writes(trial: Trial, method: str, record: RunRecord) -> int:
    """How many times a call has created this record, or changed it."""
    query = RunQuery(run_id=record.key.run_id, client_id=record.key.client_id)
    found = list(trial.repository.find(query))
    if method.startswith("create"):
        return len(found)
    [after] = found
    trial.same(after, changed(NewRun(record), *[_CHANGE] * after.notes, at=AT).record)
    return after.notes


def _require_true_report(
    trial: Trial, call: Call, error: StoreUnavailable | None, writes: Mapping[RunKey, int]
) -> None:
    most, written = max(writes.values()), [key for key, count in writes.items() if count]
    did = f"{call} wrote {len(written)} of {counted(len(writes), 'record')}, and "
    trial.require(most <= 1, f"{call} wrote {most} times what it was called to write once", Rule.SENT_ONCE)
    if trial.repository.guarantees.atomic_bulk:
        trial.require(len(written) in (0, len(writes)), f"{did}promises all or none", Rule.PROMISES)
    if error is None:
        trial.require(len(written) == len(writes), f"{did}succeeded")
        return
    is_of_call = error.key in writes or (error.key is None and len(writes) > 1)  # of no single run
    trial.require(is_of_call, f"the error of {call} carries the key {shown(error.key)}")
    trial.require(set(error.applied) <= set(written), f"{did}reported {shown(list(error.applied))} as written")
    if error.outcome is Outcome.NOT_APPLIED:
        trial.require(written == list(error.applied), f"{did}reported that it wrote none")
