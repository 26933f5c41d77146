"""SQLite as a backend: examining and preparing a file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from ... import domain
from ...domain import Backend, StoreUnusable
from .sqlite import open_url
from .sqlite_errors import FAULTS, code_of, is_hidden, missing_folder, refusal
from .sqlite_file import SQLiteFile
from .sqlite_place import address
from .sqlite_read_only import is_readable, is_writable
from .sqlite_schema import has_schema, make_schema
from .sqlite_url import path_of, url_of


def _examine(url: str) -> Iterator[domain.Finding]:
    path = os.path.abspath(path_of(url))
    if found := _obstacle(path):
        yield found
        return
    if not os.path.exists(path):
        yield domain.Finding.note(f"there is no file {path}", "`runledger init` or the first start makes it")
        return
    try:
        with closing(sqlite3.connect(address(path, "rw"), uri=True, timeout=1, isolation_level=None)) as connection:
            is_ledger = has_schema(connection, path)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except FAULTS as error:
        if isinstance(error, sqlite3.Error) and code_of(error) == sqlite3.SQLITE_BUSY:
            yield domain.Finding.note(f"{path} is locked by another process just now", "look again when it is done")
            return
        raise refusal(error, path) from error
    if is_ledger:
        yield domain.Finding.ok(f"{path} is a ledger of this version, and may be written")
    else:
        yield domain.Finding.note(f"{path} is empty", "`runledger init` or the first start makes the ledger in it")


def _obstacle(path: str) -> domain.Finding | None:
    """What keeps us from reading and writing the file, as far as its permissions show: SQLite says so only later."""
    if missing := missing_folder(path):
        return missing
    folder = os.path.dirname(path)
    if (os.path.exists(path) or is_hidden(path)) and not is_readable(path):
        return domain.Finding.fix(f"the file {path} may not be read", "allow reading the file, and entering its folder")
    if not is_writable(folder):
        return domain.Finding.fix(f"the folder {folder} may not be written", "SQLite keeps a journal there; allow it")
    if os.path.exists(path) and not is_writable(path):
        return domain.Finding.fix(f"the file {path} may not be written", "allow it")
    return None


def _prepare(url: str, _: object) -> list[domain.Finding]:
    """Make the schema in an empty file, or migrate a file of an older version."""
    from .sqlite_migration import migrate  # here, because only `init` migrates

    done: list[domain.Finding] = []

    def make_or_migrate(connection: sqlite3.Connection, path: str) -> None:
        if migrated := migrate(connection, path):
            done.append(migrated)
        make_schema(connection, path)

    path = os.path.abspath(path_of(url))
    if found := _obstacle(path):  # opening a ledger that is there does not show it
        raise StoreUnusable(f"{found}.")
    with closing(SQLiteFile(path, make_schema=make_or_migrate)) as file:
        file.write(lambda _: None)
    return done


def _removal(url: str) -> domain.RunRemoval:
    from .sqlite_removal import open_removal  # here, as only `prune` needs it

    return open_removal(url)


def _makes_on_open(url: str) -> str | None:
    path = path_of(url)
    if os.path.exists(path) or is_hidden(path):
        return None
    if missing := missing_folder(path):  # opening would not make it, nor the file
        raise StoreUnusable(f"{missing}.")
    return f"file {path}"


def _absolute_url(url: str) -> str:
    path = path_of(url)
    if os.path.isabs(path) and not url.startswith("sqlite:///~"):
        return url
    try:
        return url_of(os.path.abspath(path))
    except OSError:
        raise StoreUnusable("the working directory is gone: name the store by an absolute path.") from None


BACKEND = Backend(
    open=open_url,
    examine=_examine,
    prepare=_prepare,
    removal=_removal,
    makes_on_open=_makes_on_open,
    absolute_url=_absolute_url,
)
