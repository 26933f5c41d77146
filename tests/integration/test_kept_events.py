"""Kept events are added up in one file by any number of processes, and are never in the way of the run."""

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path
from tempfile import TemporaryDirectory

import freezegun
import pytest
from commands import environment

import runledger
from runledger import (
    EventKind,
    InvalidValue,
    RunEvent,
    RunKey,
    RunLedger,
    RunNotFound,
    StoreUnavailable,
    StoreUnusable,
    aio,
)
from runledger.adapters.observers import kept_events, tally_file
from runledger.adapters.observers.tallies import OTHERS, Tally
from runledger.kept_events import KeptEvents, read

PATIENCE = 60
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "missing.db"


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What the logger runledger has warned of, as it grows."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    keep = Keep()
    logging.getLogger("runledger").addHandler(keep)
    yield said
    logging.getLogger("runledger").removeHandler(keep)


def migrating(kept: KeptEvents, clock: Callable[[], datetime] = lambda: AT) -> RunLedger:
    return runledger.connect("memory://", observers=[kept], on_missing="report", clock=clock)


def missing(site: str, run: str = "r", at: datetime = AT) -> RunEvent:
    return RunEvent(kind=EventKind.MISSING, key=RunKey(run, "acme"), at=at, call_site=site)


def counts(file: Path) -> dict[str, int]:
    return {tally.call_site: tally.count for tally in read(file).tallies}


def test_an_update_of_a_missing_run_is_kept_with_its_call_site_and_goes_on(file: Path) -> None:
    kept = KeptEvents(file)
    now = AT
    ledger = migrating(kept, lambda: now)
    for minutes, run in enumerate(("first", "second", "third")):
        now = AT + timedelta(minutes=minutes)
        assert ledger.updates.update(run, "acme", note="n") is None
    assert kept.flush(PATIENCE)
    [tally] = read(file).tallies
    assert tally.call_site.startswith(f"{__file__}:")
    assert tally.call_site.endswith(" in test_an_update_of_a_missing_run_is_kept_with_its_call_site_and_goes_on")
    assert (tally.kind, tally.count, tally.key) == (EventKind.MISSING, 3, RunKey("third", "acme"))
    assert (tally.first_at, tally.last_at) == (AT, AT + timedelta(minutes=2))


def test_an_update_that_raises_and_a_failed_start_are_kept_and_a_read_is_not(file: Path) -> None:
    kept = KeptEvents(file)
    ledger = runledger.connect("memory://", observers=[kept])
    with pytest.raises(RunNotFound):
        ledger.updates.complete("r", "acme")
    with pytest.raises(RunNotFound):
        ledger.get("r", "acme")
    with pytest.raises(InvalidValue):
        ledger.start("", "acme")
    assert kept.flush(PATIENCE)
    assert sorted(tally.kind.value for tally in read(file).tallies) == ["run_missing", "start_failed"]


def test_the_first_event_of_any_kind_makes_the_file_so_that_one_sees_that_a_service_uses_it(file: Path) -> None:
    kept = KeptEvents(file)
    ledger = migrating(kept)
    assert not file.exists()
    ledger.start("r", "acme")
    assert kept.flush(PATIENCE)
    found = read(file)
    assert (found.since, found.tallies) == (AT, ())


def test_a_file_that_a_person_removed_begins_anew_with_the_next_missing_run(file: Path) -> None:
    kept = KeptEvents(file)
    kept(missing("a"))
    assert kept.flush(PATIENCE)
    file.unlink()
    kept(missing("a", at=AT + timedelta(hours=1)))
    assert kept.flush(PATIENCE)
    assert (read(file).since, counts(file)) == (AT + timedelta(hours=1), {"a": 1})


def test_an_update_in_a_coroutine_is_kept_with_its_place_in_the_coroutine(file: Path) -> None:
    kept = KeptEvents(file)

    async def score() -> None:
        async with aio.connect("memory://", observers=[kept], on_missing="report") as ledger:
            await ledger.updates.update("r", "acme", note="n")

    asyncio.run(score())
    assert kept.flush(PATIENCE)
    [tally] = read(file).tallies
    assert tally.call_site.startswith(f"{__file__}:")
    assert tally.call_site.endswith(".score")


