"""Signals and Ctrl-C at any instant of a call: nothing hangs, nothing is lost, nothing is half done."""

import gc
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from threading import Thread
from threading import enumerate as enumerate_threads

import psycopg
import pytest
from airtable_base import served
from interrupts import Interrupt, Interruption, interrupt
from postgres_server import fresh_database, fresh_ledger

from airtable_local import Column
from runledger import (
    NewRun,
    Outcome,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    connect,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.adapters.sql.sqlite_file import SQLiteFile
from runledger.domain import RunRepository

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY, OTHER = RunKey("r", "acme"), RunKey("r", "bolt")
NOTED = RunChange(add={"n": 1}, note="one more")
PATIENCE = 60.0
"""Seconds for what takes milliseconds, unless it hangs."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunRepository]:
    """A store with two runs; in PostgreSQL, over one connection."""
    if request.param == "postgresql":
        with fresh_database() as url:
            store: RunRepository = PostgreSQLRunRepository(url, max_connections=1, timeout=30)
            store.create_schema()  # type: ignore[attr-defined]
            yield from with_two_runs(store)
            # A connection that was interrupted on its way out of the pool and its cursor refer to each other.
            gc.collect()
            with psycopg.connect(url, autocommit=True) as admin:
                wait_for_no_connection(admin)
    elif request.param == "sqlite":
        yield from with_two_runs(SQLiteRunRepository(tmp_path / "runs.db"))
        gc.collect()  # a connection that was interrupted while it was made refers to itself
        assert not [path for path in open_files() if path.startswith(str(tmp_path))]
    elif request.param == "airtable":
        with served(Column("n", "number"), Column("handled", "number")) as base:
            yield from with_two_runs(base.repository())
    else:
        yield from with_two_runs(InMemoryRunRepository())


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "postgresql":
        with fresh_ledger() as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path}/runs.db" if request.param == "sqlite" else "memory://"


def with_two_runs(store: RunRepository) -> Iterator[RunRepository]:
    store.create_many([NewRun(RunRecord.start(key, AT)) for key in (KEY, OTHER)])
    yield store
    elsewhere(store.close)


def wait_for_no_connection(admin: psycopg.Connection) -> None:
    """Until the server has none of the ledger's: an interrupt leaves closing its pool to a thread."""
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'runledger' AND datname = current_database()"
    for _ in range(int(PATIENCE / 0.05)):
        if admin.execute(left).fetchone() == (0,):
            return
        admin.execute("SELECT pg_sleep(0.05)")
    pytest.fail("connections to the server are left")


def open_files() -> list[str]:
    found = []
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        with suppress(OSError):  # the one of the listing itself
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return found


def elsewhere(act: Callable[[], object]) -> None:
    """Do something in another thread, which must end."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "this hangs"
    if failures:
        raise failures[0]


def create(store: RunRepository) -> None:
    store.create(NewRun(RunRecord.start(RunKey("one", "acme"), AT), mark="m"))


def create_many(store: RunRepository) -> None:
    store.create_many([NewRun(RunRecord.start(RunKey("new", client), AT), mark="m") for client in ("acme", "bolt")])


CALLS: dict[str, Callable[[RunRepository], object]] = {
    "get": lambda store: store.get(KEY),
    "log": lambda store: list(store.log(KEY)),
    "find": lambda store: list(store.find(RunQuery(run_id="r"))),
    "update": lambda store: store.update(KEY, NOTED, AT),
    "update_many": lambda store: store.update_many([(KEY, NOTED), (OTHER, NOTED), (KEY, NOTED)], AT),
    "create": create,
    "create_many": create_many,
}
OWN = ("runledger/adapters/", "runledger/domain/")
POOL = ("runledger/adapters/sql/postgresql", "psycopg_pool/", "/threading.py", "/queue.py")
# Each interrupt costs a new connection in PostgreSQL, so its calls are those that use the driver in different ways.
CASES: list[tuple[str, str, tuple[str, ...]]] = [(store, name, OWN) for store in ("memory", "sqlite") for name in CALLS]
CASES += [
    ("postgresql", "get", (*POOL, "/psycopg/")),
    ("postgresql", "update", POOL),
    ("postgresql", "create_many", POOL),
]
# Waiting for the server is the library's; here it is the locks of a run that an interrupt may come between.
IN_LOCKS = [("airtable", name, ("airtable/locks.py", "adapters/exclusion.py")) for name in ("update", "update_many")]


def held_and_released(file: SQLiteFile) -> None:
    file.hold()
    file.release()


def require_whole(store: RunRepository) -> None:
    """Each run and its log agree, what one call changed or made is there together, and other threads get at it."""
    counts = {}
    for key in (KEY, OTHER):
        record = store.get(key)
        counts[key] = record.notes
        assert record.metrics.get("n", 0) == record.notes == len(list(store.log(key)))
    if counts[OTHER]:
        assert counts[KEY] == 2 * counts[OTHER]
    new = {record.key.client_id for record in store.find(RunQuery(run_id="new"))}
    assert new in (set(), {"acme", "bolt"})
    elsewhere(lambda: store.update(KEY, RunChange(), AT))
    if isinstance(store, SQLiteRunRepository) and isinstance(store._file, SQLiteFile):  # as a fork does
        elsewhere(partial(held_and_released, store._file))


@pytest.mark.parametrize(("store", "name", "where"), [*CASES, *IN_LOCKS], indirect=["store"])
def test_an_interrupt_at_any_instant_leaves_the_store_whole_and_in_use(
    store: RunRepository, name: str, where: tuple[str, ...]
) -> None:
    for instant in count():
        interruption = Interruption(instant, interrupt, *where)
        with suppress(Interrupt):
            interruption.during(lambda: CALLS[name](store))
        if not interruption.happened:
            break
        require_whole(store)
    assert instant > 1


def test_a_store_whose_closing_was_interrupted_at_any_instant_closes(tmp_path: Path) -> None:
    for instant in count():
        store = SQLiteRunRepository(tmp_path / "runs.db")
        list(store.find(RunQuery()))
        interruption = Interruption(instant, interrupt, *OWN)
        with suppress(Interrupt):
            interruption.during(store.close)
        elsewhere(store.close)
        if not interruption.happened:
            break
    assert instant > 5
    del store
    gc.collect()
    assert not [path for path in open_files() if path.startswith(str(tmp_path))]


def test_an_interrupt_at_any_instant_of_the_heartbeats_leaves_no_run_running() -> None:
    """When they begin and when they are stopped; the store and `track` itself are not interrupted here."""
    ledger = connect("memory://", observers=())
    with ledger.track("first", "acme", heartbeat=60):  # which imports what is needed
        pass
    for instant in count():
        run_id = f"r{instant}"

        def block(run_id: str = run_id) -> None:
            with ledger.track(run_id, "acme", heartbeat=0.001):
                pass

        interruption = Interruption(instant, interrupt, "services/tracking/heartbeat")
        with suppress(Interrupt):
            interruption.during(block)
        assert list(ledger.find(status="Running")) == [], instant
        for thread in enumerate_threads():
            if thread.name == "runledger-heartbeat":
                thread.join()
        if not interruption.happened:
            break
    assert instant > 10


SENDING = ("airtable/transport.py", "adapters/exclusion.py", "/queue.py")
IN_AIRTABLE = [("airtable", name, SENDING) for name in ("get", "update")]


@pytest.mark.parametrize(("store", "name", "where"), [*CASES, *IN_AIRTABLE], indirect=["store"])
def test_a_call_within_a_call_of_its_thread_is_made_or_rejected_at_once(
    store: RunRepository, name: str, where: tuple[str, ...]
) -> None:
    made: Counter[str] = Counter()
    rejections: list[StoreUnavailable] = []

    def handle() -> None:
        for kind, call in (
            ("get", lambda: store.get(OTHER)),
            ("update", lambda: store.update(OTHER, RunChange(add={"handled": 1}), AT)),
            ("create", lambda: store.create(NewRun(RunRecord.start(RunKey("handled", f"{instant}"), AT)))),
        ):
            try:
                call()
                made[kind] += 1
            except StoreUnavailable as error:
                rejections.append(error)

    for instant in count():
        interruption = Interruption(instant, handle, *where)
        interruption.during(lambda: CALLS[name](store))
        if not interruption.happened:
            break
    assert store.get(OTHER).metrics.get("handled", 0) == made["update"]
    assert len(list(store.find(RunQuery(run_id="handled")))) == made["create"]
    assert made.total() + len(rejections) == 3 * instant
    assert rejections or name in ("get", "log", "find")
    assert {error.outcome for error in rejections} <= {Outcome.NOT_APPLIED}
    assert all("raise an exception in the handler, or set a flag" in str(error) for error in rejections)
    if name.startswith("update"):
        assert store.get(KEY).notes == (instant + 1) * (2 if name == "update_many" else 1)
    require_whole(store)


HANDLING = """
import os, signal, sys, runledger
ledger = runledger.connect(sys.argv[1], observers=())
run = ledger.start("r", "acme")
handled = rejected = 0
def handle(*_):
    global handled, rejected
    try:
        run.update(add={"handled": 1})
        handled += 1
    except runledger.StoreUnavailable:
        rejected += 1
    if handled + rejected < 400:  # not before: a slow machine would never come out of its handlers
        signal.setitimer(signal.ITIMER_REAL, 0.0007)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0007)
