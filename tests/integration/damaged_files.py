"""Ledgers in SQLite files, damaged at random: what is done to them, and what is tried on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, product
from pathlib import Path
from random import Random
from shutil import copyfile

from commands import all_output

from runledger import NewRun, RunChange, RunKey, RunLedgerError, RunQuery, RunRecord, RunStatus
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.adapters.sql.sqlite_removal import SQLiteRunRemoval
from runledger.domain import FinishedRuns
from runledger.testing.runs import changed

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
PAGE = 4096
STATUSES = (None, RunStatus.COMPLETED, RunStatus.FAILED)
COMMANDS = (
    ["list"],
    ["list", "--json"],
    ["show", "run-3", "client-0"],
    ["summary"],
    ["stale", "--older-than", "1h"],
    ["export", "-"],
    ["doctor"],
    ["init"],
    ["update", "run-3", "client-0", "--note", "n"],
    ["latest"],
    ["prune", "--older-than", "1d", "--dry-run"],
    ["prune", "--older-than", "1d", "--yes"],
)


def run(number: int) -> NewRun:
    """A run with metrics and, mostly, notes; some have finished."""
    key = RunKey(f"run-{number}", f"client-{number % 3}")
    record = RunRecord.start(key, AT + timedelta(minutes=number), metrics={"rows": number, "at": AT, "name": "ä" * 9})
    notes = [RunChange(note=f"note {i} of run {number}: ü") for i in range(130 if number == 3 else number % 5)]
    end = [RunChange(status=status, error="äh") for status in STATUSES[number % 3 : number % 3 + 1] if status]
    return changed(NewRun(record), *notes, *end, at=AT + timedelta(hours=number))


def make_ledgers(folder: Path) -> tuple[Path, Path]:
    """A ledger whose file has everything, and one of which a part is in the write-ahead log beside it."""
    whole, live = folder / "whole.db", folder / "live.db"
    with closing(SQLiteRunRepository(whole)) as repository:
        repository.create_many([run(number) for number in range(40)])
    copyfile(whole, folder / "open.db")
    with closing(SQLiteRunRepository(folder / "open.db")) as repository:
        repository.create_many([run(number) for number in range(40, 50)])
        repository.update(run(3).key, RunChange(note="in the log"), AT)
        for end in ("", "-wal"):
            copyfile(f"{folder}/open.db{end}", f"{live}{end}")
    return whole, live


def damage(content: bytearray, random: Random) -> None:
    """Change the content of a file in one of many ways."""
    at = random.randrange(len(content))
    page = at // PAGE * PAGE
    match random.randrange(9):
        case 0:
            for _ in range(random.randrange(1, 30)):
                content[random.randrange(len(content))] = random.randrange(256)
        case 1:
            content[at] ^= 1 << random.randrange(8)
        case 2:
            size = random.randrange(1, PAGE)
            content[at : at + size] = bytes(len(content[at : at + size]))
        case 3:
            del content[at : at + random.randrange(1, 64)]
        case 4:
            del content[at:]
        case 5:  # the header: of the file, or of a page
            content[(at := random.choice([page, 0]) + random.randrange(100)) : at + 1] = random.randbytes(1)
        case 6:
            content[page : page + PAGE] = random.randbytes(len(content[page : page + PAGE]))
        case 7:  # the texts, more than the structure
            for _ in range(20):
                if (found := content.find(random.choice([b"run-", b"2025", b"{", b"CREATE", b"note"]), at)) >= 0:
                    content[max(0, found + random.randrange(-16, 9))] = random.randrange(256)
        case _:
            other = random.randrange(len(content)) // PAGE * PAGE
            content[page : page + PAGE], content[other : other + PAGE] = (
                content[other : other + PAGE],
                content[page : page + PAGE],
            )


def damaged(ledgers: Sequence[Path], path: Path, seed: int) -> None:
    """Make at `path` one of the ledgers with the damage of this seed."""
    random = Random(seed)
    chosen = random.choice(ledgers)
    ends = [end for end in ("", "-wal") if Path(f"{chosen}{end}").exists()]
    harmed = random.choice(ends)
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    for end in ends:
        content = bytearray(Path(f"{chosen}{end}").read_bytes())
        if end == harmed:
            damage(content, random)
        Path(f"{path}{end}").write_bytes(content)


def calls(path: Path) -> Iterator[Callable[[], object]]:
    """Every call that an application may make on the file, one after another; nothing, if it cannot be opened."""
    try:
        repository = SQLiteRunRepository(path, synchronous="NORMAL")
    except RunLedgerError:
        return
    keys = [run(number).key for number in range(46)]
    queries = (RunQuery(), RunQuery(status=RunStatus.FAILED), RunQuery(client_id="client-1"))
    changes = (RunChange(note="n"), RunChange(add={"n": 1}), RunChange(status=RunStatus.COMPLETED))
    with closing(repository), closing(SQLiteRunRemoval(path)) as removal:
        for key in (keys[0], keys[3], keys[4], keys[45]):
            yield partial(repository.get, key)
            yield partial(_listed, repository.log, key)
        for query in queries:
            yield partial(_listed, repository.find, query)
            yield partial(_listed, repository.find_with_logs, query)
            yield partial(repository.summary, query)
        for key, change in product((keys[0], keys[3]), changes):
            yield partial(repository.update, key, change, AT)
        yield partial(repository.update_many, [(key, RunChange(note="m")) for key in keys[:40]], AT)
        yield partial(repository.create, run(100))
        yield partial(repository.create_many, [run(number) for number in range(101, 120)])
        yield partial(_listed, removal.remove_runs, FinishedRuns(before=datetime(2030, 1, 1, tzinfo=UTC)))


def _listed(call: Callable[..., Iterator[object]], *arguments: object) -> list[object]:
    return list(call(*arguments))


def _run_command(*command: str, store: str) -> None:
    output = all_output(*command, RUNLEDGER_STORE=store)
    assert not output.startswith("Usage:"), output


def faults(ledgers: Sequence[Path], path: Path, seed: int, commands: Sequence[Sequence[str]] = ()) -> Iterator[str]:
    """What raised anything but an error of the ledger, on the ledger that this seed chooses and damages.

    A command that would end with a traceback is one of them, and one that does not know its options.
    """
    damaged(ledgers, path, seed)
    shown: list[Callable[[], object]] = [
        partial(_run_command, *command, store=f"sqlite:///{path}") for command in commands
    ]
    for attempt in chain(shown, calls(path)):
        try:
            with suppress(RunLedgerError):
                attempt()
        except Exception as error:
            yield f"seed {seed}, {attempt}: {type(error).__name__}: {error}"
