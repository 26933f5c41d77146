"""Bringing a run that has finished in one store to its end in another, by the updates that it lacks there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ...domain import NewRun, RunChange, RunStatus, RunUpdates


def is_earlier(stored: NewRun, run: NewRun, since: datetime) -> bool:
    """Whether `stored` is `run` as it was before it finished, and nothing has updated it since.

    Its last update was made before `since`, or by an earlier `replay` that was interrupted: that begins with the last
    update of all, whose time nothing but another update moves.
    """
    record, old = run.record, stored.record
    return (
        old.status is RunStatus.RUNNING
        and record.is_start_of(old)
        and (old.updated_at < since or old.updated_at == record.updated_at)
        and old.updated_at <= record.updated_at
        and run.log[: len(stored.log)] == stored.log
        and old.metrics.keys() <= record.metrics.keys()
        and (old.error is None or record.error is not None)
    )


def replay(updates: RunUpdates, run: NewRun, stored: NewRun) -> NewRun | None:
    """Update a record that `is_earlier`, until it has ended as `run` did, and return it.

    Returns None, with the record still Running, if something else updates it meanwhile.

    Raises what `update` raises. If it is interrupted, replay it again: it continues from there.
    """
    new, notes = stored.record, stored.record.notes
    for change, at in _steps(run, stored):
        new = updates.update(stored.key, change, at)
        notes += change.note is not None
        if (new.notes, new.updated_at) != (notes, run.record.updated_at):
            return None
    return NewRun(new, run.log)


def _steps(run: NewRun, stored: NewRun) -> Iterator[tuple[RunChange, datetime]]:
    """The metrics at the time of the last update, each missing line at its time, and the end.

    The metrics come first, so that a store without a column for one of them refuses before anything is written. The end
    comes last: until then the record is Running, and a second replay may go on.
    """
    record, before = run.record, stored.record.metrics
    metrics = {
        name: value
        for name, value in record.metrics.items()
        if name not in before or (type(value), value) != (type(before[name]), before[name])
    }
    yield RunChange(metrics=metrics), record.updated_at
    for line in run.log[len(stored.log) :]:
        yield RunChange(note=line.text), line.at
    assert record.ended_at is not None  # what is replayed has finished
    yield RunChange(status=record.status, error=record.error), record.ended_at
