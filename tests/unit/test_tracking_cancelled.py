"""`async with ledger.track(…)` under cancellation: what has begun is carried out, and the run is finished."""

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import anyio
import pytest

from runledger import NewRun, Outcome, RunChange, RunKey, RunLedger, RunRecord, StoreUnavailable
from runledger.adapters.memory import InMemoryRunRepository

RUNS = 40


class Waiting(InMemoryRunRepository):
    """A store whose calls of one kind wait until they may go on."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.begun, self.goes_on = threading.Semaphore(0), threading.Event()
        self.is_down = False

    def create(self, new: NewRun) -> RunKey:
        self._wait("create")
        return super().create(new)

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self._wait("update")
        if self.is_down:
            raise StoreUnavailable("down", Outcome.NOT_APPLIED, key)
        return super().update(key, change, at)

    def without_creation(self) -> "Waiting":
        return self

    def _wait(self, kind: str) -> None:
        if kind == self.kind:
            self.begun.release()
            self.goes_on.wait()


def statuses(ledger: RunLedger) -> dict[str, int]:
    return dict(Counter(record.status.value for record in ledger.find()))


async def hang(ledger: RunLedger, client: str, inside: Callable[[], object]) -> None:
    async with ledger.track("r", client):
        inside()
        await asyncio.Event().wait()


async def begun(store: Waiting) -> None:
    await asyncio.to_thread(store.begun.acquire)


async def cancelled_again(tasks: list[asyncio.Task[None]], times: int = 5) -> None:
    for _ in range(times):
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)


async def all_cancelled(tasks: list[asyncio.Task[None]]) -> bool:
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    return all(isinstance(end, asyncio.CancelledError) for end in ends)


def test_a_run_is_finished_while_the_executor_of_the_loop_is_busy(ledger: RunLedger) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(executor := ThreadPoolExecutor(1))
        inside, free = threading.Semaphore(0), threading.Event()
        tasks = [asyncio.create_task(hang(ledger, f"c{i}", inside.release)) for i in range(RUNS)]
        for _ in range(RUNS):
            await asyncio.to_thread(inside.acquire)
        busy = executor.submit(free.wait)
        await cancelled_again(tasks, times=1)
        assert await all_cancelled(tasks)
        assert not busy.done()
        free.set()

    asyncio.run(main())
    assert statuses(ledger) == {"Cancelled": RUNS}


def test_a_run_is_finished_however_often_its_task_is_cancelled() -> None:
    store = Waiting("update")
    ledger = RunLedger(store, observers=())

    async def main() -> None:
        inside = threading.Semaphore(0)
        tasks = [asyncio.create_task(hang(ledger, f"c{i}", inside.release)) for i in range(RUNS)]
        for _ in range(RUNS):
            await asyncio.to_thread(inside.acquire)
        await cancelled_again(tasks)
        await begun(store)
        await cancelled_again(tasks)
        assert statuses(ledger) == {"Running": RUNS}
        store.goes_on.set()
        assert await all_cancelled(tasks)

    asyncio.run(main())
    assert statuses(ledger) == {"Cancelled": RUNS}


def test_a_run_whose_start_is_cancelled_again_and_again_is_cancelled() -> None:
    store = Waiting("create")
    ledger = RunLedger(store, observers=())

    async def main() -> None:
        tasks = [asyncio.create_task(hang(ledger, f"c{i}", lambda: pytest.fail("the block ran"))) for i in range(RUNS)]
        await begun(store)
        await cancelled_again(tasks)
        store.goes_on.set()
        await cancelled_again(tasks)
        assert await all_cancelled(tasks)

    asyncio.run(main())
    assert statuses(ledger) == {"Cancelled": RUNS}


def test_a_block_that_was_done_when_its_task_was_cancelled_is_completed() -> None:
    store = Waiting("update")
    ledger = RunLedger(store, observers=())

    async def job() -> None:
        async with ledger.track("r", "acme"):
            pass

    async def main(*, is_down: bool) -> asyncio.CancelledError:
        store.is_down = is_down
        store.goes_on.clear()
        task = asyncio.create_task(job())
        await begun(store)
        await cancelled_again([task])
        store.goes_on.set()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        return raised.value

    assert not hasattr(asyncio.run(main(is_down=False)), "__notes__")
    assert statuses(ledger) == {"Completed": 1}
    ledger = RunLedger(store := Waiting("update"), observers=())
    [note] = asyncio.run(main(is_down=True)).__notes__
    assert note.startswith("The run could not be finished: the store is unavailable (run 'r' of client 'acme')")


def test_a_start_that_fails_while_it_is_cancelled_raises_the_cancellation_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Waiting("create")
    ledger = RunLedger(store, observers=())

    async def main() -> None:
        tasks = [asyncio.create_task(hang(ledger, "acme", lambda: None)) for _ in range(2)]
        await begun(store)
        await begun(store)
        await cancelled_again(tasks)
        store.goes_on.set()
        assert await all_cancelled(tasks)

    asyncio.run(main())
    assert statuses(ledger) == {"Cancelled": 1}
    assert caplog.messages == []


@pytest.mark.parametrize("kind", ["create", "update"])
def test_a_task_group_that_is_cancelled_finishes_its_runs(kind: str) -> None:
    store = Waiting(kind)
    ledger = RunLedger(store, observers=())

    async def release_later() -> None:
        await begun(store)
        await asyncio.sleep(0)
        store.goes_on.set()

    async def main() -> None:
        releasing = asyncio.create_task(release_later())
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                inside = 0

                def entered() -> None:
                    nonlocal inside
                    inside += 1
                    if inside == RUNS:
                        scope.cancel()

                for i in range(RUNS):
                    group.start_soon(hang, ledger, f"c{i}", entered)
                if kind == "create":
                    await anyio.sleep(0)
                    scope.cancel()
        assert scope.cancelled_caught
        await releasing

    anyio.run(main)
    assert statuses(ledger) == {"Cancelled": RUNS}


def test_a_time_limit_ends_a_block_as_a_time_limit() -> None:
    store = Waiting("update")
    ledger = RunLedger(store, observers=())

    async def limited(limit: Callable[[], Awaitable[None]]) -> None:
        store.goes_on.clear()
        task = asyncio.ensure_future(limit())
        await begun(store)
        store.goes_on.set()
        with pytest.raises(TimeoutError):
            await task

    async def by_asyncio() -> None:
        async with asyncio.timeout(0.001):
            await hang(ledger, "asyncio", lambda: None)

    async def by_anyio() -> None:
        with anyio.fail_after(0.001):
            await hang(ledger, "anyio", lambda: None)

    async def main() -> None:
        await limited(by_asyncio)
        await limited(by_anyio)

    asyncio.run(main())
    assert statuses(ledger) == {"Cancelled": 2}


FORKED = """
import asyncio, os, runledger
ledger = runledger.connect("memory://", observers=())
async def job(client):
    async with ledger.track("r", client):
        pass
