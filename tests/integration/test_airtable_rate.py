"""The rate of requests to a base: over networks of all kinds, with several threads, and with several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from airtable_base import BASE, TABLE, TOKEN
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from virtual_time import VirtualTime

from airtable_local import AirtableServer, AirtableService, Connection, Fault, FaultKind, Limits, Network, Token
from airtable_local.transport import ServiceTransport
from runledger import RunLedger, RunStatus, StoreUnavailable
from runledger.adapters.airtable import AirtableRunRepository, Columns, RateLimit
from runledger.adapters.airtable.transport import WithoutCreation
from runledger.domain import Outcome
from runledger.testing.airtable import run_table

COLUMNS = Columns(number="No", start_mark="Mark")
NETWORKS = {
    "near": Network(),
    "far": Network(delay=0.1),
    "cold": Network(delay=0.01, connecting=0.15),
    "unsteady": Network(delay=0.01, jitter=0.25, connecting=0.15),
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def service(limits: Limits, now: Callable[[], datetime] = utc_now) -> AirtableService:
    made = AirtableService([Token(TOKEN)], limits=limits, now=now)
    made.add_base("Operations", [run_table(TABLE, columns=COLUMNS)], BASE)
    return made


def most_within_a_second(arrivals: list[datetime]) -> int:
    """The largest number of arrivals within less than a second."""
    return max(sum(first <= each < first + timedelta(seconds=1) for each in arrivals) for first in arrivals)


class TestOverANetwork:
    """In real time, with the limit that Airtable documents. What is compared are the server's times of arrival."""

    @contextmanager
    def ledger(self, network: Network) -> Iterator[tuple[RunLedger, AirtableServer]]:
        with AirtableServer(Connection(service(Limits(requests_per_second=5))), network=network) as server:
            repository = AirtableRunRepository(TOKEN, BASE, TABLE, columns=COLUMNS, endpoint=server.url)
            yield RunLedger(repository), server

    def check(self, server: AirtableServer, requests: int) -> None:
        log = list(server.log)
        assert [entry.status for entry in log] == [200] * requests
        assert most_within_a_second([entry.time for entry in log]) <= 5

    @pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
    def test_one_thread_is_never_refused(self, network: Network) -> None:
        with self.ledger(network) as (ledger, server):
            run = ledger.start("r", "acme")
            for step in range(10):
                run.update(note=f"{step}")
            self.check(server, 23)

    @pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
    def test_many_threads_are_never_refused(self, network: Network) -> None:
        with self.ledger(network) as (ledger, server):
            with ThreadPoolExecutor(12) as pool:
                list(pool.map(lambda _: ledger.reads.summary("r"), range(24)))
            self.check(server, len(server.log))
            assert len(server.log) >= 24


class Wire(BaseAdapter):
    """A way to a service in this process that takes virtual time, and more for its first request."""

    def __init__(self, connection: Connection, time: VirtualTime, trip: Callable[[], float], first: float) -> None:
        super().__init__()
        self._inner = ServiceTransport(connection)
        self._time = time
        self._trip = trip
        self._first = first

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        trip, first, self._first = self._trip(), self._first, 0.0
        self._time.sleep(trip / 2 + first)
        response = self._inner.send(request)
        self._time.sleep(trip / 2)
        return response

    def close(self) -> None:
        """Nothing is open."""


class WireOfUpdates(WithoutCreation, Wire):
    """For all requests but those that create."""


def _shortest(trips: list[float]) -> float:
    """Seconds that one thread takes for requests that count until exactly a second after their answer."""
    answers: list[float] = []
    for trip in trips:
        count_until = answers[-5] + 1 if len(answers) >= 5 else 0.0
        answers.append(max(count_until, answers[-1] if answers else 0.0) + trip)
    return answers[-1]


def process(connection: Connection, time: VirtualTime, random: Random) -> RunLedger:
    """The ledger of a process of its own."""
    trip = partial(random.uniform, 0.05, 0.3)
    repository = AirtableRunRepository(
        TOKEN,
        BASE,
        TABLE,
        columns=COLUMNS,
        limit=RateLimit(clock=time.monotonic, sleep=time.sleep, uniform=random.uniform),
        transports=(Wire(connection, time, trip, 0.15), WireOfUpdates(connection, time, trip, 0.15)),
        sleep=time.sleep,
    )
    return RunLedger(repository, clock=time.now, sleep=time.sleep, retry_waits=())


