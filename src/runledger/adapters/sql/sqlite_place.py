"""The place of a SQLite file: opening what is at a path, and noticing that the open file is no longer the one there."""

from __future__ import annotations

import os
import sqlite3

from ...domain import RunKey, StoreUnusable


class SQLitePlace:
    """A path, and the file that was found there first. Every later connection has to be to the same file.

    A file that was moved, deleted or replaced stays open, and SQLite writes to it without an error: what is written is
    lost to everybody who opens the path. The same is true of the write-ahead log and its index beside the file, which
    SQLite finds by name: nobody removes them as long as a connection is open.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        self._file: tuple[int, int] | None = None
        self._beside: dict[str, tuple[int, int]] = {}

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
        if self._file is None:
            if mode == "rw" and not os.path.exists(self.path):
                _connect(self.path, "rwc", wait).close()
            self._file = self.identity()
        self.require_same()  # before and after: the file that SQLite opens is the one that is here both times
        connection = _connect(self.path, mode, wait)
        try:
            self.require_same()
        except StoreUnusable:
            connection.close()
            raise
        return connection

    def remember_log(self) -> None:
        """Remember the write-ahead log and its index, which are there once a connection has read, and no earlier."""
        real = os.path.realpath(self.path)  # SQLite resolves symbolic links before it names them
        found = {path: _number(path) for path in (f"{real}-wal", f"{real}-shm")}
        self._beside = {path: number for path, number in found.items() if number is not None}

    def require_same(self, key: RunKey | None = None) -> None:
        """Raise StoreUnusable, with the key, if the open file is not the one at the path."""
        found = _number(self.path)
        if self._file is None or found == self._file:
            return
        if found is None:
            raise StoreUnusable(
                f"{self.path} was moved or deleted while it was open, and nothing was written: close it in every "
                "process, put it back beside its -wal file, and open it again.",
                key,
            )
        raise StoreUnusable(
            f"{self.path} was replaced by another file while it was open, and nothing was written: close it in every "
            "process, remove the -wal and -shm files that then are still beside it, as they belong to the earlier "
            "file, and open it again.",
            key,
        )

    def require_whole(self, key: RunKey | None = None) -> None:
        """`require_same`, and for the write-ahead log and its index too."""
        self.require_same(key)
        for path, number in self._beside.items():
            if _number(path) != number:
                raise StoreUnusable(
                    f"{path} was deleted or replaced while the ledger was open, and nothing was written: it is a part "
                    "of the file. Close the ledger in every process, which saves what it can, and open it again.",
                    key,
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
