import asyncio
import copy
import inspect
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from conftest import FaultyRepository
from runledger import (
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    aio,
)
from runledger.adapters.memory import InMemoryRunRepository


def outcome(ledger: RunLedger, run_id: str = "r", client_id: str = "acme") -> tuple[str, str | None]:
    record = ledger.get(run_id, client_id)
    return record.status.value, record.error


def test_a_block_completes_its_run(ledger: RunLedger) -> None:
    with ledger.track("r", "acme", client_name="Acme Ltd", metrics={"n": 1}) as run:
        run.update(add={"n": 2})
        assert outcome(ledger) == ("Running", None)
    assert outcome(ledger) == ("Completed", None)
    assert (ledger.get("r", "acme").client_name, ledger.get("r", "acme").metrics) == ("Acme Ltd", {"n": 3})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no posts"), ("Failed", "ValueError: no posts")),
        (ValueError("bad \0 byte"), ("Failed", "ValueError: bad \ufffd byte")),
        (KeyboardInterrupt(), ("Cancelled", None)),
        (asyncio.CancelledError(), ("Cancelled", None)),
        (SystemExit(3), ("Failed", "SystemExit: 3")),
        (SystemExit(0), ("Completed", None)),
    ],
)
def test_a_block_that_raises_ends_its_run_accordingly_and_raises_on(
    ledger: RunLedger, error: BaseException, expected: tuple[str, str | None]
) -> None:
    with pytest.raises(type(error)) as raised, ledger.track("r", "acme"):
        raise error
    assert raised.value is error
    assert outcome(ledger) == expected


def test_a_block_that_finished_its_run_itself_is_left_at_that(ledger: RunLedger, events: list[RunEvent]) -> None:
    with ledger.track("r", "acme") as run:
        run.skip("nothing new")
    with pytest.raises(ValueError, match="after"), ledger.track("s", "acme") as run:
        run.complete(with_errors="one")
        raise ValueError("after the end")
    assert outcome(ledger)[0] == "Skipped"
    assert outcome(ledger, "s") == ("Completed with Errors", "one")
    assert not [event for event in events if isinstance(event.error, Exception)]


def test_the_errors_of_the_block_come_before_those_of_the_store(ledger: RunLedger) -> None:
    class Down(InMemoryRunRepository):
        def without_creation(self) -> "Down":
            return self

        def update(self, *_: object) -> RunRecord:
            raise StoreUnavailable("down", Outcome.NOT_APPLIED)

    broken = RunLedger(Down(), observers=())
    with pytest.raises(StoreUnavailable), broken.track("r", "acme"):
        pass
    with pytest.raises(ValueError, match="job") as raised, broken.track("s", "acme"):
        raise ValueError("the job's own")
    assert "could not be finished: the store is unavailable" in raised.value.__notes__[0]


def test_a_run_that_cannot_be_started_does_not_run(ledger: RunLedger) -> None:
    ledger.start("r", "acme")
    with pytest.raises(RunAlreadyExists), ledger.track("r", "acme"):
        pytest.fail("the block ran")
    assert outcome(ledger)[0] == "Running"


def test_a_decorated_function_is_one_run_per_call(ledger: RunLedger) -> None:
    @ledger.track(lambda batch, client: batch, lambda batch, client: client)
    def score(batch: str, client: str) -> str:
        """Score posts."""
        if client == "bad":
            raise ValueError("boom")
        return f"{batch}/{client}"

    assert score("b1", "acme") == "b1/acme"
    assert score("b1", client="bolt") == "b1/bolt"
    with pytest.raises(ValueError, match="boom"):
        score("b1", "bad")
    assert score.__doc__ == "Score posts."
    assert {r.key.client_id: r.status for r in ledger.find(run_id="b1")} == {
        "acme": RunStatus.COMPLETED,
        "bolt": RunStatus.COMPLETED,
        "bad": RunStatus.FAILED,
    }


