"""Kept events: counts of updates of missing runs and failed starts by their call sites, in a separate file."""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import time
from datetime import datetime

from ...domain import InvalidValue, RunEvent, StoreUnusable
from ...domain.visible import visible, visible_id
from .tallies import Tallies, Tally, is_kept
from .tally_file import add, is_locked
from .worker import Worker, clock, require_bounds

_PATIENCE = 5
"""Seconds to wait for the file's lock, in the thread apart, before the next attempt is due."""
_NEXT_ATTEMPT = 30
"""Seconds until what could not be written is tried again."""

_random = random.SystemRandom()  # an application may have seeded the other one


class KeptEvents:
    """An observer that counts updates of missing runs, and failed starts, in a SQLite file for `runledger missing`.

    The file has one row for each kind and call site: how often, since when, when last, and the newest run. Any number
    of processes may share it. It holds at most `limit` call sites; events from more are counted in one row.

    Calling it only takes a note: a daemon thread makes the file with the first event of any kind, and adds to it
    `window` seconds after the first event of each batch. What cannot be written, because the file is locked or the disk
    full, is tried again; a warning of the logger `runledger` says so once. When the process exits, what waits is
    written, for at most `exit_wait` seconds. After a fork, parent and child each write what happened in them.

    Raises InvalidValue for an argument that cannot be used. A file that cannot be written raises nothing.
    """

    _due: float | None
    """When to write, by `clock`; None if nothing waits."""
    _made_at: datetime | None
    """The time of the first event, with which the file is made."""

    def __init__(
        self, file: str | os.PathLike[str], *, window: float = 1, limit: int = 1_000, exit_wait: float = 5
    ) -> None:
        require_bounds(window=window, limit=limit, exit_wait=exit_wait)
        self._path = _absolute(file)
        self._window = window
        self._limit = limit
        self._exit_wait = exit_wait
        self._worker = Worker(
            "runledger kept events",
            begin=self._begin,
            next_due=lambda: self._due,
            work=self._write_due,
            report_loss=self._report_loss,
            exit_wait=exit_wait,
        )

    def __repr__(self) -> str:
        return f"<KeptEvents in {self._path!r}>"

    def __call__(self, event: RunEvent) -> None:
        """Count an event, if it is one that is kept. Waits for nothing."""
        kept = is_kept(event)
        if not kept and self._made_at is not None:
            return
        with self._worker.lock:
            is_new = self._due is None
            if is_new:
                self._due = clock() + self._window
            self._made_at = self._made_at or event.at
            if kept:
                self._tallies.include([Tally.of(event)])
            self._worker.start()
        if is_new:
            self._worker.wake()

    def flush(self, seconds: float | None = None) -> bool:
        """Write now what waits, and wait for it, for at most `exit_wait` or these seconds. False if that was too short.

        True does not mean that the file could be written: if not, a warning says so.
        """
        return self._worker.flush(seconds)

    def close(self) -> None:
        """Flush, and warn of what may be lost. The exit of a process does so; `os._exit` and a signal do not."""
        self._worker.close()

    def _begin(self) -> None:
        self._tallies = Tallies(self._limit)
        self._writing = 0
        self._due = None
        self._made_at = None
        self._has_warned = False

    def _report_loss(self) -> None:
        with self._worker.lock:
            lost = self._writing + self._tallies.count
        if lost:
            self._warn(f"{lost:,} may be lost: writing took longer than {self._exit_wait:g} s")

    def _write_due(self, everything: bool) -> None:
        with self._worker.lock:
            if self._due is None or not (everything or self._due <= clock()):
                return
            assert self._made_at is not None
            tallies, self._due = self._tallies.take(), None
            # Should the file be made anew, because a person removed the one before, it begins with what is in it.
            made_at = min((tally.first_at for tally in tallies), default=self._made_at)
            self._writing = sum(tally.count for tally in tallies)
        try:
            self._write(tallies, made_at, patience=min(_PATIENCE, self._exit_wait))
        except Exception as error:  # whatever the file system raises; a thread that ends would count nothing more
            self._warn(f"{_reason(error)}. What is not written before the process ends is lost")
            with self._worker.lock:
                self._tallies.include(tallies)
                self._due = clock() + _NEXT_ATTEMPT
        self._writing = 0

    def _write(self, tallies: list[Tally], made_at: datetime, patience: float) -> None:
        """Add to the file, as soon as no other process does. Raises what the last attempt raised."""
        end = clock() + patience
        while True:
            try:
                add(self._path, tallies, self._limit, made_at)
                return
            except sqlite3.Error as error:
                if not is_locked(error) or clock() >= end:
                    raise
            time.sleep(_random.uniform(0.001, 0.02))  # so that two processes do not meet again

    def _warn(self, text: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            logging.getLogger("runledger").warning(
                "events cannot be kept in %s: %s", visible_id(self._path), visible(text)
            )


def _absolute(file: str | os.PathLike[str]) -> str:
    """The path of the file, which stays the same if the process changes its directory."""
    path = os.fspath(file) if isinstance(file, (str, os.PathLike)) else None
    if not isinstance(path, str) or not path or "\0" in path or "://" in path:
        raise InvalidValue(f"file is {file!r}: give the path of a file, such as 'missing.db'.")
    try:
        return os.path.abspath(path)
    except OSError:  # the working directory is gone
        return path


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") if isinstance(error, StoreUnusable) else f"{error}"
