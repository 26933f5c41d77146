"""Connections to PostgreSQL, and what goes wrong with them as errors of the ledger."""

from __future__ import annotations

import os
import re
import select
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread, get_ident
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from ...domain import CallWithinCall, Outcome, RunKey, RunLedgerError, StoreUnavailable, StoreUnusable

T = TypeVar("T")

_DEFAULTS = conninfo_to_dict(
    "connect_timeout=5 keepalives_idle=30 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=20000",
    application_name="runledger",
)
# The fixed ones keep values and rules independent of how the server is configured: times are read as texts.
_OPTIONS = "-c statement_timeout=30s -c lock_timeout=10s "
_FIXED_OPTIONS = (
    " -c TimeZone=UTC -c DateStyle=ISO -c extra_float_digits=1 "
    r"-c default_transaction_isolation=read\ committed"
)
_REFUSED_FOR_GOOD = re.compile(
    "authentication failed|no pg_hba.conf entry|no password supplied|does not exist|permission denied|not permitted"
)
# The server's transaction was rolled back: resources, operator, conflict, lock, system, and connection classes.
_TRANSIENT = ("53", "57", "40", "55P03", "58", "08")
_RIGHTS = {
    "SELECT": "SELECT on runs and run_notes",
    "UPDATE": "SELECT and UPDATE on runs, and to SELECT and INSERT on run_notes",
    "INSERT": "SELECT and INSERT on runs and run_notes",
    "DELETE": "SELECT, UPDATE and DELETE on runs",
    "CREATE": "CREATE in the schema, and to change the tables that are there",
}


class Connections:
    """How a repository and its access without creation reach the server: by a pool, opened by the first call.

    The constructor connects, so that a wrong address or password is reported there, with the server's reason. The pool
    takes that connection as its first.

    The child of a fork makes its own pool. It never uses or closes its parent's connections: the pool that it inherits,
    whose threads are gone and whose locks may be held, is left alone. When nothing refers to this object any more, the
    pool is closed.
    """

    def __init__(self, url: str, max_connections: int = 10, timeout: float = 10.0) -> None:
        parameters = {**_parameters(url), "autocommit": True, "prepare_threshold": 0}
        self._first = _First(parameters)
        self._new_pool = partial(
            _Pool,
            connection_class=_Connection,
            kwargs={**parameters, "first": self._first},
            min_size=0,
            max_size=max_connections,
            open=False,
            timeout=timeout,
            # The pool tries again ever more rarely; giving up early lets the next call start a fresh attempt.
            reconnect_timeout=timeout,
            name="runledger",
        )
        self._closed = False
        self._callers: dict[tuple[int, int], None] = {}  # process and thread of each call that is under way
        self._pools: dict[int, _Pool] = {}  # by process
        weakref.finalize(self, _close_apart, self._pools).atexit = False  # at exit the system closes what is open

    def run(self, call: Callable[[psycopg.Cursor[tuple[Any, ...]]], T], right: str, key: RunKey | None = None) -> T:
        """What `call`, which needs a right, returns for a cursor. Its connection is free again afterwards.

        What the driver raises becomes an error of the ledger. A call within another one of its thread is rejected: the
        pool's locks, or its last connection, may be in use by that one.
        """
        caller = os.getpid(), get_ident()
        if caller in self._callers:
            raise CallWithinCall(key)
        self._callers[caller] = None
        try:
            return self._run(call, right, key)
        finally:
            del self._callers[caller]

    def first_row(self, statement: LiteralString) -> tuple[Any, ...] | None:
        """The first row of a statement, over the connection that the constructor made. To be called before all else."""
        return self._first.ask(statement)

    def close(self) -> None:
        """Close every connection of this process, for good."""
        if (os.getpid(), get_ident()) in self._callers:
            raise CallWithinCall
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
            while not _is_quiet(connection):
                connection.close()
                pool.putconn(connection)
                connection = pool.getconn()
            try:
                result = call(connection.kept_cursor())
            except CallWithinCall:  # of a signal handler, which interrupted this call by it
                raise
            except psycopg.Error as error:
                is_lost = connection.closed
                _put_back(pool, connection)
                raise _translated(error, right, is_lost, key) from error
            except RunLedgerError:
                _put_back(pool, connection)
                raise
            _put_back(pool, connection)
            return result
        except PoolClosed:
            raise StoreUnusable("this repository was closed: open it again to use it.", key) from None
        except PoolTimeout:
            if len(self._callers) <= pool.max_size:  # so there was a connection for each, or two interrupts lost it
                self._retire()
            reason = f"no connection within {pool.timeout:g} seconds"
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


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    _kept: psycopg.Cursor[tuple[Any, ...]] | None = None

    def kept_cursor(self) -> psycopg.Cursor[tuple[Any, ...]]:
        """The cursor of this connection's calls. A new one for each call would look up again how values are written."""
        if self._kept is None:
            self._kept = self.cursor(binary=True)
        return self._kept

    def drop_results(self) -> None:
        """Keep no page of rows in memory until the next call."""
        if self._kept is not None and self._kept.rowcount > 1:
            self._kept.close()
            self._kept = None

    @classmethod
    def connect(  # type: ignore[override]  # with one more parameter, which the pool passes on
        cls, conninfo: str = "", *, first: _First | None = None, **parameters: Any
    ) -> _Connection:
        """The connection that was made first, if nobody has taken it; else a new one."""
        return (first and first.take()) or super().connect(conninfo, **parameters)

    def __del__(self, *_: object) -> None:
        """Nothing: psycopg's warns of a connection that is dropped while it is open. The socket is closed all the same,
        by the process that opened it."""


