"""Whether a store can serve, as findings in plain words. Looking changes nothing and creates nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import click

from ..domain import Finding, StoreUnusable, Verdict
from ..stores import open_repository
from .output import print_json

_COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.FIX: "red"}


def print_findings(findings: Iterable[Finding], *, as_json: bool) -> bool:
    """Print each finding as it comes, one a line (on a terminal folded to its width); whether none asks for a fix."""
    fits = True
    for found in findings:
        fits = fits and found.verdict is not Verdict.FIX
        if as_json:
            print_json({"verdict": found.verdict.value, "finding": found.what, "advice": found.advice})
            continue
        text = str(found)
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
            text = textwrap.fill(text, width, initial_indent=" " * 6, subsequent_indent=" " * 6)[6:]
        click.echo(f"{click.style(f'{found.verdict.value:<4}', fg=_COLOURS[found.verdict])}  {text}")
    return fits


def examine(url: str) -> Iterator[Finding]:
    """What there is to say about the store at `url`. Raises StoreUnavailable, or InvalidValue for a URL's option."""
    scheme = url.partition("://")[0]
    try:
        if scheme == "sqlite":
            yield from _examine_sqlite(url)
        elif scheme in ("postgresql", "postgres"):
            yield from _examine_postgresql(url)
        elif scheme == "airtable":
            yield from _examine_airtable(url)
        else:
            open_repository(url).close()
            yield Finding.ok(f"the store of {scheme}:// opens")
    except StoreUnusable as error:
        yield Finding.fix(str(error))


def _examine_sqlite(url: str) -> Iterator[Finding]:
    from ..adapters.sql.sqlite import path_of
    from ..adapters.sql.sqlite_file import has_schema

    path = Path(path_of(url)).absolute()
    if not path.parent.is_dir():
        yield Finding.fix(f"there is no folder {path.parent}", "make it, or correct the URL")
        return
    if not os.access(path.parent, os.W_OK):
        yield Finding.fix(f"the folder {path.parent} may not be written", "SQLite keeps a journal there; allow it")
        return
    if not path.exists():
        yield Finding.note(f"there is no file {path}", "`runledger init` or the first start makes it")
        return
    if not os.access(path, os.W_OK):  # SQLite itself says so only when something is written
        yield Finding.fix(f"the file {path} may not be written", "allow it")
        return
    try:
        # mode=rw never creates: https://www.sqlite.org/uri.html
        with closing(
            sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=1, isolation_level=None)
        ) as connection:
            is_ledger = has_schema(connection, str(path))
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            yield Finding.note(f"{path} is locked by another process just now", "look again when it is done")
            return
        yield Finding.fix(f"{path} cannot be used ({error})", "it must be a SQLite database that you may write")
        return
    if is_ledger:
        yield Finding.ok(f"{path} is a ledger of this version, and may be written")
    else:
        yield Finding.note(f"{path} is empty", "`runledger init` or the first start makes the ledger in it")


def _examine_postgresql(url: str) -> Iterator[Finding]:
    open_repository(url).close()  # which says in plain words why a server cannot be reached, or needs a package
    import psycopg

    try:
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(_ABOUT).fetchone()
            rights = connection.execute(_GRANTED).fetchone()
    except psycopg.Error as error:
        yield Finding.fix(f"the database cannot be looked at ({str(error).strip().partition(chr(10))[0]})")
        return
    assert row is not None
    user, database, version, read_only, has_table, may_create = row
    yield Finding.ok(f"PostgreSQL {version} answers, database {database!r}, role {user!r}")
    if read_only:
        yield Finding.fix("the server takes no writes", "name the primary server, not a standby")
    if not has_table:
        without = "" if may_create else ", by a role with the right to CREATE in the schema: this one has not"
        yield Finding.fix("there is no table run_records", f"`runledger init` makes it{without}")
        return
    yield Finding.ok("the table run_records is there")
    for (right, missing), granted in zip(_RIGHTS.items(), rights or (), strict=True):
        if granted:
            yield Finding.ok(f"the role may {right}")
        else:
            verdict = Verdict.NOTE if right == "INSERT" else Verdict.FIX
            yield Finding(verdict, f"the role may not {right}", f"{missing}; GRANT it if it should")


_ABOUT = """SELECT current_user, current_database(), current_setting('server_version'),
    current_setting('transaction_read_only')::boolean, to_regclass('run_records') IS NOT NULL,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"""
_GRANTED = """SELECT has_table_privilege(to_regclass('run_records'), 'SELECT'),
    has_table_privilege(to_regclass('run_records'), 'UPDATE'),
    has_table_privilege(to_regclass('run_records'), 'INSERT')"""
_RIGHTS = {
    "SELECT": "it can neither read nor update runs",
    "UPDATE": "it cannot update runs",
    "INSERT": "it cannot start runs, which suits a service that only updates",
}


def _examine_airtable(url: str) -> Iterator[Finding]:
    try:
        from ..adapters.airtable.schema import examine_base
    except ModuleNotFoundError as error:
        yield Finding.fix(f"airtable:// needs the package {error.name!r}", "pip install 'runledger[airtable]'")
        return
    yield from examine_base(url)
