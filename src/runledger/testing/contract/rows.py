"""Every row as it is. Stores without `stored_rows` skip these tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

import pytest

from ...domain import NewRun, RunChange, RunKey, RunRecord
from ...domain.stored_row import RowStore, StoredRow
from ...domain.visible import counted
from ..calls import shown
from ..rules import Rule
from ..strategies import AWKWARD
from ..trial import EVERYTHING, Trial
from .cases import AT, FINISH, LATER, Part, R, keeps, started
from .queries import require_lazy


class Rows(Part):
    @keeps(Rule.PROMISES)
    def test_the_row_of_a_record_has_its_values(self, trial: Trial) -> None:
        """Of stores that return rows as they are."""
        repository, stores = trial.repository, row_stores(trial)
        running = [started(name, name, AT + timedelta(seconds=i)) for i, name in enumerate(AWKWARD)]
        repository.create_many([*running, NewRun(started("ended").apply(FINISH, LATER)), started("r")])
        repository.update(R, RunChange(metrics={"n": 1}), LATER)
        repository.update(running[0].key, FINISH, LATER)
        records = list(repository.find(EVERYTHING))
        for store in stores:
            rows = list(rows_of(trial, store))
            require_each_once(trial, rows, records)
            by_key = {(row.run_id, row.client_id): row for row in rows}
            for record in records:
                require_row_of(trial, record, by_key[record.key.run_id, record.key.client_id])
            orders = {row.order for row in rows} - {None}
            trial.require(
                len(orders) in (0, len(rows)),
                f"of {counted(len(rows), 'row')} {len(orders)} have an order that differs",
            )

    @keeps(Rule.PROMISES)
    def test_every_row_comes_once_whatever_is_written_meanwhile(self, trial: Trial) -> None:
        """Of stores that return rows as they are."""
        repository, stores = trial.repository, row_stores(trial)
        many = [started(f"{i:04}", "acme", AT + timedelta(seconds=i // 7)) for i in range(1203)]
        repository.create_many(many)
        for i, store in enumerate(stores):
            require_lazy(trial, partial(rows_of, trial, store))
            rows = rows_of(trial, store)
            first = [next(rows) for _ in range(3)]
            repository.create(started(f"later {i}", at=AT + timedelta(days=1)))
            repository.update(many[i].key, FINISH, AT + timedelta(days=1))
            before = [row for row in (*first, *rows) if not row.run_id.startswith("later")]
            require_each_once(trial, before, many)


def row_stores(trial: Trial) -> list[RowStore]:
    """The trial's repository, and what updates and reads alone. Skips the test if the store returns no rows."""
    adapter = trial.repository.adapter
    sides = (adapter, adapter.without_creation())
    stores: list[RowStore] = [side for side in sides if isinstance(side, RowStore)]
    if not stores:
        pytest.skip("the store has no stored_rows method: it keeps valid records alone, one of each key")
    trial.require(len(stores) == len(sides), "of repository and without_creation() only one has stored_rows")
    return stores


def rows_of(trial: Trial, store: RowStore) -> Iterator[StoredRow]:
    """The rows of a store, by a call that is recorded."""
    call = trial.noted("repository", "stored_rows")
    with trial.watched(call):
        for row in store.stored_rows():
            trial.require(isinstance(row, StoredRow), f"{call} returned {shown(row)}, which is not a StoredRow")
            yield row


def require_each_once(trial: Trial, rows: Sequence[StoredRow], records: Sequence[RunRecord]) -> None:
    """There is one row for each of these records, and no other."""
    found = Counter(RunKey.trusted(row.run_id, row.client_id) for row in rows)
    due = Counter(record.key for record in records)
    lost, surplus = list(due - found), list(found - due)
    what = f"of {counted(len(records), 'record')} the rows lack {shown(lost)}, and have {shown(surplus)} too many"
    trial.require(not lost and not surplus, what)


def require_row_of(trial: Trial, record: RunRecord, row: StoredRow) -> None:
    """A row has the values of its record, and no fault."""
    due = StoredRow.of_record(record)
    for name in ("status", "started_at", "ended_at", "updated_at", "reference", "fault"):
        was, is_due = getattr(row, name), getattr(due, name)
        what = f"{name} of the row of {shown(record.key)} is {shown(was)}, and not {shown(is_due)}"
        trial.require(was == is_due, what)