def test_the_most_frequent_call_site_comes_first(file: Path) -> None:
    kept = KeptEvents(file)
    for site in "baacccd":
        kept(missing(site))
    assert kept.flush(PATIENCE)
    assert list(counts(file).items()) == [("c", 3), ("a", 2), ("b", 1), ("d", 1)]


def test_a_file_keeps_at_most_so_many_call_sites_and_counts_the_others(file: Path) -> None:
    first, second = KeptEvents(file, limit=3), KeptEvents(file, limit=3)
    for site in "ab":
        first(missing(site))
    assert first.flush(PATIENCE)
    for site in "bbcde":
        second(missing(site))
    assert second.flush(PATIENCE)
    first(missing("f"))
    first(missing("a", "newest"))
    assert first.flush(PATIENCE)
    assert counts(file) == {"a": 2, "b": 3, "c": 1, OTHERS: 3}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM tallies").fetchone() == (4,)


def test_of_two_processes_the_one_that_is_late_does_not_replace_the_newest_run(file: Path) -> None:
    later, minute = AT + timedelta(minutes=1), timedelta(minutes=1)
    for run, at in (("newest", later), ("late", AT), ("later", later - minute / 2)):
        tally_file.add(str(file), [Tally.of(missing("a", run, at))], 10, AT)
    [tally] = read(file).tallies
    assert (tally.count, tally.key, tally.first_at, tally.last_at) == (3, RunKey("newest", "acme"), AT, later)


def test_events_of_many_threads_are_all_counted(file: Path) -> None:
    kept = KeptEvents(file, window=0)

    def count() -> None:
        for _ in range(500):
            kept(missing("a"))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert kept.flush(PATIENCE)
    assert counts(file) == {"a": 4_000}


SCRIPT = """
import os, signal, sys
import runledger
from runledger.kept_events import KeptEvents

file, count, ending = sys.argv[1:]
kept = KeptEvents(file, window=0 if ending == "many" else 3600, exit_wait=60)
ledger = runledger.connect("memory://", observers=[kept], on_missing="report")
if ending == "SIGTERM":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
if ending == "many":
    sys.stdin.readline()
for number in range(int(count)):
    ledger.updates.update("r", str(number))
if ending == "SIGTERM":
    os.kill(os.getpid(), signal.SIGTERM)
if ending == "killed":
    kept.flush()
    print("written", flush=True)
    ledger.updates.update("r", "lost")
    signal.pause()
if ending == "exception":
    raise SystemExit("the end")
"""


def a_process(file: Path, count: int, ending: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(file), str(count), ending],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_counts_of_many_processes_are_added_up(file: Path) -> None:
    processes = [a_process(file, 300, "many") for _ in range(8)]
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in processes:
        assert each.communicate(timeout=PATIENCE)[1] == ""
    assert counts(file) == {"<string>:14 in <module>": 2_400}


@pytest.mark.parametrize(("ending", "code"), [("end", 0), ("SIGTERM", 143), ("exception", 1)])
def test_at_the_end_of_a_process_what_waits_is_written(file: Path, ending: str, code: int) -> None:
    process = a_process(file, 3, ending)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert list(counts(file).values()) == [3]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_a_signal_ends_loses_only_what_was_not_due_yet(file: Path, by: signal.Signals) -> None:
    process = a_process(file, 3, "killed")
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(by)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -by
    assert list(counts(file).values()) == [3]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_after_a_fork_parent_and_child_each_write_what_happened_in_them(file: Path) -> None:
    kept = KeptEvents(file, window=3600)
    kept(missing("parent"))
    pid = os.fork()
    if pid == 0:
        kept(missing("child"))
        os._exit(not kept.flush(PATIENCE))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert counts(file) == {"child": 1}
    assert kept.flush(PATIENCE)
    assert counts(file) == {"parent": 1, "child": 1}


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_at_any_moment_of_a_write_leaves_a_child_that_can_write(file: Path) -> None:
    kept = KeptEvents(file, window=0)
    children = []
    for _ in range(50):
        for _ in range(5):
            kept(missing("parent"))
        if (pid := os.fork()) == 0:
            kept(missing("child"))
            os._exit(not kept.flush(PATIENCE))
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 50
    assert kept.flush(PATIENCE)
    assert counts(file) == {"parent": 250, "child": 50}