updates = 0
while not updates or handled + rejected < 400:
    run.update(add={"n": 1})
    updates += 1
assert run.update().metrics == {"n": updates, **({"handled": handled} if handled else {})}
def stop(*_):
    try:
        run.cancel("SIGTERM")
    except runledger.StoreUnavailable:
        raise SystemExit(143)
    os._exit(143)
signal.signal(signal.SIGTERM, stop)
with ledger.track("s", "acme"):
    print("ready", flush=True)
    while True:
        run.update(add={"n": 1})
"""


def test_a_signal_handler_that_uses_the_ledger_it_interrupts_ends(url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HANDLING, url], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.terminate()
            assert process.wait(PATIENCE) == 143
        finally:
            process.kill()


FINALISING = """
import gc, sys, runledger
ledger = runledger.connect(sys.argv[1], observers=())
run = ledger.start("r", "acme")
finalised = rejected = updates = 0
class Cycle:
    def __init__(self):
        self.itself = self
    def __del__(self):
        global finalised, rejected
        try:
            run.update(add={"finalised": 1})
            finalised += 1
        except runledger.StoreUnavailable as error:
            assert error.outcome is runledger.Outcome.NOT_APPLIED
            rejected += 1
gc.set_threshold(20, 1000, 1000)  # so that it often comes in the middle of a call
while not rejected or finalised + rejected < 100:
    Cycle()
    run.update(add={"n": 1})
    updates += 1
