"""Uses a SQLite ledger while the disk fails, and compares what was acknowledged with what is in the file.

A program: `faulty_ledger.py FOLDER METHOD` lets each call of a method of the disk fail in turn (see `failing_disk`);
`faulty_ledger.py FOLDER size` lets no file grow beyond a size, for each size in turn. Prints what is wrong, and then
how many faults it has tried.
"""

from __future__ import annotations

import resource
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from failing_disk import ERRORS, FailingDisk

from runledger import NewRun, Outcome, RunChange, RunKey, RunQuery, RunRecord, StoreUnavailable
from runledger.adapters.sql.sqlite import SQLiteRunRepository

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
NOTE = RunChange(note="n" * 300)
OLD = [RunKey(f"old-{i}", "acme") for i in range(20)]


def new(run_id: str) -> NewRun:
    return NewRun(RunRecord.start(RunKey(run_id, "acme"), AT))


Step = Callable[[SQLiteRunRepository], object]
STEPS: dict[str, tuple[Step, set[str]]] = {
    "start": (lambda ledger: ledger.create(new("a")), {"a"}),
    "update": (lambda ledger: ledger.update(OLD[0], NOTE, AT), {"old-0"}),
    "bulk start": (lambda ledger: ledger.create_many([new(f"b{i}") for i in range(9)]), {f"b{i}" for i in range(9)}),
    "bulk update": (
        lambda ledger: ledger.update_many([(key, NOTE) for key in OLD[2:]], AT),
        {key.run_id for key in OLD[2:]},
    ),
    "last update": (lambda ledger: ledger.update(OLD[1], NOTE, AT), {"old-1"}),
}
"""What is done, one after another, and to which runs. Each is done to other runs."""


def make_ledger(path: Path) -> None:
    with closing(SQLiteRunRepository(path)) as ledger:
        ledger.create_many([new(key.run_id) for key in OLD])


def wrongs(path: Path, recover: Callable[[], None]) -> Iterator[str]:
    """What is wrong after all steps, of which some fail until `recover` is called."""
    outcomes: dict[str, Outcome | None] = {}
    crashes: dict[str, dict[str, bytes]] = {}
    ledger: SQLiteRunRepository | None = None
    for name, (step, _) in STEPS.items():
        try:
            ledger = ledger or SQLiteRunRepository(path)
            step(ledger)
            outcomes[name] = None
        except StoreUnavailable as error:
            outcomes[name] = error.outcome
            crashes[name] = {
                end: Path(f"{path}{end}").read_bytes() for end in ("", "-wal") if Path(f"{path}{end}").exists()
            }
    if ledger is not None:
        ledger.close()
    recover()
    logs = read_logs(path)
    yield from (wrong for name in STEPS if (wrong := misjudged(name, outcomes[name], logs)))
    for name, files in crashes.items():  # had the process been killed after the error
        for end, content in files.items():
            Path(f"{path}.crashed{end}").write_bytes(content)
        if wrong := misjudged(name, outcomes[name], read_logs(Path(f"{path}.crashed"))):
            yield f"after a crash, {wrong}"


def read_logs(path: Path) -> dict[str, int]:
    """How many lines the log of each run has, in a file that is sound and can be written."""
    with closing(SQLiteRunRepository(path)) as ledger:
        logs = {record.key.run_id: len(log) for record, log in ledger.find_with_logs(RunQuery())}
        ledger.update(OLD[0], NOTE, AT)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return logs


def misjudged(name: str, outcome: Outcome | None, logs: dict[str, int]) -> str:
    """What is wrong with the outcome of a step, if these are the logs afterwards."""
    after = 0 if "start" in name else 1
    there = {logs.get(run_id, -1) - after for run_id in STEPS[name][1]}
    allowed = {None: [{0}], Outcome.NOT_APPLIED: [{-1}], Outcome.UNKNOWN: [{0}, {-1}]}[outcome]
    return "" if there in allowed else f"{name} ended as {outcome}, and {logs} is there"


def with_failing_calls(folder: Path, method: str) -> Iterator[str]:
    """Let each call of the method fail in turn, alone and with all that follow, until there is no such call."""
    disk = FailingDisk()
    for error in ERRORS[method]:
        for lasting in (False, True):
            for call in count(1):
                path = copied(folder)
                disk.arm(method, call, error, lasting)
                yield from (f"{wrong} ({method} {call}, {error}, {lasting})" for wrong in wrongs(path, disk.disarm))
                if not disk.fired:
                    break
                yield ""


def with_bounded_sizes(folder: Path) -> Iterator[str]:
    """Let no file grow beyond a size, for sizes from none to enough."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

    def recover() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    for size in range(0, 200_000, 1900):
        path = copied(folder)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited[1]))
        yield from (f"{wrong} (at most {size} bytes)" for wrong in wrongs(path, recover))
        yield ""


def copied(folder: Path) -> Path:
    """A new copy of the ledger."""
    path = folder / "runs.db"
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    return Path(shutil.copyfile(folder / "template.db", path))


def main() -> None:
    folder, what = Path(sys.argv[1]), sys.argv[2]
    make_ledger(folder / "template.db")
    tried = 0
    for wrong in with_bounded_sizes(folder) if what == "size" else with_failing_calls(folder, what):
        if wrong:
            print(wrong)
        tried += not wrong
    print(tried)


if __name__ == "__main__":
    main()