class _First:
    """The connection by which a server was found to answer, until the pool of this process takes it.

    The child of a fork leaves it to its parent. Raises StoreUnavailable or StoreUnusable if the server refuses.
    """

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._process = os.getpid()
        self._connections = [_connected(parameters)]

    def ask(self, statement: LiteralString) -> tuple[Any, ...] | None:
        """The first row of a statement. What the driver raises becomes an error of the ledger."""
        [connection] = self._connections
        try:
            return connection.execute(statement, prepare=False).fetchone()
        except psycopg.Error as error:
            raise _translated(error, "SELECT", connection.closed, None) from error

    def take(self) -> _Connection | None:
        """The connection, once; None afterwards, and in another process."""
        with suppress(IndexError):  # of several threads, one gets it
            if os.getpid() == self._process:
                return self._connections.pop()
        return None


class _Pool(ConnectionPool[_Connection]):
    def __del__(self) -> None:
        """Nothing: the library's waits for the pool's threads, but may run in one of them, or in a fork's child."""


def _put_back(pool: _Pool, connection: _Connection) -> None:
    connection.drop_results()
    pool.putconn(connection)


def _close_apart(pools: dict[int, _Pool]) -> None:
    """Close this process's pool in a thread apart: garbage is collected in any thread, the pool's own among them."""
    if pool := pools.get(os.getpid()):
        Thread(target=pool.close).start()


def _parameters(url: str) -> dict[str, Any]:
    """The connection parameters of a URL, with defaults. No message shows any of it: parts of a password that was
    not percent-encoded turn up as host, port or database."""
    # Raised outside of any handler: the driver's error quotes the URL, and would stay in __context__.
    given: dict[str, Any] = {"port": "unreadable"}
    with suppress(psycopg.Error, ValueError):
        given = conninfo_to_dict(url)
    misplaced = any("@" in str(given.get(name, "")) for name in ("host", "dbname"))
    if misplaced or re.search("[^0-9,]", str(given.get("port", ""))):
        raise StoreUnusable(
            "the store URL cannot be read: write postgresql://user:password@host:port/database, and percent-encode "
            "special characters in its parts."
        )
    # The server takes options in turn: a later one of the same name wins.
    options = _OPTIONS + given.get("options", "") + _FIXED_OPTIONS
    return {**_DEFAULTS, **given, "options": options, "client_encoding": "utf8"}


def _connected(parameters: dict[str, Any]) -> _Connection:
    """A new connection. Raises outside of any handler, without the driver's error, which may quote the URL."""
    try:
        return _Connection.connect(**parameters)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0].replace(parameters.get("password") or "\n", "…")
    except UnicodeError:
        reason = "the address cannot be encoded"
    if _REFUSED_FOR_GOOD.search(reason):
        raise StoreUnusable(f"the PostgreSQL server refuses this store: {reason}.")
    raise StoreUnavailable(reason, Outcome.NOT_APPLIED)


def _is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection has nothing to say; when it has, the server has closed it."""
    if connection.closed:
        return False
    if not hasattr(select, "poll"):
        return not select.select([connection.pgconn.socket], [], [], 0)[0]
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)


def _translated(error: psycopg.Error, right: str, lost: bool, key: RunKey | None) -> RunLedgerError:
    reason = (error.diag.message_primary or str(error).strip() or type(error).__name__).splitlines()[0]
    state = error.sqlstate or ""
    if lost:
        outcome = Outcome.NOT_APPLIED if right == "SELECT" else Outcome.UNKNOWN
        return StoreUnavailable(f"the connection was lost during the call ({reason})", outcome, key)
    if isinstance(error, errors.UndefinedTable):
        return StoreUnusable(
            "this database has no tables runs and run_notes of this version: make them with `runledger init`.", key
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return StoreUnusable(f"{reason}: this call needs the right to {_RIGHTS[right]}; grant it to the role.", key)
    if state.startswith(_TRANSIENT):
        return StoreUnavailable(reason, Outcome.NOT_APPLIED, key)
    return StoreUnusable(f"the database cannot serve as a ledger: {reason} ({state or type(error).__name__}).", key)
