"""Found in order: pages, filters, the newest of each client, summaries."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial

import pytest

from ...domain import (
    LatestStore,
    MetricValue,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    RunStatus,
    SummableStore,
    summary_of,
)
from ..calls import shown
from ..rules import Rule
from ..strategies import ALIKE
from ..trial import EVERYTHING, Trial
from .cases import AT, FINISH, LATER, Part, keeps, started

_KEYS = [(run, client) for run in ("r", "s", "t") for client in ("acme", "bolt")]


class Queries(Part):
    @keeps(Rule.FOUND_IN_ORDER)
    def test_find_pages_through_many_without_loss_or_repeat(self, trial: Trial) -> None:
        repository = trial.repository
        many = [started(f"{i:04}", "acme", AT + timedelta(seconds=i // 7)) for i in range(1203)]
        repository.create_many(many)
        trial.same_list(list(repository.find(RunQuery(limit=700))), many[::-1][:700])
        require_lazy(trial, partial(repository.find, EVERYTHING))
        found = repository.find(EVERYTHING)
        newest = [next(found) for _ in range(3)]
        repository.create(started("later", at=AT + timedelta(days=1)))
        repository.update(many[-1].key, FINISH, AT + timedelta(days=1))
        trial.same_list(newest + list(found), many[::-1])

    @keeps(Rule.FOUND_IN_ORDER)
    def test_find_gives_what_matches_every_filter(self, trial: Trial) -> None:
        records = [started(run, client, AT + timedelta(seconds=i % 3)) for i, (run, client) in enumerate(_KEYS)]
        records[0] = records[0].apply(FINISH, LATER)
        trial.repository.create_many(records)
        newest = sorted(records, key=lambda record: (record.started_at, record.key), reverse=True)
        second = AT + timedelta(seconds=1)
        for query in (
            RunQuery(run_id="r"),
            RunQuery(client_id="bolt"),
            RunQuery(run_id="s", client_id="acme"),
            RunQuery(status=RunStatus.COMPLETED),
            RunQuery(status=RunStatus.RUNNING, client_id="acme"),
            RunQuery(status=[RunStatus.RUNNING, RunStatus.COMPLETED]),
            RunQuery(status=[RunStatus.SKIPPED, RunStatus.RUNNING, RunStatus.FAILED], limit=3),
            RunQuery(status=[RunStatus.SKIPPED, RunStatus.FAILED]),
            RunQuery(status=list(RunStatus)),
            RunQuery(after=newest[2]),
            RunQuery(after=newest[2], client_id="bolt", until=second, status=[RunStatus.RUNNING, RunStatus.FAILED]),
            RunQuery(after=(second, RunKey("r", "c")), limit=2),
            RunQuery(since=second),
            RunQuery(until=second),
            RunQuery(since=second, until=second + timedelta(milliseconds=1)),
            RunQuery(updated_before=second),
            RunQuery(limit=0),
            RunQuery(client_id="acme", limit=2),
        ):
            due = list(filter(query.matches, newest))[: query.limit]
            trial.same_list(list(trial.repository.find(query)), due)

    @keeps(Rule.FOUND_IN_ORDER)
    def test_pages_put_together_are_the_one_listing(self, trial: Trial) -> None:
        """Each page continues after the last record of the one before, whatever is started or finished meanwhile."""
        repository = trial.repository
        many = [started(f"{i // 2:02}", "ab"[i % 2], AT + timedelta(seconds=i // 9)) for i in reversed(range(60))]
        repository.create_many(many)
        after = None
        for first in (0, 25, 50):
            query = RunQuery(status=[RunStatus.RUNNING, RunStatus.FAILED], after=after, limit=25)
            trial.same_list(list(repository.find(query)), page := many[first : first + 25])
            after = page[-1]
            repository.create(started(f"{first}", "later", after.started_at + timedelta(seconds=1)))
            repository.update(after.key, FINISH, LATER)
            for following in many[first + 25 :][:1]:
                repository.update(following.key, RunChange(status=RunStatus.FAILED), LATER)
                many[first + 25] = following.apply(RunChange(status=RunStatus.FAILED), LATER)

    @keeps(Rule.FOUND_IN_ORDER)
    def test_the_latest_record_of_each_client_is_the_first_that_find_gives(self, trial: Trial) -> None:
        """Of stores that look for it themselves."""
        adapter = trial.repository.adapter
        stores = [store for store in (adapter, adapter.without_creation()) if isinstance(store, LatestStore)]
        if not stores:
            pytest.skip("the store has no latest method: the ledger takes the newest of what find returns")
        second = AT + timedelta(seconds=1)
        awkward = (*ALIKE[0], "\u00e9", "\uff21", "\U0001f469")  # by case, and in UTF-16, they have another order
        records = [
            started(run_id, client_id, at)
            for run_id, at in (("r", second), ("s", second), ("t", AT))
            for client_id in (*(f"{i:04}" for i in range(600)), *awkward)
            if not (at == second and client_id.startswith("a"))
        ]
        trial.repository.create_many(records)
        trial.repository.update(records[7].key, FINISH, LATER)
        for since in (None, second, LATER):
            newest: dict[str, RunRecord] = {}
            for record in trial.repository.find(RunQuery(since=since)):
                newest.setdefault(record.key.client_id, record)
            for store in stores:
                call = trial.noted("repository", "latest", *([] if since is None else [since]))
                with trial.watched(call):
                    found = list(store.latest(since))
                trial.same_list(found, [newest[client_id] for client_id in sorted(newest)])

    @keeps(Rule.FOUND_IN_ORDER)
    def test_a_summary_is_of_what_find_gives(self, trial: Trial) -> None:
        """Of stores that add records up themselves."""
        adapter = trial.repository.adapter
        stores = [store for store in (adapter, adapter.without_creation()) if isinstance(store, SummableStore)]
        if not stores:
            pytest.skip("the store has no summary method: the ledger adds up what find returns")
        metrics: list[Mapping[str, MetricValue]] = [
            {"n": 2**53, "x": 0.5, 'a "b",{': 1},
            {"n": -3, "yes": True, "t": "1,{", "at": AT},
            {"x": 2, "y": 2.0**999},
        ]
        records = [
            RunRecord.start(
                RunKey(f"{i:04}", f"client {i % 3}"), AT + timedelta(seconds=i // 7), metrics=metrics[i % 5 % 3]
            )
            for i in range(1203)
        ]
        ended = [record.apply(FINISH, LATER + timedelta(seconds=i)) for i, record in enumerate(records[:9])]
        trial.repository.create_many(records := ended + records[9:])
        second = AT + timedelta(seconds=1)
        for query in (
            EVERYTHING,
            RunQuery(run_id="0003"),
            RunQuery(client_id="client 1", since=second),
            RunQuery(status=RunStatus.COMPLETED, until=second),
            RunQuery(client_id="client 2", limit=602),
            RunQuery(status=[RunStatus.RUNNING, RunStatus.FAILED], after=records[400]),
            RunQuery(run_id="gone"),
            RunQuery(limit=0),
        ):
            due = summary_of(list(filter(query.matches, reversed(records)))[: query.limit])
            for store in stores:
                call = trial.noted("repository", "summary", query)
                with trial.watched(call):
                    summary = store.summary(query)
                trial.require(summary == due, f"{call} gives {shown(summary)} where {shown(due)} is due")


def require_lazy(trial: Trial, read: Callable[[], Iterator[object]]) -> None:
    """Reading all of many records allocates less memory until the first is returned than until all are."""
    tracemalloc.start()
    try:
        found = read()
        records = [next(found)]
        _, for_one = tracemalloc.get_traced_memory()
        records += found
        for_all, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    what = (
        f"{trial.calls[-1]} allocated {for_one:,} bytes until it gave the first of {len(records):,} records, and held "
        f"{for_all:,} with all: it must read page by page"
    )
    trial.require(for_one < max(0.9 * for_all, 100 * len(records)), what)