gc.disable()
gc.collect()  # those that are left
assert run.update().metrics == {"n": updates, **({"finalised": finalised} if finalised else {})}
ledger.close()
print("closed")
"""


def test_a_finaliser_that_uses_the_ledger_it_interrupts_ends(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FINALISING, url], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.stdout, done.stderr) == ("closed\n", "")


INTERRUPTED = """
import logging, os, signal, sys, threading, runledger
logging.disable()  # of psycopg, which reports queries that it could not cancel
ledger = runledger.connect(sys.argv[1], observers=())
ledger.start("r", "acme")
me = threading.get_ident()
over, reading, interrupts = False, False, 0
def handle(*_):
    global interrupts
    if reading:
        interrupts += 1
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, handle)
def interrupt():
    while not over:
        signal.pthread_kill(me, signal.SIGINT)
        pause.wait(0.0003)
pause = threading.Event()
sender = threading.Thread(target=interrupt)
sender.start()
while interrupts < 600:
    try:
        reading = True
        while True:
            list(ledger.find())
            ledger.get("r", "acme")
    except KeyboardInterrupt:
        reading = False
over = True
sender.join()
assert ledger.get("r", "acme").notes == 0
if os.fork() == 0:
    os._exit(0)
assert os.wait()[1] == 0
ledger.close()
print("closed")
"""


def test_hundreds_of_interrupts_lose_no_connection(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTERRUPTED, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * PATIENCE,
    )
    assert (done.stdout, done.stderr) == ("closed\n", "")


EXITING = """
import os, sys, threading, runledger
def work(call):
    started.release()
    while True:
        call()
for attempt in range(int(sys.argv[2])):
    if (pid := os.fork()) == 0:
        ledger = runledger.connect(sys.argv[1], observers=())
        run = ledger.start(f"{attempt}", "acme")
        started = threading.Semaphore(0)
        reads = (lambda: list(ledger.find()), lambda: ledger.get(f"{attempt}", "acme"))
        calls = (*reads, *reads, run.heartbeat, lambda: run.update(note="more"))
        for call in calls:
            threading.Thread(target=work, args=(call,), daemon=True).start()
        for _ in calls:
            started.acquire()
        sys.exit(attempt % 4)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == attempt % 4, f"exit {attempt} had code {code}"
print("no harm")
"""


def test_daemon_threads_that_use_a_ledger_at_exit_do_no_harm(url: str) -> None:
    times = "60" if url.startswith("sqlite") else "10"  # a slip shows in a few of a hundred
    done = subprocess.run(
        [sys.executable, "-c", EXITING, url, times], capture_output=True, text=True, check=False, timeout=3 * PATIENCE
    )
    assert (done.stdout, done.stderr) == ("no harm\n", "")


def test_a_handler_that_forks_in_the_middle_of_a_call_harms_neither_side(tmp_path: Path) -> None:
    with closing(SQLiteRunRepository(tmp_path / "runs.db")) as store:
        store.create(NewRun(RunRecord.start(KEY, AT)))
        for instant in count():
            children: list[int] = []
            interruption = Interruption(instant, lambda: children.append(os.fork()), "adapters/sql/", "/exclusion.py")  # noqa: B023
            try:
                interruption.during(lambda: store.update(KEY, NOTED, AT))
                if children == [0]:  # the child went on with a copy of the call
                    store.get(KEY)
            finally:
                if children == [0]:
                    os._exit(0)
            if not children:
                break
            assert os.waitpid(children[0], 0)[1] == 0
            assert store.get(KEY).notes == len(list(store.log(KEY))) > instant
        with closing(sqlite3.connect(tmp_path / "runs.db")) as other:
            assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert instant > 20