class TestInVirtualTime:
    @pytest.mark.parametrize("trip", [0.0, 0.1, 0.25, 1.0, 3.0])
    @pytest.mark.parametrize("jitter", [0.0, 0.25])
    @pytest.mark.parametrize("threads", [1, 5, 20])
    def test_the_allowed_rate_is_used_and_not_exceeded(self, trip: float, jitter: float, threads: int) -> None:
        time, random = VirtualTime(), Random(f"{trip} {threads}")
        limit = RateLimit(clock=time.monotonic, sleep=time.sleep)
        arrivals: list[float] = []
        trips: list[float] = []

        def send_for_a_while() -> None:
            while time.seconds < 200:
                turn = limit.wait()
                began = time.seconds
                time.sleep(trip / 2 + random.uniform(0, jitter))
                arrivals.append(time.seconds)
                time.sleep(trip / 2)
                trips.append(time.seconds - began)
                limit.answered(turn, is_refused=False)

        time.run(*[send_for_a_while] * threads)
        assert all(later - first >= 1 for first, later in zip(arrivals, arrivals[5:], strict=False))
        if threads == 1:
            assert time.seconds <= _shortest(trips) / 0.95
        else:
            mean = trip + jitter / 2
            assert sum(50 <= each < 150 for each in arrivals) >= 0.95 * 100 * 5 / (1 + mean)

    @pytest.mark.parametrize("processes", [2, 6, 14, 20])
    @pytest.mark.parametrize("seed", range(3))
    def test_processes_that_begin_together_lose_nothing(self, processes: int, seed: int) -> None:
        time, random = VirtualTime(), Random(f"{processes} {seed}")
        connection = Connection(service(Limits(requests_per_second=5), time.now), now=time.now)
        failures: list[Exception] = []

        def job(number: int) -> None:
            ledger = process(connection, time, Random(random.random()))
            time.sleep(random.uniform(0, 0.5))
            try:
                ledger.start("nightly", f"client {number}").complete()
            except StoreUnavailable as error:
                failures.append(error)

        time.run(*[partial(job, number) for number in range(processes)])
        assert failures == []
        statuses = {row["fields"]["Status"] for row in connection.service.records(BASE, TABLE)}
        assert statuses == {RunStatus.COMPLETED.value}
        assert len(connection.service.records(BASE, TABLE)) == processes
        assert sum(entry.status == 429 for entry in connection.log) <= 3 * processes
        assert time.seconds < 5 * 60

    def test_a_pace_that_was_slowed_down_recovers(self) -> None:
        time = VirtualTime()
        limit = RateLimit(clock=time.monotonic, sleep=time.sleep)

        def send() -> None:
            limit.answered(limit.wait(), is_refused=True)
            for _ in range(60):
                limit.answered(limit.wait(), is_refused=False)
            began = time.seconds
            for _ in range(50):
                limit.answered(limit.wait(), is_refused=False)
            assert time.seconds - began < 12

        time.run(send)


JOBS = """
import os, sys
import runledger
from runledger.adapters.airtable import TURNS, AirtableAddress, RateLimit, Turns

url, number = sys.argv[1], int(sys.argv[2])
at = AirtableAddress.of(url)
jobs = []
for job in range(number):
    if pid := os.fork():
        jobs.append(pid)
        continue
    TURNS[at.endpoint, at.base_id] = Turns(RateLimit(seconds=0.1, penalty=2))
    runledger.connect(url, observers=(), retry_waits=()).start("nightly", f"client {job}").complete()
    os._exit(0)
print([os.waitpid(job, 0)[1] for job in jobs])
"""


class TestProcesses:
    def test_twenty_jobs_that_begin_together_lose_nothing(self) -> None:
        """Ten times as fast as with Airtable: 50 requests a second, and refusals for a few seconds."""
        limits = Limits(requests_per_second=50, penalty=timedelta(seconds=2))
        with AirtableServer(Connection(service(limits))) as server:
            url = f"airtable://{BASE}/{quote(TABLE, safe='')}?endpoint={server.url}&number=No&start_mark=Mark"
            # A slow machine may spread the jobs out by itself, so the first requests are refused in any case.
            server.faults.arm(Fault(FaultKind.STATUS, status=429, after_commit=False, times=20))
            done = subprocess.run(
                [sys.executable, "-c", JOBS, url, "20"],
                env={**os.environ, "AIRTABLE_API_KEY": TOKEN},
                text=True,
                capture_output=True,
                check=False,
                timeout=110,
            )
            assert (done.stdout, done.stderr) == (f"{[0] * 20}\n", "")
            assert [entry.status for entry in server.log].count(429) >= 20
            rows = server.connection.service.records(BASE, TABLE)
            assert [row["fields"]["Status"] for row in rows] == [RunStatus.COMPLETED.value] * 20


