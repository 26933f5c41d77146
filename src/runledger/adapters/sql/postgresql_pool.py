"""The pool of connections to PostgreSQL: one for each process, and what goes wrong with it as errors of the ledger."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from ...domain import CallWithinCall, Outcome, RunKey, RunLedgerError, StoreUnavailable, StoreUnusable
from ..exclusion import OnePerThread
from . import CLOSED
from .postgresql_connection import Connection, FirstConnection, is_quiet
from .postgresql_failures import translated
from .postgresql_url import connection_parameters

T = TypeVar("T")


class Connections:
    """How a repository and its access without creation reach the server: by a pool, opened by the first call.

    The constructor connects, so that a wrong address or password is reported there, with the server's reason. The pool
    takes that connection as its first.

    The child of a fork makes its own pool. It never uses or closes its parent's connections: the pool that it inherits,
    whose threads are gone and whose locks may be held, is left alone. When nothing refers to this object any more, the
    pool is closed.
    """

    def __init__(self, url: str, max_connections: int = 10, timeout: float = 10.0) -> None:
        parameters = {**connection_parameters(url), "autocommit": True}
        self._first = FirstConnection(parameters)
        self._refusals: deque[str] = deque(maxlen=1)
        self._new_pool = partial(
            _Pool,
            connection_class=Connection,
            kwargs={**parameters, "first": self._first, "refusals": self._refusals},
            min_size=0,
            max_size=max_connections,
            open=False,
            timeout=timeout,
            # The pool tries again ever more rarely; giving up early lets the next call start a fresh attempt.
            reconnect_timeout=timeout,
            name="runledger",
        )
        self._closed = False
        self._calls = OnePerThread()
        self._pools: dict[int, _Pool] = {}  # by process
        weakref.finalize(self, _close_apart, self._pools).atexit = False  # at exit the system closes what is open

    def run(self, call: Callable[[psycopg.Cursor[tuple[Any, ...]]], T], right: str, key: RunKey | None = None) -> T:
        """What `call`, which needs a right, returns for a cursor. Its connection is free again afterwards.

        What the driver raises becomes an error of the ledger. A call within another one of its thread is rejected: the
        pool's locks, or its last connection, may be in use by that one.
        """
        return self._calls.run(lambda: self._run(call, right, key), key)

    def first_row(self, statement: LiteralString) -> tuple[Any, ...] | None:
        """The first row of a statement, over the connection that the constructor made. To be called before all else."""
        return self._first.ask(statement)

    def close(self) -> None:
        """Close every connection of this process, for good."""
        self._calls.require_none()
        self._closed = True
        if connection := self._first.take():
            connection.close()
        if pool := self._pools.get(os.getpid()):
            pool.close()

    def _run(self, call: Callable[[psycopg.Cursor[tuple[Any, ...]]], T], right: str, key: RunKey | None) -> T:
        connection = None
        try:
            pool = self._pool()
            connection = pool.getconn()
            while not is_quiet(connection):
                connection.close()
                pool.putconn(connection)
                connection = pool.getconn()
            try:
                connection.begin_call(right)
                result = call(connection.kept_cursor())
                if failure := connection.unconfirmed_failure(key):
                    raise failure
            except CallWithinCall:  # of a signal handler, which interrupted this call by it
                raise
            except psycopg.Error as error:
                failure = connection.unconfirmed_failure(key) or translated(error, right, connection.closed, key)
                _put_back(pool, connection)
                raise failure from error
            except RunLedgerError:
                _put_back(pool, connection)
                raise
            _put_back(pool, connection)
            return result
        except PoolClosed:
            raise StoreUnusable(CLOSED, key) from None
        except PoolTimeout:
            if len(self._calls) <= pool.max_size:  # so there was a connection for each, or two interrupts lost it
                self._retire()
            reason = ": ".join([f"no connection within {pool.timeout:g} s", *self._refusals.copy()])
            raise StoreUnavailable(reason, Outcome.NOT_APPLIED, key) from None
        except BaseException as error:
            if not isinstance(error, RunLedgerError) or isinstance(error, CallWithinCall):
                self._retire()
                if connection is not None:
                    connection.close()
            raise

    def _retire(self) -> None:
        """Give the pool up. An interrupt at some instants loses its connections, or leaves its locks held."""
        if pool := self._pools.pop(os.getpid(), None):
            Thread(target=pool.close, daemon=True).start()

    def _pool(self) -> _Pool:
        if self._closed:
            raise PoolClosed
        pid = os.getpid()
        # If several threads come first, setdefault picks the pool of one; those of the others were never opened.
        pool = self._pools.get(pid) or self._pools.setdefault(pid, self._new_pool())
        if pool.closed:
            pool.open()
        return pool


class _Pool(ConnectionPool[Connection]):
    def __del__(self) -> None:
        """Nothing: the library's waits for the pool's threads, but may run in one of them, or in a fork's child."""


def _put_back(pool: _Pool, connection: Connection) -> None:
    connection.drop_results()
    pool.putconn(connection)


def _close_apart(pools: dict[int, _Pool]) -> None:
    """Close this process's pool in a thread apart: garbage is collected in any thread, the pool's own among them."""
    if pool := pools.get(os.getpid()):
        Thread(target=pool.close).start()
