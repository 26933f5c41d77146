"""`track(…, heartbeat=…)`: a thread shows that a block lives, ends with it, and never disturbs it."""

import asyncio
import logging
import math
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runledger import (
    EventKind,
    InvalidValue,
    Outcome,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunRecord,
    RunStatus,
    StoreUnavailable,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.services.tracking import heartbeat as module
from runledger.services.tracking.heartbeat import Heartbeat

SOON = 0.001


class Watched(InMemoryRunRepository):
    """A store that counts heartbeats, fails them with what is in `faults`, and lets them through one gate."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Exception | None] = []
        self.arrived, self.done, self.gate = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
        self.gate.set()
        self.order: list[str] = []

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if change != RunChange():
            self.order.append("other")
            return super().update(key, change, at)
        self.arrived.release()
        self.gate.wait()
        try:
            if self.faults and (fault := self.faults.pop(0)):
                raise fault
            return super().update(key, change, at)
        finally:
            self.order.append("heartbeat")
            self.done.release()

    def without_creation(self) -> "Watched":
        return self

    def wait_for(self, heartbeats: int) -> None:
        for _ in range(heartbeats):
            self.done.acquire()


@pytest.fixture
def store() -> Watched:
    return Watched()


@pytest.fixture
def tracked(store: Watched, events: list[RunEvent]) -> RunLedger:
    return RunLedger(store, observers=[events.append])


def beating() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "runledger-heartbeat"]


def down() -> StoreUnavailable:
    return StoreUnavailable("down", Outcome.NOT_APPLIED)


def with_a_block(ledger: RunLedger, store: Watched) -> None:
    with ledger.track("r", "acme", heartbeat=SOON):
        store.wait_for(3)


def with_a_function(ledger: RunLedger, store: Watched) -> None:
    ledger.track(lambda: "r", "acme", heartbeat=SOON)(lambda: store.wait_for(3))()


def with_an_async_block(ledger: RunLedger, store: Watched) -> None:
    async def main() -> None:
        async with ledger.track("r", "acme", heartbeat=SOON):
            store.wait_for(3)

    asyncio.run(main())


def with_an_async_function(ledger: RunLedger, store: Watched) -> None:
    @ledger.track("r", "acme", heartbeat=SOON)
    async def job() -> None:
        store.wait_for(3)

    asyncio.run(job())


@pytest.mark.parametrize("act", [with_a_block, with_a_function, with_an_async_block, with_an_async_function])
def test_heartbeats_come_while_the_block_runs_and_end_with_it(
    act: Callable[[RunLedger, Watched], None], tracked: RunLedger, store: Watched, events: list[RunEvent]
) -> None:
    act(tracked, store)
    kinds = [event.kind for event in events]
    assert set(kinds[1:-1]) == {EventKind.UPDATED}
    assert (kinds[0], kinds[-1]) == (EventKind.STARTED, EventKind.FINISHED)
    assert len(kinds) >= 5
    assert {event.key for event in events} == {RunKey("r", "acme")}
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert tracked.get("r", "acme").status is RunStatus.COMPLETED
    assert beating() == []


def test_the_heartbeats_of_a_block_that_raises_end_too(tracked: RunLedger, store: Watched) -> None:
    with pytest.raises(ValueError, match="boom"), tracked.track("r", "acme", heartbeat=SOON):
        [thread] = beating()
        assert thread.daemon
        store.wait_for(1)
        raise ValueError("boom")
    assert beating() == []
    assert tracked.get("r", "acme").status is RunStatus.FAILED


def test_a_block_without_heartbeat_has_no_thread(tracked: RunLedger) -> None:
    with tracked.track("r", "acme"):
        assert beating() == []


def test_the_first_heartbeat_comes_after_the_interval(tracked: RunLedger, store: Watched) -> None:
    with tracked.track("r", "acme", heartbeat=3600):
        assert len(beating()) == 1
    assert store.order == ["other"]


def test_failures_are_reported_once_until_a_heartbeat_succeeds(
    tracked: RunLedger, store: Watched, events: list[RunEvent]
) -> None:
    faults = [down(), down(), None, down(), down(), down()]
    store.faults = list(faults)
    with tracked.track("r", "acme", heartbeat=SOON) as run:
        store.wait_for(8)
    failed = [event for event in events if event.error is not None]
    assert [event.error for event in failed] == [faults[0], faults[3]]
    assert [(event.kind, event.key, event.call_site) for event in failed] == [
        (EventKind.REFUSED, RunKey("r", "acme"), run.site)
    ] * 2
    assert tracked.get("r", "acme").status is RunStatus.COMPLETED


def test_a_store_that_breaks_its_word_is_logged_once_and_disturbs_nothing(
    tracked: RunLedger, store: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    store.faults = [OSError("no more wire"), OSError("nor now")]
    with tracked.track("r", "acme", heartbeat=SOON):
        store.wait_for(3)
    [record] = caplog.records
    assert (record.name, record.levelno) == ("runledger", logging.ERROR)
    assert record.getMessage() == "a heartbeat of run 'r' of client 'acme' failed"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "no more wire"
    assert tracked.get("r", "acme").status is RunStatus.COMPLETED


def test_no_heartbeat_follows_the_end_of_the_run(tracked: RunLedger, store: Watched) -> None:
    with tracked.track("r", "acme", heartbeat=SOON) as run:
        [thread] = beating()
        run.skip("nothing new")
        thread.join()
        assert store.order[store.order.index("other") + 1 :] in ([], ["heartbeat"])  # one that was on its way
    assert tracked.get("r", "acme").status is RunStatus.SKIPPED


def test_a_run_that_ended_through_another_handle_gets_one_heartbeat_more_at_most(
    tracked: RunLedger, store: Watched
) -> None:
    store.gate.clear()
    with tracked.track("r", "acme", heartbeat=SOON) as run:
        [thread] = beating()
        store.arrived.acquire()
        tracked.updates.skip("r", "acme", "nothing new")
        store.gate.set()
        thread.join()
        run.finished = True
    assert store.order == ["other", "heartbeat"]


def test_the_end_of_a_block_waits_for_a_heartbeat_on_its_way(tracked: RunLedger, store: Watched) -> None:
    store.gate.clear()

    def block() -> None:
        with tracked.track("r", "acme", heartbeat=SOON):
            store.arrived.acquire()
            leaving.set()

    leaving = threading.Event()
    worker = threading.Thread(target=block)
    worker.start()
    leaving.wait()
    assert tracked.get("r", "acme").status is RunStatus.RUNNING
    store.gate.set()
    worker.join()
    assert store.order[-1] == "other"
    assert set(store.order[:-1]) == {"heartbeat"}  # another one may come before the block is left


def test_the_end_of_a_block_does_not_wait_for_ever(
    tracked: RunLedger, store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.LONGEST_WAIT == 5
    monkeypatch.setattr(module, "LONGEST_WAIT", SOON)
    store.gate.clear()
    with tracked.track("r", "acme", heartbeat=SOON):
        [thread] = beating()
        store.arrived.acquire()
    assert tracked.get("r", "acme").status is RunStatus.COMPLETED
    store.gate.set()
    thread.join()


def test_an_interrupt_of_that_wait_leaves_no_run_running(
    tracked: RunLedger, store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopping(Heartbeat):
        def stop(self) -> None:
            stopping.set()
            super().stop()

    def interrupt() -> None:
        stopping.wait()
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)

    stopping = threading.Event()
    monkeypatch.setattr(module, "Heartbeat", Stopping)
    monkeypatch.setattr(module, "LONGEST_WAIT", 20)  # a signal just before a wait interrupts it at its end
    store.gate.clear()
    worker = threading.Thread(target=interrupt)
    worker.start()
    with pytest.raises(KeyboardInterrupt), tracked.track("r", "acme", heartbeat=SOON):
        [thread] = beating()
        store.arrived.acquire()
    worker.join()
    assert tracked.get("r", "acme").status is RunStatus.COMPLETED
    store.gate.set()
    thread.join()


def test_an_interrupt_before_the_block_cancels_the_run(tracked: RunLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Heartbeat):
        def begin(self) -> None:
            super().begin()
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "Heartbeat", Interrupted)
    with pytest.raises(KeyboardInterrupt), tracked.track("r", "acme", heartbeat=SOON):
        pytest.fail("the block ran")
    assert beating() == []
    assert tracked.get("r", "acme").status is RunStatus.CANCELLED


def test_a_process_that_can_have_no_more_threads_goes_on_without(
    tracked: RunLedger, caplog: pytest.LogCaptureFixture
) -> None:
    size = threading.stack_size(1 << 46)  # more than a machine has addresses for
    try:
        with tracked.track("r", "acme", heartbeat=SOON):
            assert beating() == []
    finally:
        threading.stack_size(size)
    [record] = caplog.records
    assert (record.name, record.getMessage()) == (
        "runledger",
        "no thread for the heartbeats of run 'r' of client 'acme'",
    )
    assert tracked.get("r", "acme").status is RunStatus.COMPLETED


@pytest.mark.parametrize("seconds", [0, -1, -0.5, math.inf, math.nan, True, "60", threading.TIMEOUT_MAX * 2, object])
def test_what_cannot_be_waited_is_refused_before_the_run_starts(
    tracked: RunLedger, events: list[RunEvent], seconds: float
) -> None:
    message = f"{RunKey('r', 'acme')}: heartbeat is {seconds!r}: give seconds above 0, such as 60, or None for no "
    message += "heartbeat."
    with pytest.raises(InvalidValue, match=f"^{re.escape(message)}$") as raised:
        tracked.track("r", "acme", heartbeat=seconds)
    [event] = events
    assert (event.kind, event.error) == (EventKind.START_FAILED, raised.value)


@pytest.mark.parametrize("seconds", [60, 0.5, threading.TIMEOUT_MAX])
def test_any_other_number_of_seconds_is_an_interval(tracked: RunLedger, seconds: float) -> None:
    with tracked.track("r", "acme", heartbeat=seconds):
        assert len(beating()) == 1


FORKED = """
import os, sys, threading, runledger
ledger = runledger.connect(sys.argv[1], observers=())
for i in range(20):
    with ledger.track(f"r{i}", "acme", heartbeat=0.0005) as run:
        if child := os.fork():
            assert os.waitpid(child, 0)[1] == 0
        else:
            ledger.updates.update(f"r{i}", "acme", note="in the child")
    if not child:
        os._exit(0)
print({record.status.value: record.notes for record in ledger.find()})
"""


def test_the_child_of_a_fork_sends_none_and_leaves_the_block(tmp_path: Path) -> None:
    done = python("-W", "ignore", "-c", FORKED, f"sqlite:///{tmp_path}/runs.db")
    assert (done.returncode, done.stdout, done.stderr) == (0, "{'Completed': 1}\n", "")


AT_EXIT = """
import sys, threading, runledger
ledger = runledger.connect(sys.argv[1], observers=())
inside = threading.Event()
def job():
    with ledger.track("r", "acme", heartbeat=0.0005):
        inside.set()
        threading.Event().wait()
threading.Thread(target=job, daemon=True).start()
inside.wait()
"""


def test_a_program_ends_although_a_block_of_a_daemon_thread_lives(tmp_path: Path) -> None:
    for store in ("memory://", f"sqlite:///{tmp_path}/runs.db"):
        done = python("-c", AT_EXIT, store)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_a_wrong_heartbeat_is_reported_with_the_run_if_its_ids_are_known() -> None:
    events: list[RunEvent] = []
    ledger = RunLedger(Watched(), observers=[events.append])
    wrong = "heartbeat is -1: give seconds above 0, such as 60, or None for no heartbeat."
    key = RunKey("r", "acme")
    ids: list[tuple[Any, Any, RunKey | None]] = [
        ("r", "acme", key),
        (lambda: "r", "acme", None),
        ("r", lambda: "acme", None),
        ("", "acme", None),
    ]
    for run_id, client_id, known in ids:
        with pytest.raises(InvalidValue) as refusal:
            ledger.track(run_id, client_id, heartbeat=-1)
        assert (str(refusal.value), refusal.value.key) == (wrong if known is None else f"{key}: {wrong}", known)
        assert (events[-1].kind, events[-1].key, events[-1].error) == (EventKind.START_FAILED, known, refusal.value)
    assert len(events) == len(ids)