def _unpaced(url: str) -> AirtableRunRepository:
    limit = RateLimit(requests=10**6)
    return AirtableRunRepository(TOKEN, BASE, TABLE, columns=COLUMNS, endpoint=url, limit=limit)


class TestWaits:
    def test_they_end_while_a_test_freezes_the_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("time", "monotonic", "perf_counter"):
            monkeypatch.setattr(time, name, lambda: 1.0)
        limit = RateLimit(seconds=0.01)
        for _ in range(12):
            limit.answered(limit.wait(), is_refused=False)

    def test_they_end_after_a_test_froze_the_time_in_the_future(self) -> None:
        program = """
import time
frozen, real = True, time.monotonic
time.monotonic = lambda: 1e12 if frozen else real()
from runledger.adapters.airtable import RateLimit
limit = RateLimit(seconds=0.01)
for step in range(12):
    limit.answered(limit.wait(), is_refused=False)
    frozen = step < 4
"""
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    def test_they_end_by_their_count_if_the_clock_does_not_move(self) -> None:
        slept: list[float] = []
        limit = RateLimit(clock=lambda: 1.0, sleep=slept.append)
        limit.answered(limit.wait(), is_refused=True)
        for _ in range(12):
            limit.answered(limit.wait(), is_refused=False)
        assert len(slept) < 100

    def test_a_call_within_calls_of_its_thread_waits_for_none_of_them(self) -> None:
        limit = RateLimit(seconds=0.01)
        turns = [limit.wait() for _ in range(5)]
        with pytest.raises(StoreUnavailable, match="set a flag there") as failure:
            limit.wait()
        assert failure.value.outcome is Outcome.NOT_APPLIED
        limit.answered(turns[2], is_refused=False)
        limit.answered(limit.wait(), is_refused=False)

    def test_an_update_within_an_update_of_its_thread_raises_at_once(self) -> None:
        failures: list[StoreUnavailable] = []

        def sleep(seconds: float) -> None:  # as a signal handler does that interrupts a wait
            with pytest.raises(StoreUnavailable, match="of the same thread") as failure:
                ledger.updates.update("r", "acme", add={"n": 1})
            failures.append(failure.value)

        with AirtableServer(Connection(service(Limits()))) as server:
            limit = RateLimit(requests=1, sleep=sleep)
            repository = AirtableRunRepository(TOKEN, BASE, TABLE, columns=COLUMNS, endpoint=server.url, limit=limit)
            ledger = RunLedger(repository)
            RunLedger(_unpaced(server.url)).start("r", "acme")
            ledger.updates.update("r", "acme", note="one")
            assert {failure.outcome for failure in failures} == {Outcome.NOT_APPLIED}
            assert RunLedger(_unpaced(server.url)).reads.get("r", "acme").notes == 1

    def test_a_turn_that_was_lost_counts_for_a_minute(self) -> None:
        time = VirtualTime()
        limit = RateLimit(requests=2, clock=time.monotonic, sleep=time.sleep)

        def send() -> None:
            limit.wait()
            time.sleep(61)
            for _ in range(4):
                limit.answered(limit.wait(), is_refused=False)

        time.run(send)
        assert time.seconds < 64

    def test_requests_that_are_refused_together_slow_down_once(self) -> None:
        time = VirtualTime()
        limit = RateLimit(clock=time.monotonic, sleep=time.sleep, uniform=lambda low, high: high)

        def send() -> None:
            for turn in [limit.wait() for _ in range(5)]:
                limit.answered(turn, is_refused=True)
            limit.wait()

        time.run(send)
        assert time.seconds == pytest.approx(30 + 5 * 1.02)

    def test_a_call_that_was_suspended_for_long_is_counted_again(self) -> None:
        now, within = [0.0], []

        def sleep(seconds: float) -> None:
            now[0] += seconds + 100
            within.append(limit.wait())

        limit = RateLimit(requests=2, clock=lambda: now[0], sleep=sleep)
        for _ in range(2):
            limit.answered(limit.wait(), is_refused=False)
        turn = limit.wait()
        assert list(limit._turns) == [*within, turn]

    def test_an_interrupt_gives_the_place_in_the_queue_back(self) -> None:
        def interrupt(seconds: float) -> None:
            raise KeyboardInterrupt

        limit = RateLimit(seconds=0.01, sleep=interrupt)
        for _ in range(5):
            limit.answered(limit.wait(), is_refused=False)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                limit.wait()
        assert len(limit._turns) == 5
