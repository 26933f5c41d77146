"""The place of a SQLite file: opening what is at a path, and noticing that the open file is no longer the one there."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence

from ...domain import RunKey, StoreUnusable


class SQLitePlace:
    """A path, and the file that was found there first. Every later connection has to be to the same file.

    A file that was moved, deleted or replaced stays open, and SQLite writes to it without an error: what is written is
    lost to everybody who opens the path. The same is true of the write-ahead log and its index beside the file, which
    SQLite finds by name: nobody removes them as long as a connection is open.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        # Each path with device and number: the file, then those beside it.
        self._watched: list[tuple[str, int, int]] = []
        self._checked = 0.0

    def identity(self) -> tuple[int, int]:
        """Device and number of the file at the path now, which all paths to it share. Raises StoreUnusable."""
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise StoreUnusable(f"{self.path} cannot be found any more ({error.strerror}).") from error
        return found.st_dev, found.st_ino

    def connect(self, wait: float, mode: str = "rw") -> sqlite3.Connection:
        """A connection to the file. To write, it is made if it was not there the first time, and never again.

        Raises sqlite3.Error; StoreUnusable if another file, or none, is there now.
        """
        if not self._watched:
            if mode == "rw" and not os.path.exists(self.path):
                _connect(self.path, "rwc", wait).close()
            self._watched = [(self.path, *self.identity())]
        self.require_same()  # before and after: the file that SQLite opens is the one that is here both times
        connection = _connect(self.path, mode, wait)
        try:
            self.require_same()
        except StoreUnusable:
            connection.close()
            raise
        return connection

    def watch_log(self) -> None:
        """Watch the write-ahead log and its index, which are there once a connection has read, and no earlier."""
        real = os.path.realpath(self.path)  # SQLite resolves symbolic links before it names them
        beside = [(path, found) for path in (f"{real}-wal", f"{real}-shm") if (found := _number(path)) is not None]
        self._watched[1:] = [(path, *found) for path, found in beside]

    def require_same(self, key: RunKey | None = None) -> None:
        """Raise StoreUnusable, with the key, if the open file is not the one at the path."""
        self._require(self._watched[:1], key)

    def require_whole(self, key: RunKey | None = None) -> None:
        """`require_same`, and for the write-ahead log and its index too."""
        self._require(self._watched, key)

    def require_lately(self, key: RunKey | None = None) -> None:
        """`require_same` once a second, because a look at the path takes a tenth of the time of a short read."""
        if not 0 <= (now := time.monotonic()) - self._checked < 1:
            self.require_same(key)
            self._checked = now

    def _require(self, watched: Sequence[tuple[str, int, int]], key: RunKey | None) -> None:
        for path, device, number in watched:
            try:
                found = os.stat(path)
                if found.st_ino == number and found.st_dev == device:
                    continue
                is_there = True
            except OSError:
                is_there = False
            raise StoreUnusable(self._what_happened(path, is_there), key)

    def _what_happened(self, path: str, is_there: bool) -> str:
        if path != self.path:
            return (
                f"{path} was deleted or replaced while the ledger was open, and nothing more was written: it is a part "
                "of the file. Close the ledger in every process, which saves what it can, and open it again."
            )
        if is_there:
            return (
                f"{path} was replaced by another file while it was open, and nothing more was written: close it in "
                "every process, remove the -wal and -shm files that then are still beside it, as they belong to the "
                "earlier file, and open it again."
            )
        return (
            f"{path} was moved or deleted while it was open, and nothing more was written: close it in every process, "
            "put it back beside its -wal file, and open it again."
        )


def _connect(path: str, mode: str, wait: float) -> sqlite3.Connection:
    return sqlite3.connect(address(path, mode), uri=True, timeout=wait, isolation_level=None, check_same_thread=False)


def address(path: str, mode: str) -> str:
    """The URI of an absolute path for SQLite, with a mode and further options: https://www.sqlite.org/uri.html"""
    for sign in "%?#":
        path = path.replace(sign, f"%{ord(sign):x}")
    return f"file://{'' if path.startswith('/') else '/'}{path.replace(os.sep, '/')}?mode={mode}"


def _number(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
