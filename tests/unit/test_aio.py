"""runledger.aio: the ledger for coroutines does what the ledger does, and no cancellation leaves a run unattended."""

import asyncio
import inspect
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

import runledger
from conftest import FaultyRepository
from runledger import (
    EventKind,
    InvalidValue,
    LedgerReads,
    LedgerUpdates,
    NewRun,
    Outcome,
    Run,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    aio,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.aio.reads import PAGE
from runledger.aio.updates import AsyncRun
from runledger.services.threads import Threads
from runledger.services.tracking.tracking import Tracking

FACES = [
    (RunLedger, aio.AsyncRunLedger),
    (LedgerUpdates, aio.AsyncLedgerUpdates),
    (LedgerReads, aio.AsyncLedgerReads),
    (Run, AsyncRun),
]


class Gated(InMemoryRunRepository):
    """A store whose calls of one kind wait at a gate, and which knows how many are waiting there."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.begun, self.gate = threading.Semaphore(0), threading.Event()
        self.waiting = self.most_waiting = 0
        self.lock = threading.Lock()

    def create(self, new: NewRun) -> RunKey:
        self.pass_gate("create")
        return super().create(new)

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self.pass_gate("create")
        return super().create_many(news)

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self.pass_gate("update")
        return super().update(key, change, at)

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        self.pass_gate("find")
        return super().find(query)

    def without_creation(self) -> "Gated":
        return self

    def pass_gate(self, kind: str) -> None:
        if kind != self.kind:
            return
        with self.lock:
            self.waiting += 1
            self.most_waiting = max(self.waiting, self.most_waiting)
        self.begun.release()
        self.gate.wait(20)  # so that a test that fails ends
        with self.lock:
            self.waiting -= 1


def over(store: InMemoryRunRepository, threads: int = 2) -> aio.AsyncRunLedger:
    return aio.AsyncRunLedger(RunLedger(store, observers=()), threads=threads)


def statuses(store: InMemoryRunRepository) -> dict[str, int]:
    return {status.value: number for status, number in RunLedger(store).summary().statuses.items()}


async def begun(store: Gated) -> None:
    await asyncio.to_thread(store.begun.acquire)


async def cancelled_again(task: asyncio.Task[Any], times: int = 3) -> None:
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)


async def require_cancelled(task: asyncio.Task[Any]) -> asyncio.CancelledError:
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    return raised.value


# The faces


@pytest.mark.parametrize(("sync", "coroutines"), FACES, ids=lambda face: face.__name__)
def test_both_faces_have_the_same_calls(sync: type, coroutines: type) -> None:
    def names(face: type) -> set[str]:
        return {name for name in vars(face) if not name.startswith("_")}

    attributes = {"site", "finished"} if sync is Run else set()  # the async handle has them as properties
    assert names(sync) | attributes == names(coroutines)


@pytest.mark.parametrize(("sync", "coroutines"), FACES, ids=lambda face: face.__name__)
def test_both_faces_have_the_same_parameters_and_results(sync: type, coroutines: type) -> None:
    for name, method in vars(sync).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        call = getattr(coroutines, name)
        one, other = (inspect.signature(each, eval_str=True).parameters for each in (method, call))
        assert list(other.values()) == list(one.values()), name
        result = re.sub(r"\bIterator\b", "AsyncIterator", method.__annotations__["return"])
        result = re.sub(r"(\btracking\.)?\b(Run|Tracking)\b", r"Async\2", result)
        assert call.__annotations__["return"] == result, name
        assert inspect.getdoc(call), name
        hands_out = {"track", "run", "of"} | {
            n for n in ("log", "find", "find_with_logs", "latest", "stale") if n == name
        }
        assert inspect.iscoroutinefunction(call) == (name not in hands_out), name


class Recorder:
    """Stands for a sync object: knows with what it was called, by the names of its parameters."""

    def __init__(self, face: type) -> None:
        self._face = face
        self.called: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.called = dict(inspect.signature(getattr(self._face, name)).bind(self, *args, **kwargs).arguments)
            del self.called["self"]
            return (item for item in tuple[Any]())

        return call


@pytest.mark.parametrize(("sync", "coroutines"), FACES[2:], ids=lambda face: face.__name__)
def test_every_argument_is_passed_on_under_its_name(sync: type, coroutines: type) -> None:
    async def main() -> None:
        recorder, threads = Recorder(sync), Threads("test")
        thing = coroutines(recorder, threads)
        for name in (
            each for each in vars(sync) if not each.startswith("_") and inspect.isfunction(getattr(sync, each))
        ):
            given = {each: f"<{each}>" for each in list(inspect.signature(getattr(sync, name)).parameters)[1:]}
            done = getattr(thing, name)(**given)
            if inspect.isawaitable(done):
                await done
            else:
                assert [each async for each in done] == []
            assert recorder.called == given, name
        threads.close()

    asyncio.run(main())


def test_every_read_of_the_ledger_is_that_of_its_reads() -> None:
    async def main() -> None:
        ledger = aio.connect("memory://", observers=())
        recorder = Recorder(aio.AsyncLedgerReads)
        ledger.reads = recorder  # type: ignore[assignment]
        for name in ("log", "find", "latest", "stale"):
            given = {each: f"<{each}>" for each in list(inspect.signature(getattr(ledger, name)).parameters)}
            getattr(ledger, name)(**given)
            assert recorder.called == given, name

        async def answered(*args: Any, **kwargs: Any) -> Any:
            called.update(kwargs, args=args)

        called: dict[str, Any] = {}
        recorder.get, recorder.summary = answered, answered  # type: ignore[attr-defined]
        await ledger.get("r", "acme")
        assert called == {"args": ("r", "acme")}
        given = {each: f"<{each}>" for each in inspect.signature(ledger.summary).parameters}
        await ledger.summary(**given)  # type: ignore[arg-type]
        assert called == {"args": (), **given}

    asyncio.run(main())


def test_both_connect_alike_but_for_the_number_of_threads() -> None:
    one, other = inspect.signature(runledger.connect).parameters, dict(inspect.signature(aio.connect).parameters)
    threads = other.pop("threads")
    assert list(other.values()) == list(one.values())
    assert (threads.kind, threads.default) == (inspect.Parameter.KEYWORD_ONLY, 8)


def test_a_tracked_block_is_entered_and_left_as_the_other_one() -> None:
    assert inspect.signature(aio.AsyncTracking.__call__) != inspect.signature(Tracking.__enter__)
    assert {name for name in vars(aio.AsyncTracking) if name.startswith("__a")} == {"__aenter__", "__aexit__"}


# What the calls do


def test_every_call_does_what_its_counterpart_does(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.connect(tmp_path / "runs.db", observers=()) as ledger:
            run = await ledger.start("r", "acme", client_name="Acme Ltd", metrics={"n": 1}, note="begun")
            assert (run.key, run.finished) == (RunKey("r", "acme"), False)
            assert repr(run) == "AsyncRun(RunKey(run_id='r', client_id='acme'))"
            record = await run.update(metrics={"m": 2}, add={"n": 1}, note="half way")
            assert record == await ledger.get("r", "acme")
            assert dict(record.metrics) == {"n": 2, "m": 2}
            assert await run.heartbeat() is not None
            done = await run.complete(with_errors="one", metrics={"m": 3}, add={"n": 1}, note="late")
            assert done is not None
            assert (done.status, done.error, dict(done.metrics)) == (
                RunStatus.COMPLETED_WITH_ERRORS,
                "one",
                {"n": 3, "m": 3},
            )
            assert run.finished
            assert [line.text async for line in ledger.log("r", "acme")] == ["begun", "half way", "late"]
            assert [line.text async for line in ledger.log("r", "acme", 1)] == ["late"]
            runs = await ledger.start_many("s", {"acme": "Acme Ltd", "bolt": "Bolt Inc", "cube": "Cube"})
            assert list(runs) == ["acme", "bolt", "cube"]
            assert {type(each) for each in runs.values()} == {AsyncRun}
            await runs["acme"].fail(ValueError("boom"), metrics={"m": 1}, add={"n": 1}, note="n")
            await runs["bolt"].skip("nothing new")
            await runs["cube"].cancel("by hand")
            assert [(r.key.client_id, r.status.value, r.error) async for r in ledger.find(run_id="s")] == [
                ("cube", "Cancelled", None),
                ("bolt", "Skipped", None),
                ("acme", "Failed", "ValueError: boom"),
            ]
            assert [r.key.run_id async for r in ledger.latest(clients=["acme"])] == ["s"]
            assert (await ledger.summary("s")).runs == 3
            assert [r async for r in ledger.stale(timedelta(0))] == []
            elsewhere = RunRecord.start(RunKey("t", "acme"), datetime(2025, 11, 24, tzinfo=UTC))
            assert await ledger.import_records([elsewhere]) == ()
            assert await ledger.import_records([elsewhere]) == (elsewhere,)

    asyncio.run(main())


def test_every_call_by_key_does_what_its_counterpart_does() -> None:
    async def main() -> None:
        ledger = aio.connect("memory://", observers=())
        updates, reads = ledger.updates, ledger.reads
        clients = ("update", "complete", "fail", "skip", "cancel")
        await ledger.start_many("u", clients, note="started")
        at = (await ledger.get("u", "complete")).started_at
        await updates.update("u", "update", metrics={"m": 1}, add={"n": 1}, note="n")
        await updates.heartbeat("u", "update")
        await updates.complete("u", "complete", with_errors="e", metrics={"m": 1}, add={"n": 1}, note="n", at=at)
        await updates.fail("u", "fail", "e", metrics={"m": 1}, add={"n": 1}, note="n", at=at)
        await updates.skip("u", "skip", "n", at=at)
        await updates.cancel("u", "cancel", "n", at=at)
        await updates.run("u", "update").update(add={"n": 1})
        await updates.of(RunKey("u", "update")).update(add={"n": 1})
        assert await updates.update_many([(RunKey("u", "update"), RunChange(add={"n": 1}))])
        found = {run.record.key.client_id: run async for run in reads.find_with_logs(run_id="u")}
        assert {client: run.record.status.value for client, run in found.items()} == dict(
            zip(clients, ("Running", "Completed with Errors", "Failed", "Skipped", "Cancelled"), strict=True)
        )
        assert {client: (dict(run.record.metrics), run.record.error) for client, run in found.items()} == {
            "update": ({"m": 1, "n": 4}, None),
            "complete": ({"m": 1, "n": 1}, "e"),
            "fail": ({"m": 1, "n": 1}, "e"),
            "skip": ({}, None),
            "cancel": ({}, None),
        }
        assert [[line.text for line in run.log] for run in found.values()] == [["started", "n"]] * 5
        assert [found[client].record.ended_at for client in clients] == [None, at, at, at, at]
        assert (await reads.get_with_log("u", "update")).log == found["update"].log

    asyncio.run(main())


def test_errors_and_events_are_those_of_the_ledger_with_the_place_that_awaits(
    ledger: RunLedger, events: list[RunEvent], repository: FaultyRepository
) -> None:
    both = aio.AsyncRunLedger(ledger)

    async def main() -> None:
        run = await both.start("r", "acme")
        assert run.site is not None
        assert re.fullmatch(rf"{re.escape(__file__)}:\d+ in .*\.main", run.site)
        with pytest.raises(RunAlreadyExists):
            await both.start("r", "acme")
        with pytest.raises(RunNotFound):
            await both.updates.update("gone", "acme", note="n")
        with pytest.raises(RunNotFound):
            await both.get("gone", "acme")
        with pytest.raises(InvalidValue, match="run id is empty"):
            await both.updates.heartbeat("", "acme")
        with pytest.raises(InvalidValue, match="limit is -1"):
            both.find(limit=-1)  # as the ledger does: before anything is read
        await run.complete()
        with pytest.raises(RunAlreadyFinished):
            await run.skip("again")
        repository.faults = [(False, Outcome.NOT_APPLIED)]
        await both.start("s", "acme")

    asyncio.run(main())
    failed = [event for event in events if isinstance(event.error, Exception)]
    assert [event.kind for event in failed] == [
        EventKind.REFUSED,
        EventKind.MISSING,
        EventKind.MISSING,
        EventKind.REFUSED,
        EventKind.REFUSED,
        EventKind.REFUSED,
        EventKind.START_RETRIED,
    ]
    for event in failed:
        assert event.call_site is not None
        assert re.fullmatch(rf"{re.escape(__file__)}:\d+ in .*\.main", event.call_site)


def test_observers_of_an_awaited_call_are_called_in_a_thread_even_if_an_argument_is_invalid() -> None:
    threads: list[str] = []
    ledger = RunLedger(InMemoryRunRepository(), observers=[lambda _: threads.append(threading.current_thread().name)])
    both = aio.AsyncRunLedger(ledger)
    updates = both.updates
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: both.start("", "acme"),
        lambda: both.start_many("r", ["", "acme"]),
        lambda: both.get("", "acme"),
        lambda: both.summary(limit=-1),
        lambda: both.reads.get_with_log("", "acme"),
        lambda: updates.update("", "acme"),
        lambda: updates.heartbeat("", "acme"),
        lambda: updates.complete("", "acme"),
        lambda: updates.fail("", "acme", "boom"),
        lambda: updates.skip("", "acme", "nothing new"),
        lambda: updates.cancel("", "acme", "by hand"),
        lambda: updates.update_many([(RunKey("r", "acme"), None)]),  # type: ignore[list-item]
    ]

    async def main() -> None:
        for call in calls:
            with pytest.raises(InvalidValue):
                await call()

    asyncio.run(main())
    assert len(threads) == len(calls)
    assert all(name.startswith("runledger-aio") for name in threads)


def test_observers_see_the_context_variables_of_the_caller() -> None:
    request: ContextVar[str] = ContextVar("request", default="none")
    seen: list[str] = []

    async def handle(name: str) -> None:
        request.set(name)
        await ledger.start("r", name)

    async def main() -> None:
        await asyncio.gather(handle("a"), handle("b"))

    ledger = aio.connect("memory://", observers=[lambda _: seen.append(request.get())])
    asyncio.run(main())
    assert sorted(seen) == ["a", "b"]


def test_a_sync_call_on_a_running_loop_works_beside_the_awaited_ones() -> None:
    async def main() -> None:
        ledger = runledger.connect("memory://", observers=())
        both = aio.AsyncRunLedger(ledger)
        run = await both.start("r", "acme")
        ledger.updates.update("r", "acme", add={"n": 1})
        await run.update(add={"n": 1})
        assert ledger.get("r", "acme").metrics == {"n": 2}

    asyncio.run(main())


def test_calls_of_no_more_than_the_threads_are_at_the_store_at_once() -> None:
    store = Gated("create")

    async def main() -> None:
        ledger = over(store, threads=3)
        tasks = [asyncio.create_task(ledger.start("r", f"c{i}")) for i in range(20)]
        for _ in range(3):
            await begun(store)
        await asyncio.sleep(0)
        assert store.waiting == 3
        store.gate.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert (store.most_waiting, statuses(store)) == (3, {"Running": 20})


@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "8", None])
def test_the_number_of_threads_is_checked_before_anything_is_opened(threads: Any, tmp_path: Path) -> None:
    message = f"threads is {threads!r}: give the number of calls that may run at the same time, from 1."
    with pytest.raises(InvalidValue, match=f"^{re.escape(message)}$"):
        aio.connect(tmp_path / "runs.db", threads=threads)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidValue, match=f"^{re.escape(message)}$"):
        aio.AsyncRunLedger(runledger.connect("memory://"), threads=threads)


def test_one_ledger_serves_several_loops_and_threads() -> None:
    ledger = aio.connect("memory://", observers=())

    async def job(run_id: str) -> None:
        async with ledger.track(run_id, "acme") as run:
            await run.update(add={"n": 1})

    threads = [threading.Thread(target=asyncio.run, args=[job(f"r{i}")]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(job("s"))
    summary = asyncio.run(ledger.summary())
    assert (summary.statuses, summary.metrics) == ({RunStatus.COMPLETED: 5}, {"n": 5})


def test_without_a_loop_of_asyncio_nothing_is_sent() -> None:
    store = InMemoryRunRepository()
    ledger = over(store)
    acts: list[Coroutine[Any, Any, Any]] = [ledger.start("r", "acme"), ledger.start_many("r", ["a"]), ledger.summary()]
    for act in acts:
        with pytest.raises(RuntimeError) as raised:
            act.send(None)  # as the loop of another library does
        assert str(raised.value) == (
            "no event loop of asyncio is running: under another one, such as trio's, call the ledger of "
            "runledger.connect in a thread."
        )
    assert statuses(store) == {}


FORKED = """
import asyncio, os
from runledger import aio
ledger = aio.connect("memory://", observers=())
async def job(client):
    async with ledger.track("r", client) as run:
        await run.update(note="n")
asyncio.run(job("parent"))
if (pid := os.fork()) == 0:
    asyncio.run(job("child"))
    os._exit(0)
print(os.waitpid(pid, 0)[1])
"""


def test_the_child_of_a_fork_has_threads_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


# Lists


@pytest.mark.parametrize("number", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 3])
def test_a_list_gives_every_item_in_order(number: int) -> None:
    async def main() -> None:
        ledger = aio.connect("memory://", observers=())
        ids = [f"{i:03}" for i in range(number)]
        if ids:
            await ledger.start_many("r", ids)
        assert [record.key.client_id async for record in ledger.find()] == ids[::-1]

    asyncio.run(main())


def test_a_list_is_read_as_it_is_asked_for_and_closed_when_it_is_left() -> None:
    read: list[int] = []
    closed: list[str] = []

    class Endless(InMemoryRunRepository):
        def find(self, query: RunQuery) -> Iterator[RunRecord]:
            try:
                for i in range(10**9):
                    read.append(i)
                    yield RunRecord.start(RunKey(str(i), "acme"), datetime(2025, 11, 24, tzinfo=UTC))
            finally:
                closed.append(threading.current_thread().name)

        def without_creation(self) -> "Endless":
            return self

    async def main() -> None:
        records = over(Endless()).find()
        assert read == []
        async for record in records:
            if record.key.run_id == str(PAGE):
                break
        assert len(read) == 2 * PAGE
        await records.aclose()  # type: ignore[attr-defined]
        assert len(closed) == 1

    asyncio.run(main())


def test_what_comes_before_an_error_is_given_before_it() -> None:
    broken = StoreUnusable("row 7 is not a run record")

    class Broken(InMemoryRunRepository):
        def find(self, query: RunQuery) -> Iterator[RunRecord]:
            for i in range(7):
                yield RunRecord.start(RunKey(str(i), "acme"), datetime(2025, 11, 24, tzinfo=UTC))
            raise broken

        def without_creation(self) -> "Broken":
            return self

    async def main() -> None:
        seen = []
        with pytest.raises(StoreUnusable) as raised:
            async for record in over(Broken()).find():
                seen.append(record.key.run_id)
        assert raised.value is broken
        assert seen == list("0123456")

    asyncio.run(main())


# Tracking


def test_a_block_and_a_function_are_tracked_with_the_async_handle() -> None:
    async def main() -> None:
        ledger = aio.connect("memory://", observers=())
        async with ledger.track("r", "acme", client_name="Acme Ltd", metrics={"n": 1}, note="n") as run:
            assert isinstance(run, AsyncRun)
            assert [line.text async for line in ledger.log("r", "acme")] == ["n"]
            assert (type(runledger.current_run()), runledger.current_run().key) == (Run, run.key)
            await run.update(add={"n": 1})
        record = await ledger.get("r", "acme")
        assert (record.status.value, record.client_name, dict(record.metrics)) == ("Completed", "Acme Ltd", {"n": 2})

        @ledger.track(lambda batch: batch, "acme")
        async def score(batch: str) -> str:
            """Score posts."""
            if batch == "bad":
                raise ValueError("boom")
            return batch

        assert await score("b") == "b"
        assert score.__doc__ == "Score posts."
        with pytest.raises(ValueError, match="boom"):
            await score("bad")
        with pytest.raises(ValueError, match="late"):
            async with ledger.track("s", "acme") as run:
                await run.skip("nothing new")
                raise ValueError("late")
        found = {record.key.run_id: (record.status.value, record.error) async for record in ledger.find()}
        assert found == {
            "r": ("Completed", None),
            "b": ("Completed", None),
            "bad": ("Failed", "ValueError: boom"),
            "s": ("Skipped", None),
        }

    asyncio.run(main())


def test_a_tracked_block_calls_the_store_in_the_threads_of_its_ledger() -> None:
    store = Gated("update")
    names: list[str] = []
    store.pass_gate = lambda kind: names.append(threading.current_thread().name)  # type: ignore[method-assign]

    async def main() -> None:
        ledger = over(store)
        async with ledger.track("r", "acme"):
            pass
        await ledger.track("s", "acme")(asyncio.sleep)(0)

    asyncio.run(main())
    assert len(names) == 4
    assert all(name.startswith("runledger-aio_") for name in names)


def test_only_coroutine_functions_are_decorated(ledger: RunLedger) -> None:
    track: Callable[..., Any] = aio.AsyncRunLedger(ledger).track("r", "acme")
    for wrong in (lambda: None, print, Tracking):
        with pytest.raises(TypeError) as raised:
            track(wrong)
        assert str(raised.value) == (
            "track of an async ledger decorates an `async def`: use `async with` inside anything else."
        )


def test_a_tracked_block_may_have_a_heartbeat(ledger: RunLedger, events: list[RunEvent]) -> None:
    beats = threading.Semaphore(0)

    async def main() -> None:
        both = aio.connect("memory://", observers=[lambda e: beats.release() if e.kind is EventKind.UPDATED else None])
        async with both.track("r", "acme", heartbeat=0.001):
            await asyncio.to_thread(lambda: [beats.acquire() for _ in range(3)])
        with pytest.raises(InvalidValue, match="heartbeat is 0"):
            both.track("s", "acme", heartbeat=0)

    asyncio.run(main())


def test_a_start_begins_no_block(ledger: RunLedger) -> None:
    async def main() -> None:
        await aio.AsyncRunLedger(ledger).start("r", "acme")
        with pytest.raises(runledger.NoCurrentRun):
            runledger.current_run()

    asyncio.run(main())


# Cancellation


def test_a_run_whose_start_was_cancelled_is_cancelled() -> None:
    store = Gated("create")

    async def main() -> None:
        ledger = over(store)
        task = asyncio.create_task(ledger.start("r", "acme"))
        await begun(store)
        await cancelled_again(task)
        assert not task.done()
        store.gate.set()
        await require_cancelled(task)
        assert [line.text async for line in ledger.log("r", "acme")] == ["CancelledError"]

    asyncio.run(main())
    assert statuses(store) == {"Cancelled": 1}


def test_all_runs_of_a_bulk_start_that_was_cancelled_are_cancelled() -> None:
    store = Gated("create")

    async def main() -> None:
        ledger = over(store)
        task = asyncio.create_task(ledger.start_many("r", ["a", "b", "c"]))
        await begun(store)
        await cancelled_again(task)
        store.gate.set()
        await require_cancelled(task)
        assert {line.text async for line in ledger.log("r", "c")} == {"CancelledError"}

    asyncio.run(main())
    assert statuses(store) == {"Cancelled": 3}


@pytest.mark.parametrize("many", [False, True])
def test_a_start_that_cannot_be_undone_says_so_on_the_cancellation(many: bool) -> None:
    class Down(Gated):
        def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
            raise StoreUnavailable("down", Outcome.NOT_APPLIED, key)

        def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
            raise StoreUnavailable("down", Outcome.NOT_APPLIED, changes[0][0])

        def without_creation(self) -> "Down":
            return self

    store = Down("create")

    async def main() -> asyncio.CancelledError:
        ledger = over(store)
        start: Coroutine[Any, Any, Any] = ledger.start_many("r", ["a"]) if many else ledger.start("r", "a")
        task = asyncio.create_task(start)
        await begun(store)
        task.cancel()
        await asyncio.sleep(0)
        store.gate.set()
        return await require_cancelled(task)

    [note] = asyncio.run(main()).__notes__
    assert note.startswith(f"The run{'s' if many else ''} could not be finished: the store is unavailable (run 'r' of")


def test_a_start_that_fails_while_it_is_cancelled_raises_the_cancellation() -> None:
    store = Gated("create")

    async def main() -> None:
        ledger = over(store)
        for act in (lambda: ledger.start("r", "acme"), lambda: ledger.start_many("r", ["acme"])):
            tasks: list[asyncio.Task[Any]] = [asyncio.create_task(act()) for _ in range(2)]
            await begun(store)
            await begun(store)
            for task in tasks:
                await cancelled_again(task)
            store.gate.set()
            for task in tasks:
                await require_cancelled(task)
            store.gate.clear()

    asyncio.run(main())
    assert statuses(store) == {"Cancelled": 1}


def test_an_update_that_has_begun_is_carried_out_and_one_that_has_not_is_not_sent() -> None:
    store = Gated("update")

    async def main() -> None:
        ledger = over(store, threads=1)
        run = await ledger.start("r", "acme")
        first = asyncio.create_task(run.update(add={"first": 1}))
        await begun(store)
        second = asyncio.create_task(run.update(add={"second": 1}))
        await asyncio.sleep(0)
        await cancelled_again(second)
        await require_cancelled(second)
        await cancelled_again(first)
        assert not first.done()
        store.gate.set()
        await require_cancelled(first)
        assert (await ledger.get("r", "acme")).metrics == {"first": 1}

    asyncio.run(main())


@pytest.mark.parametrize("how", ["complete", "fail", "skip", "cancel", "update_many", "import_records"])
def test_what_finishes_a_run_is_sent_although_its_task_was_cancelled_before(how: str) -> None:
    store = Gated("update")
    finishes: dict[str, Callable[[Any, Any], Coroutine[Any, Any, Any]]] = {
        "complete": lambda run, _: run.complete(),
        "fail": lambda run, _: run.fail("why"),
        "skip": lambda run, _: run.skip("why"),
        "cancel": lambda run, _: run.cancel("why"),
        "update_many": lambda run, ledger: ledger.updates.update_many([(run.key, RunChange(status="Skipped"))]),
        "import_records": lambda run, ledger: ledger.import_records([ended()]),
    }

    async def main() -> None:
        ledger = over(store, threads=1)
        run = await ledger.start("r", "acme")
        busy = asyncio.create_task(run.heartbeat())
        await begun(store)
        task = asyncio.create_task(finishes[how](run, ledger))
        await asyncio.sleep(0)
        await cancelled_again(task)
        assert not task.done()
        store.gate.set()
        await busy
        await require_cancelled(task)

    asyncio.run(main())
    assert [each for each in statuses(store) if each != "Running"] != []


def ended() -> RunRecord:
    at = datetime(2025, 11, 24, tzinfo=UTC)
    return RunRecord.start(RunKey("elsewhere", "acme"), at).apply(RunChange(status=RunStatus.COMPLETED), at)


def test_a_list_that_is_cancelled_is_closed_and_leaves_its_thread() -> None:
    store = Gated("find")

    async def main() -> None:
        ledger = over(store, threads=1)
        await ledger.start("r", "acme")

        async def look() -> None:
            async for _ in ledger.find():
                pytest.fail("a record came")

        task = asyncio.create_task(look())
        await begun(store)
        await cancelled_again(task)
        assert not task.done()
        store.gate.set()
        await require_cancelled(task)
        assert [record.key.run_id async for record in ledger.find()] == ["r"]

    asyncio.run(main())


def test_a_task_group_of_anyio_whose_scope_is_cancelled_leaves_no_run_running() -> None:
    store = Gated("create")
    clients = [f"c{i}" for i in range(10)]

    async def job(ledger: aio.AsyncRunLedger, client: str) -> None:
        async with ledger.track("tracked", client) as run:
            await run.update(note="inside")
            await anyio.sleep_forever()

    async def start(ledger: aio.AsyncRunLedger, client: str) -> None:
        run = await ledger.start("started", client)
        await run.complete()

    async def release() -> None:
        await begun(store)
        store.gate.set()

    async def main() -> None:
        ledger = over(store, threads=4)
        releasing = asyncio.create_task(release())
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                for client in clients:
                    group.start_soon(job, ledger, client)
                    group.start_soon(start, ledger, client)
                await anyio.sleep(0)
                scope.cancel()
        assert scope.cancelled_caught
        await releasing
        assert [record async for record in ledger.find(status="Running")] == []

    anyio.run(main)
    assert statuses(store) == {"Cancelled": 20}


def test_a_cancelled_scope_of_anyio_does_not_keep_the_loop_busy() -> None:
    store = Gated("create")
    cancellations = 0

    async def start(ledger: aio.AsyncRunLedger) -> None:
        nonlocal cancellations
        task = asyncio.current_task()
        assert task is not None
        try:
            await ledger.start("r", "acme")
        finally:
            cancellations = task.cancelling()

    async def release_later() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        store.gate.set()

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(start, over(store))
                await begun(store)
                releasing = asyncio.create_task(release_later())
                scope.cancel()
        await releasing

    anyio.run(main)
    assert 0 < cancellations < 10
    assert statuses(store) == {"Cancelled": 1}


def test_a_time_limit_of_anyio_is_raised_as_one_and_the_run_is_cancelled() -> None:
    store = Gated("create")

    async def expire(limit: anyio.CancelScope) -> None:
        await begun(store)
        limit.deadline = anyio.current_time()
        await asyncio.sleep(0)
        store.gate.set()

    async def main() -> None:
        ledger = over(store)
        with pytest.raises(TimeoutError), anyio.fail_after(None) as limit:
            expiring = asyncio.create_task(expire(limit))
            await ledger.start("r", "acme")
        await expiring

    anyio.run(main)
    assert statuses(store) == {"Cancelled": 1}


# Closing


def test_closing_waits_for_the_calls_that_are_under_way() -> None:
    store = Gated("update")

    async def main() -> None:
        ledger = over(store)
        run = await ledger.start("r", "acme")
        updating = asyncio.create_task(run.update(add={"n": 1}))
        await begun(store)
        closing = asyncio.create_task(ledger.close())
        await asyncio.sleep(0)
        await cancelled_again(closing)
        assert not closing.done()
        store.gate.set()
        assert await updating is not None
        await require_cancelled(closing)
        await ledger.close()
        await ledger.close()

    asyncio.run(main())


def test_what_connect_opened_is_closed_and_what_was_passed_in_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.connect(tmp_path / "runs.db", observers=()) as ledger:
            await ledger.start("r", "acme")
        with pytest.raises(StoreUnusable, match="this repository was closed"):
            await ledger.get("r", "acme")
        with runledger.connect(tmp_path / "runs.db", observers=()) as own:
            async with aio.AsyncRunLedger(own) as ledger:
                await ledger.get("r", "acme")
            assert own.get("r", "acme").status is RunStatus.RUNNING
            async with aio.AsyncRunLedger(own, owns_ledger=True):
                pass
            with pytest.raises(StoreUnusable, match="this repository was closed"):
                own.get("r", "acme")

    asyncio.run(main())


def test_closing_ends_the_threads() -> None:
    async def main() -> None:
        async with aio.connect("memory://", observers=()) as ledger:
            await ledger.start("r", "acme")
            assert running()

    def running() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("runledger-aio_")} - before

    before: set[threading.Thread] = set()
    before = running()  # of ledgers that other tests left open
    asyncio.run(main())
    assert running() == set()