def test_a_fork_waits_for_the_write_that_is_under_way(file: Path) -> None:
    """Of a child that inherited SQLite in the middle of it, the locks would never be released."""
    order = []
    tally_file._writing.lock.acquire()

    def release() -> None:
        order.append("written")
        tally_file._writing.lock.release()

    timer = threading.Timer(0.2, release)
    timer.start()
    if (pid := os.fork()) == 0:
        os._exit(tally_file._writing.lock.locked())
    order.append("forked")
    timer.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert order == ["written", "forked"]
    assert not tally_file._writing.lock.locked()


def count_in_a_process(file: Path) -> None:
    KeptEvents(file, window=3600, exit_wait=PATIENCE)(missing("process"))


@pytest.mark.parametrize("method", [get_context("fork"), get_context("spawn")])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_process_of_multiprocessing_writes_at_its_end(file: Path, method: ForkContext | SpawnContext) -> None:
    process = method.Process(target=count_in_a_process, args=(file,))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0
    assert counts(file) == {"process": 1}


def test_a_locked_file_delays_no_call_and_is_written_when_it_is_free(
    file: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_events, "_PATIENCE", 0)
    kept = KeptEvents(file)
    ledger = migrating(kept)
    ledger.start("r", "acme")
    assert kept.flush(PATIENCE)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(3):
            ledger.updates.update("missing", "acme")
            assert kept.flush(PATIENCE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tally_file, "_PATIENCE", 0)
            with pytest.raises(StoreUnavailable, match=f"{file} is locked"):
                read(file)
    assert warnings == [
        f"events cannot be kept in {file}: database is locked. What is not written before the process ends is lost"
    ]
    assert kept.flush(PATIENCE)
    assert list(counts(file).values()) == [3]


def test_a_lock_that_is_soon_released_is_waited_for_in_the_thread_apart(file: Path, warnings: list[str]) -> None:
    kept = KeptEvents(file, window=0)
    kept(missing("a"))
    assert kept.flush(PATIENCE)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        kept(missing("a"))
        assert kept.flush(0.2) is False
        other.execute("COMMIT")
    assert kept.flush(PATIENCE)
    assert (counts(file), warnings) == ({"a": 2}, [])


def test_what_a_locked_file_may_have_cost_is_reported_at_the_end(file: Path, warnings: list[str]) -> None:
    kept = KeptEvents(file, exit_wait=0.2)
    kept(missing("a"))
    assert kept.flush(PATIENCE)
    kept._exit_wait = PATIENCE  # so that only the end is impatient
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        kept(missing("a"))
        kept(missing("b"))
        kept.close()
        assert len(warnings) == 1
        assert warnings[0].startswith(f"events cannot be kept in {file}: 2 may be lost: writing took longer than ")


def refused(file: Path, count: int = 2, before: str = "") -> str:
    """What a process without rights writes to standard error, which keeps events in a file that cannot be written."""
    script = (
        "import os, sys, runledger\n"
        "from runledger.kept_events import KeptEvents\n"
        "kept = KeptEvents(sys.argv[1])\n"
        "ledger = runledger.connect('memory://', observers=[kept], on_missing='report')\n"
        f"{before}\n"
        f"for i in range({count}): ledger.updates.update('r', 'acme'); assert kept.flush()\n"
        "ledger.start('r', 'acme').complete()\n"
        "print(ledger.get('r', 'acme').status.value)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert done.stdout == "Completed\n"
    return done.stderr


NOBODY = "if os.geteuid() == 0: import tempfile, random, sqlite3; os.setgroups([]); os.setuid(65534)"


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_or_file_that_may_not_be_written_costs_counts_and_one_warning(made: bool) -> None:
    with TemporaryDirectory() as temporary:  # not pytest's, whose folders another user may not enter
        file = Path(temporary, "missing.db")
        if made:
            tally_file.add(str(file), [], 10, AT)
            file.chmod(0o444)
        file.parent.chmod(0o555)
        said = refused(file, before=NOBODY)
    reason = "attempt to write a readonly database" if made else "unable to open database file"
    end = "What is not written before the process ends is lost"
    assert said == f"events cannot be kept in {file}: {reason}. {end}\n"


def test_a_full_disk_costs_counts_and_one_warning(file: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    said = refused(file, before=full)
    assert said.count("\n") == 1
    assert said.startswith(f"events cannot be kept in {file}: ")


def test_a_folder_that_is_missing_costs_counts_and_one_warning(tmp_path: Path, warnings: list[str]) -> None:
    kept = KeptEvents(tmp_path / "none" / "missing.db")
    for _ in range(2):
        kept(missing("a"))
        assert kept.flush(PATIENCE)
    assert [text.partition(": ")[2].partition(".")[0] for text in warnings] == ["unable to open database file"]


def test_a_ledger_is_no_file_of_kept_events_and_stays_as_it_is(tmp_path: Path, warnings: list[str]) -> None:
    store = tmp_path / "runs.db"
    with runledger.connect(store, observers=()) as ledger:
        ledger.start("r", "acme")
    before = store.read_bytes()
    kept = KeptEvents(store)
    kept(missing("a"))
    assert kept.flush(PATIENCE)
    [text] = warnings
    assert f": {store} is not a file of kept events of this version: give another path. What" in text
    with pytest.raises(StoreUnusable, match="is not a file of kept events of this version: give another path"):
        read(store)
    assert store.read_bytes() == before


def test_a_file_of_kept_events_is_no_ledger(file: Path) -> None:
    tally_file.add(str(file), [], 10, AT)
    with pytest.raises(StoreUnusable):
        runledger.connect(file, observers=()).start("r", "acme")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file .*missing.db: correct the path, or see that a service keeps its events there"),
        (b"", "is empty: no service keeps its events there yet"),
        (b"no database" * 100, "cannot be read .file is not a database.: give a file in which a service keeps"),
    ],
)
def test_what_cannot_be_read_is_one_clear_sentence(file: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StoreUnusable, match=message):
        read(file)


