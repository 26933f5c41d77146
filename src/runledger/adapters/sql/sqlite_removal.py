"""Removing finished runs from a SQLite file, in short transactions with pauses between them."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from functools import partial

from ...domain import BATCH, FinishedRuns, fitting
from ...domain.json_form import time_text
from .rows import finished_runs
from .sqlite_read_only import open_file
from .sqlite_url import path_of

_NEXT = "SELECT run_id, client_id, started_at, notes FROM runs WHERE {} ORDER BY started_at, run_id, client_id LIMIT ?"
# Of the very run that was found: the key may have been removed and started again meanwhile. A trigger removes its log.
_REMOVE = """DELETE FROM runs WHERE run_id = ? AND client_id = ? AND started_at = ? AND status <> 'Running'"""
_ROWS = 100
"""Rows of a batch: SQLite removes them in about the time of one durable write."""
_LEAST_PAUSE = 0.002
"""Seconds: twice as long as a writer that waits for the lock sleeps before it tries again."""


class SQLiteRunRemoval:
    """Removes the finished runs of the ledger in the file at `path`, over a separate connection; see RunRemoval.

    Raises what SQLiteRunRepository raises.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = open_file(path)

    def remove_runs(self, finished: FinishedRuns, batch: int = BATCH) -> Iterator[int]:
        rows = min(batch, _ROWS)
        after: Sequence[str] = ()
        while True:
            where, values = finished_runs(finished, "?", time_text, after)
            found = self._file.read(_NEXT.format(where), [*values, rows])  # before the lock is taken
            if not found:
                return
            chosen = [row[:3] for row in found[: fitting((row[3] for row in found), rows)]]
            began = time.monotonic()
            removed = self._file.write(partial(_remove, chosen))
            took = time.monotonic() - began
            yield removed
            # SQLite has one lock for all writers, and no queue: who asks again immediately gets it again.
            time.sleep(max(_LEAST_PAUSE, took))
            run_id, client_id, started_at = chosen[-1]
            after = started_at, run_id, client_id

    def close(self) -> None:
        self._file.close()


def open_removal(url: str) -> SQLiteRunRemoval:
    """The removal for the store at a URL that `path_of` reads."""
    return SQLiteRunRemoval(path_of(url))


def _remove(runs: Sequence[tuple[str, ...]], cursor: sqlite3.Cursor) -> int:
    return cursor.executemany(_REMOVE, runs).rowcount
