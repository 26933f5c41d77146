"""Calls in threads that coroutines await: none is lost or made twice, whatever cancels its task."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

import runledger
from runledger import RunEvent, RunKey
from runledger.services.observing import call_site
from runledger.services.threads import Threads, ended

NO_LOOP = (
    "no event loop of asyncio is running: under another one, such as trio's, call the ledger of runledger.connect in a "
    "thread."
)


class Gate:
    """A call that waits until it may go on, and returns or raises what it is told to."""

    def __init__(self, outcome: object = "done") -> None:
        self.begun, self.opened = threading.Semaphore(0), threading.Event()
        self.outcome = outcome
        self.calls = 0

    def __call__(self) -> object:
        self.calls += 1
        self.begun.release()
        self.opened.wait(20)  # so that a test that fails ends
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def begun(gate: Gate) -> None:
    await asyncio.to_thread(gate.begun.acquire)


async def cancelled(task: asyncio.Task[Any], *messages: str) -> None:
    for message in messages:
        task.cancel(message)
        await asyncio.sleep(0)


def test_calls_run_in_so_many_named_threads() -> None:
    threads, gates = Threads("some-name", 2), [Gate() for _ in range(5)]
    calls = [threads.submit(gate) for gate in gates]
    for gate in gates[:2]:
        gate.begun.acquire()
    assert [gate.calls for gate in gates] == [1, 1, 0, 0, 0]
    names = sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("some-name"))
    assert names == ["some-name_0", "some-name_1"]
    for gate in gates:
        gate.opened.set()
    assert [call.result() for call in calls] == ["done"] * 5
    threads.close()


def test_a_call_sees_the_context_of_its_caller_and_leaves_it_alone() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="none")

    def change() -> str:
        seen = variable.get()
        variable.set("changed")
        return seen

    variable.set("given")
    threads = Threads("t")
    assert (threads.submit(change).result(), variable.get()) == ("given", "given")
    threads.close()


@pytest.mark.parametrize("how", ["made", "begun"])
def test_a_coroutine_gets_what_the_call_returns_or_raises_and_is_named_as_its_place(how: str) -> None:
    threads = Threads("t")

    async def call(function: Callable[[], Any]) -> Any:
        if how == "made":
            return await threads.made(function)
        return await threads.begun(function, lambda *_: pytest.fail("there is nothing to undo"))

    async def main() -> None:
        assert await call(lambda: 42) == 42
        error = ValueError("boom")
        gate = Gate(error)
        gate.opened.set()
        with pytest.raises(ValueError, match="boom") as raised:
            await call(gate)
        assert raised.value is error
        place = await call(call_site)
        assert place is not None
        assert place.startswith(f"{__file__}:")
        assert place.endswith("call")

    asyncio.run(main())
    threads.close()


def test_without_a_loop_of_asyncio_nothing_is_called() -> None:
    threads, gate = Threads("t"), Gate()
    for call in (threads.made(gate), threads.begun(gate, lambda *_: None)):
        with pytest.raises(RuntimeError) as raised:
            call.send(None)
        assert str(raised.value) == NO_LOOP
    assert gate.calls == 0


@pytest.mark.parametrize("outcome", ["done", ValueError("boom")])
def test_a_call_that_has_begun_is_awaited_and_the_last_cancellation_raised(outcome: object) -> None:
    threads, gate = Threads("t"), Gate(outcome)

    async def main() -> None:
        task = asyncio.create_task(threads.made(gate))
        await begun(gate)
        await cancelled(task, "one", "two", "three")
        assert not task.done()
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError, match="three"):
            await task

    asyncio.run(main())
    assert gate.calls == 1
    threads.close()


@pytest.mark.parametrize(("always", "calls"), [(False, 0), (True, 1)])
def test_a_call_that_waits_for_a_thread_is_dropped_unless_it_is_always_made(always: bool, calls: int) -> None:
    threads, busy, gate = Threads("t", 1), Gate(), Gate()

    async def main() -> None:
        occupied = threads.submit(busy)
        await begun(busy)
        task = asyncio.create_task(threads.made(gate, always=True) if always else threads.made(gate))
        await asyncio.sleep(0)
        await cancelled(task, "why")
        for _ in range(5):
            await asyncio.sleep(0)
        assert task.done() != always
        busy.opened.set()
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError, match="why"):
            await task
        assert occupied.result() == "done"

    asyncio.run(main())
    threads.close()
    assert gate.calls == calls


def test_what_began_for_a_task_that_was_cancelled_is_undone_before_that_is_raised() -> None:
    threads, gate, undoing = Threads("t"), Gate("begun"), Gate()
    undone: list[tuple[object, str]] = []

    def undo(what: object, why: asyncio.CancelledError) -> None:
        undone.append((what, str(why)))
        undoing()

    async def main() -> None:
        task = asyncio.create_task(threads.begun(gate, undo))
        await begun(gate)
        await cancelled(task, "one", "two")
        gate.opened.set()
        await begun(undoing)
        await cancelled(task, "three")
        assert not task.done()
        undoing.opened.set()
        with pytest.raises(asyncio.CancelledError, match="two"):
            await task

    asyncio.run(main())
    threads.close()
    assert undone == [("begun", "two")]


def test_what_could_not_begin_is_not_undone() -> None:
    threads, gate = Threads("t"), Gate(ValueError("boom"))

    async def main() -> None:
        task = asyncio.create_task(threads.begun(gate, lambda *_: pytest.fail("there is nothing to undo")))
        await begun(gate)
        await cancelled(task, "why")
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError, match="why"):
            await task

    asyncio.run(main())
    threads.close()


def test_a_call_that_is_awaited_without_a_cancellation_has_none() -> None:
    threads = Threads("t")

    async def main() -> None:
        assert await ended(threads.submit(lambda: 42)) is None
        assert await ended(threads.submit(lambda: int("x"))) is None  # it raises, which is for the caller to look at

    asyncio.run(main())
    threads.close()


@pytest.mark.parametrize("is_loaded", [True, False])
def test_with_and_without_anyio_every_cancellation_is_noticed(is_loaded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_loaded:
        monkeypatch.delitem(sys.modules, "anyio")
    threads, gate = Threads("t"), Gate()

    async def main() -> None:
        task = asyncio.create_task(threads.made(gate))
        await begun(gate)
        await cancelled(task, "one", "two")
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError, match="two"):
            await task

    asyncio.run(main())
    threads.close()


def test_a_scope_of_anyio_that_was_cancelled_does_not_cancel_the_wait_in_every_cycle() -> None:
    threads, gate = Threads("t"), Gate()
    cancellations: list[int] = []

    async def call() -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await threads.made(gate)
        finally:
            cancellations.append(task.cancelling())

    async def release_later() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        gate.opened.set()

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(call)
                await begun(gate)
                releasing = asyncio.create_task(release_later())
                scope.cancel()
        assert scope.cancelled_caught
        await releasing

    anyio.run(main)
    threads.close()
    assert 0 < cancellations[0] < 10


def test_closing_waits_for_the_calls_and_a_later_call_starts_new_threads() -> None:
    threads, gate = Threads("closable", 1), Gate()
    threads.close()
    call = threads.submit(gate)
    closing = threading.Thread(target=threads.close)
    closing.start()
    assert not call.done()
    gate.opened.set()
    closing.join()
    assert call.done()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("closable")]
    assert threads.submit(lambda: 42).result() == 42
    threads.close()


def test_a_tracked_block_and_function_use_the_threads_that_they_are_given() -> None:
    names: list[str] = []

    def note_the_thread(_: RunEvent) -> None:
        names.append(threading.current_thread().name)

    async def job(client_id: str) -> None:
        assert client_id == "bolt"

    async def main() -> None:
        tracking = ledger.track("r", "acme", heartbeat=3600).with_threads(threads)
        async with tracking as run:
            assert run.key == RunKey("r", "acme")
            assert "runledger-heartbeat" in [thread.name for thread in threading.enumerate()]
        by_call = ledger.track(lambda client_id: f"run of {client_id}", lambda client_id: client_id)
        await by_call.with_threads(threads)(job)("bolt")

    threads, ledger = Threads("given"), runledger.connect("memory://", observers=[note_the_thread])
    asyncio.run(main())
    threads.close()
    assert len(names) == 4
    assert all(name.startswith("given_") for name in names)
    assert {record.key: record.status.value for record in ledger.find()} == {
        RunKey("r", "acme"): "Completed",
        RunKey("run of bolt", "bolt"): "Completed",
    }


def test_a_call_is_made_once_where_no_thread_can_start() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="none")
    made, failure = [], ValueError("no disk")

    def make() -> None:
        variable.set("changed")
        made.append(threading.current_thread())

    def fail() -> None:
        raise failure

    threads, gate = Threads("t"), Gate()
    busy = threads.submit(gate)
    gate.begun.acquire()
    size = threading.stack_size(1 << 46)  # more than a machine has addresses for
    try:
        threads.submit(make)
        assert threads.submit(fail).exception() is failure
    finally:
        threading.stack_size(size)
    assert (made, variable.get()) == ([threading.current_thread()], "none")
    gate.opened.set()
    assert busy.result() == "done"
    threads.close()  # after all that its queue still held
    assert len(made) == 1


ENDED = """
import asyncio, concurrent.futures.thread, threading, sys
import runledger
from runledger import aio

async def until_the_main_thread_has_ended():
    while not concurrent.futures.thread._shutdown:
        await asyncio.sleep(0.01)

async def work():
    with runledger.connect("memory://", observers=()) as ledger:
        async with ledger.track("r", "sync"):
            async with aio.AsyncRunLedger(ledger) as coroutines:
                async with coroutines.track("r", "aio"):
                    begun.release()
                    await until_the_main_thread_has_ended()
                await coroutines.start("r", "late")
        print(sorted((record.key.client_id, record.status.value) for record in ledger.find()))

begun = threading.Semaphore(0)
threading.Thread(target=lambda: asyncio.run(work())).start()
begun.acquire()
"""


def test_a_loop_that_outlives_the_main_thread_ends_its_runs() -> None:
    done = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True, check=False, timeout=60)
    ended = [("aio", "Completed"), ("late", "Running"), ("sync", "Completed")]
    assert (done.stdout, done.stderr) == (f"{ended}\n", "")
