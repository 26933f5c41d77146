"""The ledger's errors for those of SQLite. Result codes: https://www.sqlite.org/rescode.html"""

from __future__ import annotations

import os
import sqlite3

from ... import domain
from ...domain import Outcome, RunKey, StoreUnavailable, StoreUnusable, UnusableForRun

FAULTS = (sqlite3.Error, UnicodeDecodeError)
"""What the driver raises. The second is for a message of SQLite that quotes what is in a damaged file."""

_RECOVER = "restore it from a backup, or save what can be read with `sqlite3 DAMAGED .recover | sqlite3 NEW`"
_DAMAGED = f"is a damaged SQLite database: {_RECOVER}"
MAY_NOT_BE_WRITTEN = "may not be written: allow writing to the file and its folder"

_ADVICE = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database: choose another file, or restore it from a backup",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FORMAT: _DAMAGED,
    sqlite3.SQLITE_READONLY: MAY_NOT_BE_WRITTEN,
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: it must be a file, and you must be allowed to write it and its folder",
    sqlite3.SQLITE_PERM: "may not be opened: allow reading and writing it",
}

_OF_A_RUN = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG)
"""A value: constraints, limits, and what a trigger of the administrator raises."""


def code_of(error: sqlite3.Error) -> int:
    """The primary result code. What only the driver rejects, such as text that is not UTF-8, has that of ERROR."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def text_or_bytes(value: bytes) -> str | bytes:
    """A connection's `text_factory` for a file with text that is not UTF-8. Such a text is bytes, as a BLOB is."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def reads_bytes(connection: sqlite3.Connection, error: BaseException) -> bool:
    """Whether a call has to be made again, because a text that it read is not UTF-8: from now on that is bytes.

    It costs a call for each text, so a connection begins without it.
    """
    # What only the driver rejects has no result code of SQLite.
    if type(error) is not sqlite3.OperationalError or hasattr(error, "sqlite_errorcode"):
        return False
    is_first = connection.text_factory is str
    connection.text_factory = text_or_bytes
    return is_first


def missing_folder(path: str) -> domain.Finding | None:
    """What keeps a file from being made at a path: that its folder is not there."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(folder) or is_hidden(folder):
        return None
    return domain.Finding.fix(f"there is no folder {folder}", "make it, or correct the URL")


def is_hidden(path: str) -> bool:
    """Whether this user may not look at a path, which os.path.exists takes for one that is missing."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


Refusal = StoreUnavailable | StoreUnusable


def refusal(
    error: sqlite3.Error | UnicodeDecodeError,
    path: str,
    key: RunKey | None = None,
    outcome: Outcome = Outcome.NOT_APPLIED,
    wait: float = 0,
) -> Refusal:
    """The error for one of FAULTS at the file at `path`. `wait` is how long its lock was waited for, in seconds."""
    if isinstance(error, UnicodeDecodeError):
        return StoreUnusable(f"{path} {_DAMAGED}.", key)
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = code_of(error)
    if code == sqlite3.SQLITE_BUSY:
        return StoreUnavailable(f"{path} was locked by another process for {wait:g} s", Outcome.NOT_APPLIED, key)
    # The second code: no room for the index of the write-ahead log, which the first connection makes.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        advice = "make room on it, then try again"
        return StoreUnavailable(f"the disk of {path} is full", Outcome.NOT_APPLIED, key, advice=advice)
    if code == sqlite3.SQLITE_IOERR:
        return StoreUnavailable(f"{path} gave an input/output error ({error})", outcome, key)
    if code in (sqlite3.SQLITE_AUTH, *_OF_A_RUN):
        kind = UnusableForRun if code in _OF_A_RUN else StoreUnusable
        return kind(f"{path} refused the statement ({error}).", key)
    missing = missing_folder(path) if code == sqlite3.SQLITE_CANTOPEN else None
    reason = missing or f"{path} {_ADVICE.get(code, f'cannot serve as a ledger ({error}): {_RECOVER}')}"
    return StoreUnusable(f"{reason}.", key)