@pytest.mark.parametrize("damage", ["kind = 'other'", "first_at = 'x'", "run_id = ''", "call_site = x'ff'"])
def test_a_row_that_cannot_be_read_is_one_clear_sentence(file: Path, damage: str) -> None:
    tally_file.add(str(file), [Tally.of(missing("a"))], 10, AT)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE tallies SET {damage}")  # noqa: S608
    with pytest.raises(StoreUnusable, match="cannot be read"):
        read(file)


def test_events_are_written_while_a_test_has_frozen_the_clock(file: Path) -> None:
    kept = KeptEvents(file, window=0.05)
    with freezegun.freeze_time("2025-11-24 08:15"):
        runledger.connect("memory://", observers=[kept], on_missing="report").updates.update("r", "acme")
        while not file.exists():
            os.sched_yield()
        assert kept.flush(PATIENCE)
    [tally] = read(file).tallies
    assert (tally.first_at, tally.last_at) == (AT, AT)


def test_a_signal_handler_may_come_at_any_instant_of_a_count(file: Path) -> None:
    kept = KeptEvents(file, window=0)
    within = calls = 0

    def handle(*_: object) -> None:
        nonlocal within
        within += 1
        kept(missing("a"))

    before = signal.signal(signal.SIGVTALRM, handle)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
    try:
        while within < 50:
            kept(missing("a"))
            calls += 1
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert kept.flush(PATIENCE)
    assert counts(file) == {"a": calls + within}


def test_the_path_stays_the_same_when_the_directory_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = KeptEvents("missing.db")
    monkeypatch.chdir("/")
    kept(missing("a"))
    assert kept.flush(PATIENCE)
    assert counts(tmp_path / "missing.db") == {"a": 1}
    assert repr(kept) == f"<KeptEvents in '{tmp_path}/missing.db'>"


@pytest.mark.parametrize("path", ["", "sqlite:///missing.db", "a\0b", None, 7, b"missing.db"])
def test_what_is_no_path_is_one_clear_sentence(path: str) -> None:
    with pytest.raises(InvalidValue, match=r"give the path of a file, such as 'missing.db'\."):
        KeptEvents(path)


@pytest.mark.parametrize(
    "wrong", [{"window": -1}, {"window": float("inf")}, {"exit_wait": "5"}, {"limit": 0}, {"limit": 2.5}]
)
def test_a_wrong_argument_is_named(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidValue, match=next(iter(wrong))):
        KeptEvents("missing.db", **wrong)  # type: ignore[arg-type]


def test_without_an_event_no_thread_is_started_and_nothing_is_made(file: Path) -> None:
    before = set(threading.enumerate())  # of other tests, and they may end
    kept = KeptEvents(file)
    migrating(kept)
    assert kept.flush(0)
    kept.close()
    assert not file.exists()
    assert set(threading.enumerate()) <= before