asyncio.run(job("parent"))
if (pid := os.fork()) == 0:
    asyncio.run(job("child"))
    os._exit(0)
print(os.waitpid(pid, 0)[1])
"""


def test_the_child_of_a_fork_tracks_too() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


AFTER_THE_MAIN_THREAD = """
import asyncio, threading, runledger
ledger = runledger.connect("memory://", observers=())
main_has_ended = threading.main_thread().join

async def job(client, before, inside):
    before()
    async with ledger.track("r", client):
        begun.set()
        inside()

def work():
    asyncio.run(job("first", lambda: None, main_has_ended))
    asyncio.run(job("second", main_has_ended, lambda: None))
    print(*(record.status.value for record in ledger.find()))

begun = threading.Event()
threading.Thread(target=work).start()
begun.wait()
"""
FIRST_AFTER_THE_MAIN_THREAD = """
import asyncio, threading, runledger
ledger = runledger.connect("memory://", observers=())

async def job():
    async with ledger.track("r", "acme"):
        pass

def work():
    threading.main_thread().join()
    asyncio.run(job())
    print(*(record.status.value for record in ledger.find()))

threading.Thread(target=work).start()
"""


@pytest.mark.parametrize(
    ("program", "ends"),
    [(AFTER_THE_MAIN_THREAD, "Completed Completed"), (FIRST_AFTER_THE_MAIN_THREAD, "Completed")],
)
def test_a_thread_that_outlives_the_main_thread_tracks_too(program: str, ends: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == (f"{ends}\n", "")
