"""`with ledger.track(…)` under Ctrl-C: its start and its finish are carried out, and the finish is sent once."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from types import FrameType

import pytest
from interrupts import Interrupt, Interruption

from runledger import (
    Outcome,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunNotFound,
    RunRecord,
    StoreUnavailable,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import RunRepository

INSIDE = ("runledger/services/", "runledger/adapters/", "runledger/domain/")


@pytest.fixture
def signalled() -> Iterator[signal.Signals]:
    """A signal whose handler raises, as Ctrl-C's does."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise Interrupt

    before = signal.signal(signal.SIGUSR1, handle)
    yield signal.SIGUSR1
    assert signal.signal(signal.SIGUSR1, before) is handle


class Counted(InMemoryRunRepository):
    """Counts how often the finish of each run is sent, and is unavailable for finishes while it is down."""

    def __init__(self) -> None:
        super().__init__()
        self.finishes: Counter[RunKey] = Counter()
        self.is_down = False

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self.finishes[key] += change.status is not None
        if self.is_down:
            raise StoreUnavailable("down", Outcome.NOT_APPLIED, key)
        return super().update(key, change, at)

    def without_creation(self) -> "Counted":
        return self


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunRepository]:
    store = Counted() if request.param == "memory" else SQLiteRunRepository(tmp_path / "runs.db")
    yield store
    store.close()


def tracked(ledger: RunLedger, run_id: str, entered: list[str], error: Exception | None) -> None:
    with suppress(ValueError), ledger.track(run_id, "acme"):
        entered.append(run_id)
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, ValueError("no posts")])
def test_an_interrupt_at_any_instant_leaves_no_run_running(
    store: RunRepository, signalled: signal.Signals, error: Exception | None
) -> None:
    ledger = RunLedger(store, observers=())
    ended: Counter[str] = Counter()
    for instant in count():
        run_id, interrupted = str(instant), False
        entered: list[str] = []
        interruption = Interruption(instant, lambda: signal.raise_signal(signalled), *INSIDE)
        try:
            interruption.during(lambda: tracked(ledger, run_id, entered, error))  # noqa: B023
        except Interrupt:
            interrupted = True
        if not interruption.happened:
            break
        assert interrupted, "the interrupt is raised in the end"
        try:
            status = ledger.get(run_id, "acme").status.value
        except RunNotFound:
            status = "not started"
        ended[status if entered else f"{status}, not entered"] += 1
        if isinstance(store, Counted):
            assert store.finishes[RunKey(run_id, "acme")] == (status not in ("not started", "Running"))
    due = "Completed" if error is None else "Failed"
    assert set(ended) == {"not started, not entered", "Cancelled, not entered", due, "Cancelled"}
    assert ended["Cancelled"] == 1  # before the first instruction of `__exit__`


def test_an_interrupt_during_a_finish_that_is_refused_is_raised_with_the_reason(signalled: signal.Signals) -> None:
    store = Counted()

    def observe(_event: RunEvent) -> None:
        if store.is_down:
            signal.raise_signal(signalled)

    ledger = RunLedger(store, observers=[observe])
    with pytest.raises(Interrupt) as raised, ledger.track("r", "acme"):
        store.is_down = True
    assert isinstance(raised.value.__context__, StoreUnavailable)


HAMMERED = """
import signal, sys, threading, runledger
ledger = runledger.connect(sys.argv[1], observers=())
me, over, pause = threading.get_ident(), False, threading.Event()
tracking, runs, interrupts = False, 0, 0
def handle(*_):
    global interrupts
    if tracking:
        interrupts += 1
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, handle)
def ignored(what):  # while the run is finished because of one interrupt, Python can raise no further one
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
sys.unraisablehook = ignored
ledger.track("not started", "acme")  # loads its modules, which the interrupts might not let it do
def interrupt():
    while not over:
        signal.pthread_kill(me, signal.SIGINT)
        pause.wait(0.0007)
sender = threading.Thread(target=interrupt)
sender.start()
while interrupts < 500:
    try:
        tracking = True
        while True:
            runs += 1
            with ledger.track(str(runs), "acme") as run:
                run.update(add={"n": 1})
    except KeyboardInterrupt:
        tracking = False
over = True
sender.join()
assert signal.getsignal(signal.SIGINT) is handle
with ledger.track("undisturbed", "acme"):
    pass
print(sorted({record.status.value for record in ledger.find()}))
"""


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/runs.db"])
def test_blocks_that_are_interrupted_again_and_again_leave_no_run_running(url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HAMMERED, url.format(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("['Cancelled', 'Completed']\n", "")