def test_async_forms_call_the_store_in_a_thread(events: list[RunEvent]) -> None:
    threads: list[str] = []

    class Watched(InMemoryRunRepository):
        def create(self, new: NewRun) -> RunKey:
            threads.append(threading.current_thread().name)
            return super().create(new)

        def without_creation(self) -> "Watched":
            return self

        def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
            threads.append(threading.current_thread().name)
            return super().update(key, change, at)

    ledger = RunLedger(Watched(), observers=[events.append])

    @ledger.track("r", "acme")
    async def job(answer: int) -> int:
        await asyncio.sleep(0)
        return answer

    async def main() -> None:
        assert await job(42) == 42
        async with ledger.track("s", "acme"):
            pass
        with pytest.raises(RunAlreadyExists):
            await job(1)
        task = asyncio.create_task(hang())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    @ledger.track("t", "acme")
    async def hang() -> None:
        inside.set()
        await asyncio.Event().wait()

    inside = asyncio.Event()
    asyncio.run(main())
    assert threading.main_thread().name not in threads
    assert [r.status.value for r in ledger.find()] == ["Cancelled", "Completed", "Completed"]
    (refused,) = [event for event in events if isinstance(event.error, Exception)]
    assert refused.call_site is not None
    assert __file__ in refused.call_site


def test_a_run_whose_start_was_cancelled_meanwhile_is_cancelled() -> None:
    begun, goes_on = threading.Event(), threading.Event()

    class Slow(InMemoryRunRepository):
        def create(self, new: NewRun) -> RunKey:
            begun.set()
            goes_on.wait()
            return super().create(new)

    ledger = RunLedger(Slow(), observers=())

    @ledger.track("r", "acme")
    async def never() -> None:
        pytest.fail("the function ran")

    async def main() -> None:
        task = asyncio.create_task(never())
        await asyncio.to_thread(begun.wait)
        task.cancel()
        await asyncio.sleep(0)
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    [run] = ledger.reads.find_with_logs()
    assert (run.record.status.value, [line.text for line in run.log]) == ("Cancelled", ["CancelledError"])


def test_generators_cannot_be_tracked_as_a_call(ledger: RunLedger) -> None:
    def rows() -> Iterator[int]:
        yield 1

    async def rows_later() -> AsyncIterator[int]:
        yield 1

    refusal = "track cannot decorate a generator, whose work happens after the call: use `with` inside it."
    for generator in (rows, rows_later):
        with pytest.raises(TypeError, match=f"^{refusal}$"):
            ledger.track("r", "acme")(generator)


def test_classes_cannot_be_tracked(ledger: RunLedger) -> None:
    refusal = "track cannot decorate a class: decorate the method that does the work."
    with pytest.raises(TypeError, match=f"^{refusal}$"):
        ledger.track("r", "acme")(int)


def test_a_cancelled_run_notes_what_cancelled_it(ledger: RunLedger) -> None:
    with pytest.raises(KeyboardInterrupt), ledger.track("r", "acme"):
        raise KeyboardInterrupt
    assert [line.text for line in ledger.log("r", "acme")] == ["KeyboardInterrupt"]


