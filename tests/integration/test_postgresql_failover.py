"""A URL with several hosts, on a primary and its standby: what a client sees while the primary moves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from postgres_cluster import Cluster, cluster_in_a_folder

from runledger import Outcome, RunChange, RunKey, RunLedger, StoreUnavailable, connect
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.services.ledger import utc_now

KEY = RunKey("r", "a")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with cluster_in_a_folder() as cluster:
        cluster.make()
        yield cluster


def wait_for_locks(url: str, count: int) -> None:
    """Return when so many sessions wait for a lock."""
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
            if row == (count,):
                return
            time.sleep(0.01)
    raise AssertionError(f"{count} sessions never waited for a lock")


def lose_the_primary_during_a_read_and_a_write(cluster: Cluster, repository: PostgreSQLRunRepository) -> None:
    with closing(psycopg.connect(cluster.url("a"))) as holder, ThreadPoolExecutor(2) as pool:
        holder.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        reading = pool.submit(repository.get, KEY)
        writing = pool.submit(repository.update, KEY, RunChange(note="lost"), utc_now())
        wait_for_locks(cluster.url("a"), 2)
        cluster.control("stop", "a", "-m", "immediate")
        for call, outcome in ((reading, Outcome.NOT_APPLIED), (writing, Outcome.UNKNOWN)):
            error = call.exception()
            assert isinstance(error, StoreUnavailable)
            assert error.outcome is outcome


def nothing_is_applied_while_no_host_takes_writes(hasty: PostgreSQLRunRepository) -> None:
    ledger = RunLedger(hasty, observers=(), retry_waits=())
    for call in (
        lambda: ledger.get("r", "a"),
        lambda: ledger.updates.update("r", "a", note="not applied"),
        lambda: ledger.start("r", "not started"),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert caught.value.outcome is Outcome.NOT_APPLIED


def test_a_client_follows_the_primary_and_is_told_what_became_of_its_calls(cluster: Cluster) -> None:
    url = cluster.url("b", "a")  # the standby comes first, and takes no writes
    with (
        ThreadPoolExecutor(1) as pool,
        closing(PostgreSQLRunRepository(url, timeout=60)) as repository,
        closing(PostgreSQLRunRepository(url, timeout=0.5)) as hasty,
    ):
        repository.create_schema()
        slept: list[float] = []

        def promote_once(seconds: float) -> None:
            if not slept:
                cluster.control("promote", "b")
            slept.append(seconds)

        ledger = RunLedger(repository, observers=())
        ledger.start("r", "a").update(note="before")
        lose_the_primary_during_a_read_and_a_write(cluster, repository)
        nothing_is_applied_while_no_host_takes_writes(hasty)
        waiting = pool.submit(ledger.updates.update, "r", "a", note="waited")
        # A start is tried again; a standby that is promoted meanwhile creates the run. A busy machine may need more
        # than half a second to connect to it, and so more attempts.
        RunLedger(hasty, observers=(), retry_waits=[1] * 99, sleep=promote_once).start("r", "b")
        assert slept
        assert waiting.result() is not None
        ledger.updates.update("r", "a", note="after")
        assert [line.text for line in ledger.log("r", "a")] == ["before", "waited", "after"]
        assert {record.key.client_id for record in ledger.find()} == {"a", "b"}
    with connect(cluster.url("a", "b"), observers=()) as late:  # the first host is stopped
        late.updates.complete("r", "a")