def test_an_exception_without_words_fails_its_run_and_is_raised_on(ledger: RunLedger) -> None:
    class Wordless(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    error = Wordless()
    with pytest.raises(Wordless) as raised, ledger.track("r", "acme"):
        raise error
    assert raised.value is error
    assert outcome(ledger) == ("Failed", "Wordless")


def test_work_that_goes_on_after_the_call_cannot_be_tracked_as_a_call(ledger: RunLedger) -> None:
    done = []

    async def work() -> None:
        done.append("work")

    class Job:
        async def __call__(self) -> None:
            await work()

    async def main() -> None:
        ledger.track("future", "acme")(asyncio.get_running_loop().create_future)()

    refusal = "track cannot decorate what only returns an awaitable: decorate an `async def`."
    for run_id, act in (
        ("lambda", ledger.track("lambda", "acme")(lambda done=work: done())),
        ("object", ledger.track("object", "acme")(Job())),
        ("future", lambda: asyncio.run(main())),
    ):
        with pytest.raises(TypeError) as raised:
            act()
        assert str(raised.value) == refusal
        assert outcome(ledger, run_id) == ("Failed", f"TypeError: {refusal}")
    assert done == []


def test_a_run_that_is_missing_at_its_end_names_where_it_began(events: list[RunEvent]) -> None:
    class Forgetful(InMemoryRunRepository):
        def create(self, new: NewRun) -> RunKey:
            return new.key

        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            return [new.key for new in news]

    ledger = RunLedger(Forgetful(), observers=[events.append])

    async def block() -> None:
        async with ledger.track("r", "acme"):
            pass

    @ledger.track("r", "acme")
    async def function() -> None:
        pass

    async def by_hand() -> None:
        await asyncio.to_thread(ledger.start("r", "acme").update)

    async def of_many() -> None:
        await asyncio.to_thread(ledger.start_many("r", ["acme"])["acme"].heartbeat)

    for act, name in ((block, "block"), (function, "began"), (by_hand, "by_hand"), (of_many, "of_many")):
        events.clear()
        with pytest.raises(RunNotFound):
            asyncio.run(act())
        (site,) = [event.call_site for event in events if isinstance(event.error, Exception)]
        assert site is not None
        assert site.startswith(f"{__file__}:")
        assert site.endswith(name)

    with pytest.raises(RunNotFound), ledger.track("r", "acme"):
        pass
    assert (site := events[-1].call_site) is not None
    assert site.endswith("names_where_it_began")


def test_only_what_track_runs_in_a_thread_inherits_its_call_site(ledger: RunLedger, events: list[RunEvent]) -> None:
    async def main() -> None:
        async with ledger.track("r", "acme"):
            with pytest.raises(RunNotFound):
                await asyncio.to_thread(ledger.updates.heartbeat, "gone", "acme")
        with pytest.raises(RunNotFound):
            await asyncio.to_thread(ledger.updates.heartbeat, "gone", "acme")

    asyncio.run(main())
    assert [event.call_site for event in events if isinstance(event.error, Exception)] == [None, None]


def test_an_attempt_in_a_thread_names_the_place_that_tracks(
    ledger: RunLedger, repository: FaultyRepository, events: list[RunEvent]
) -> None:
    async def main() -> None:
        repository.faults = [(False, Outcome.NOT_APPLIED)]
        async with ledger.track("r", "acme") as run:
            sites.append(run.site)

    sites: list[str | None] = []
    asyncio.run(main())
    sites += [event.call_site for event in events if isinstance(event.error, Exception)]
    assert len(sites) == 2
    assert all(site and site.startswith(f"{__file__}:") and site.endswith("main") for site in sites)


class Interrupt(BaseException):
    """What a handler of a signal raises."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    def handle(number: int, _frame: object) -> None:
        raise Interrupt(number)

    before = signal.signal(signal.SIGUSR1, handle)
    yield lambda: signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def lines(ledger: RunLedger) -> list[str]:
    return [line.text for line in ledger.reads.log("r", "acme")]


def test_an_interrupt_during_the_start_cancels_the_run_and_does_not_enter_the_block(
    interrupt: Callable[[], None],
) -> None:
    waiting = [interrupt]
    ledger = RunLedger(InMemoryRunRepository(), observers=[lambda _event: waiting.pop()() if waiting else None])
    with pytest.raises(Interrupt), ledger.track("r", "acme"):
        pytest.fail("the block ran")
    assert outcome(ledger) == ("Cancelled", None)
    assert lines(ledger) == ["Interrupt"]


def test_an_interrupt_before_the_finish_begins_is_raised_after_it(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_number: int) -> None:
        monkeypatch.undo()
        raise Interrupt

    with pytest.raises(Interrupt), ledger.track("r", "acme"):
        monkeypatch.setattr(signal, "getsignal", interrupted)  # it is asked for before the finish
    assert outcome(ledger) == ("Completed", None)
    error = ValueError("no posts")
    with pytest.raises(Interrupt) as raised, ledger.track("s", "acme"):
        monkeypatch.setattr(signal, "getsignal", interrupted)
        raise error
    assert raised.value.__context__ is error
    assert outcome(ledger, "s") == ("Failed", "ValueError: no posts")


def test_a_block_whose_end_python_does_not_call_is_cancelled(ledger: RunLedger, interrupt: Callable[[], None]) -> None:
    tracking = ledger.track("r", "acme")
    leave = tracking.__exit__  # `with` looks it up first
    tracking.__enter__()
    assert outcome(ledger) == ("Running", None)
    del leave
    assert outcome(ledger) == ("Cancelled", None)
    assert lines(ledger) == ["KeyboardInterrupt"]


def test_a_block_that_python_left_is_not_ended_again(ledger: RunLedger, events: list[RunEvent]) -> None:
    with ExitStack() as stack:
        stack.enter_context(ledger.track("r", "acme"))
    assert outcome(ledger) == ("Completed", None)
    with pytest.raises(RunNotFound), ledger.track("s", "acme") as run:
        run._key = RunKey("gone", "acme")
    assert [event.kind.value for event in events].count("run_missing") == 1


def test_a_second_block_of_one_tracking_does_not_finish_the_run_of_the_first() -> None:
    class Down(InMemoryRunRepository):
        def update(self, *_: object) -> RunRecord:
            raise StoreUnavailable("down", Outcome.NOT_APPLIED)

        def without_creation(self) -> "Down":
            return self

    tracking = RunLedger(Down(), observers=()).track("r", "acme")
    with pytest.raises(StoreUnavailable), tracking:
        pass
    with pytest.raises(RunAlreadyExists) as raised, tracking:
        pytest.fail("the block ran")
    assert not hasattr(raised.value, "__notes__")


def beats(tracking: Any) -> bool:
    """Whether the thread of the tracking's heartbeats is there."""
    heartbeat = getattr(tracking, "_tracking", tracking)._heartbeat
    return heartbeat is not None and heartbeat._thread.is_alive()


def test_a_block_within_a_block_of_one_tracking_is_refused_and_the_first_goes_on(
    ledger: RunLedger, events: list[RunEvent]
) -> None:
    tracking = ledger.track("r", "acme", heartbeat=3600)
    with tracking as run:
        with pytest.raises(RunAlreadyExists), tracking:
            pytest.fail("the block ran")
        assert (outcome(ledger), beats(tracking), run.finished) == (("Running", None), True, False)
    assert (outcome(ledger), beats(tracking), run.finished) == (("Completed", None), False, True)
    assert [event.kind.value for event in events] == ["run_started", "run_refused", "run_finished"]
    with pytest.raises(RunAlreadyExists), ledger.track("s", "acme") as run, ledger.track("s", "acme"):
        pytest.fail("the block ran")
    assert outcome(ledger, "s")[0] == "Failed"


@pytest.mark.parametrize("is_for_coroutines", [True, False])
def test_an_async_block_within_a_block_of_one_tracking_is_refused_and_the_first_goes_on(
    ledger: RunLedger, is_for_coroutines: bool
) -> None:
    async def main() -> None:
        of: Any = aio.AsyncRunLedger(ledger) if is_for_coroutines else ledger
        tracking = of.track("r", "acme", heartbeat=3600)
        async with tracking:
            with pytest.raises(RunAlreadyExists):
                async with tracking:
                    pytest.fail("the block ran")
            assert (outcome(ledger), beats(tracking)) == (("Running", None), True)
        assert (outcome(ledger), beats(tracking)) == (("Completed", None), False)
        with pytest.raises(RunAlreadyExists):
            async with tracking:
                pytest.fail("the block ran")
        assert (outcome(ledger), beats(tracking)) == (("Completed", None), False)

    asyncio.run(main())


def test_looking_at_a_tracking_ends_no_run(ledger: RunLedger, events: list[RunEvent]) -> None:
    tracking = ledger.track("r", "acme")
    for _ in inspect.getmembers(tracking):
        pass
    with tracking:
        assert hasattr(tracking, "__exit__")
        assert inspect.getmembers(tracking)
        assert repr(tracking)
        assert outcome(ledger) == ("Running", None)
    assert hasattr(tracking, "__exit__")
    assert outcome(ledger) == ("Completed", None)
    assert lines(ledger) == []
    assert [event.kind.value for event in events] == ["run_started", "run_finished"]


def test_looking_at_a_tracking_whose_run_could_not_be_finished_sends_nothing() -> None:
    sent: list[RunChange] = []

    class Down(InMemoryRunRepository):
        def update(self, _key: RunKey, change: RunChange, _at: datetime) -> RunRecord:
            sent.append(change)
            raise StoreUnavailable("down", Outcome.NOT_APPLIED)

        def without_creation(self) -> "Down":
            return self

    tracking = RunLedger(Down(), observers=()).track("r", "acme")
    with pytest.raises(StoreUnavailable), tracking:
        pass
    assert hasattr(tracking, "__exit__")
    assert [change.status for change in sent] == [RunStatus.COMPLETED]


def test_a_copy_of_a_tracking_is_refused_while_the_run_goes_on(ledger: RunLedger) -> None:
    with (tracking := ledger.track("r", "acme")):
        with pytest.raises(RunAlreadyExists), copy.copy(tracking):
            pytest.fail("the block ran")
        del tracking
        assert outcome(ledger) == ("Running", None)
    assert outcome(ledger) == ("Completed", None)


def test_a_block_may_be_left_in_another_thread_than_it_was_entered_in(ledger: RunLedger) -> None:
    stack, tracking = ExitStack(), ledger.track("r", "acme", heartbeat=3600)
    thread = threading.Thread(target=stack.enter_context, args=(tracking,))
    thread.start()
    thread.join()
    assert outcome(ledger) == ("Running", None)
    stack.close()
    assert (outcome(ledger), beats(tracking)) == (("Completed", None), False)


def test_a_thread_that_cannot_enter_a_tracking_leaves_the_run_of_another_thread() -> None:
    begun, first_may_go_on, second_may_go_on, over = (threading.Semaphore(0) for _ in range(4))
    gates = [second_may_go_on, first_may_go_on]

    class Gated(InMemoryRunRepository):
        def create(self, new: NewRun) -> RunKey:
            gate = gates.pop()
            begun.release()
            gate.acquire()
            return super().create(new)

    ledger = RunLedger(Gated(), observers=())
    tracking = ledger.track("r", "acme")
    refusals: list[RunAlreadyExists] = []

    def block() -> None:
        try:
            with tracking:
                begun.release()
                over.acquire()
        except RunAlreadyExists as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=block) for _ in range(2)]
    for thread in threads:
        thread.start()
        begun.acquire()  # both have looked `__exit__` up, and are in the start
    first_may_go_on.release()
    begun.acquire()
    second_may_go_on.release()
    threads[1].join()
    assert (len(refusals), outcome(ledger)) == (1, ("Running", None))
    over.release()
    threads[0].join()
    assert outcome(ledger) == ("Completed", None)


def test_each_call_of_a_function_that_calls_itself_is_a_run(ledger: RunLedger) -> None:
    @ledger.track(lambda depth: f"depth {depth}", "acme")
    def descend(depth: int) -> int:
        return depth and descend(depth - 1)

    assert descend(2) == 0
    assert [record.status.value for record in ledger.find()] == ["Completed"] * 3

    @ledger.track("the same", "acme")
    def again() -> None:
        again()

    with pytest.raises(RunAlreadyExists):
        again()
    assert outcome(ledger, "the same")[0] == "Failed"
    with ledger.track("outer", "acme"), ledger.track("inner", "acme"):
        assert [outcome(ledger, run_id)[0] for run_id in ("outer", "inner")] == ["Running", "Running"]
    assert [outcome(ledger, run_id)[0] for run_id in ("outer", "inner")] == ["Completed", "Completed"]


@pytest.mark.parametrize("thing", ["score", 5, None])
def test_what_is_no_function_cannot_be_decorated(ledger: RunLedger, thing: object) -> None:
    with pytest.raises(TypeError) as refusal:
        ledger.track("r", "acme")(thing)  # type: ignore[arg-type]
    what = type(thing).__name__
    assert str(refusal.value) == f"track decorates functions, not {what}: write @ledger.track(run_id, client_id)."


FORKED = """
import os, sys, runledger
ledger = runledger.connect(sys.argv[1], observers=())
parent = os.getpid()
try:
    with ledger.track("r", "acme"):
        if child := os.fork():
            os.waitpid(child, 0)
            print(ledger.get("r", "acme").status.value)
        else:
            with ledger.track("r", "child"):
                {leave}
except BaseException:
    if os.getpid() == parent:
        raise
if os.getpid() == parent:
    print(sorted((record.key.client_id, record.status.value) for record in ledger.find()))
"""


@pytest.mark.parametrize(("leave", "status"), [("pass", "Completed"), ("sys.exit()", "Completed"), ("1 / 0", "Failed")])
def test_the_child_of_a_fork_leaves_a_block_to_its_parent(tmp_path: Path, leave: str, status: str) -> None:
    program = [sys.executable, "-W", "ignore", "-c", FORKED.format(leave=leave), f"sqlite:///{tmp_path}/runs.db"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == (f"Running\n{[('acme', 'Completed'), ('child', status)]}\n", "")
