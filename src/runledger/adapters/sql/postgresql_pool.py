"""Connections to PostgreSQL, and what goes wrong with them as errors of the ledger."""

from __future__ import annotations

import os
import select
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, LiteralString, Self, TypeVar

import psycopg
from psycopg.abc import PQGen, PQGenConn
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo
from psycopg.errors import _WaitTimeout
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from ...domain import CallWithinCall, Finding, Outcome, RunKey, RunLedgerError, StoreUnavailable, StoreUnusable
from ..exclusion import OnePerThread
from .postgresql_failures import reason_of, refused, translated
from .postgresql_session import Session, examine_session, require_fit_pooler, settled
from .postgresql_url import connection_parameters
from .postgresql_waits import TICK, counted

T = TypeVar("T")

_GRACE = 1.0
"""Seconds after the server's own limit until a statement is cancelled. It does not limit the wait for a standby."""
_CONFIRM = 1.0
"""Seconds to wait for a standby that did not confirm an earlier commit in time."""


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
        self._first = _First(parameters)
        self._refusals: deque[str] = deque(maxlen=1)
        self._new_pool = partial(
            _Pool,
            connection_class=_Connection,
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
            while not _is_quiet(connection):
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
            raise StoreUnusable("this repository was closed: open it again to use it.", key) from None
        except PoolTimeout:
            if len(self._calls) <= pool.max_size:  # so there was a connection for each, or two interrupts lost it
                self._retire()
            reason = ": ".join([f"no connection within {pool.timeout:g} seconds", *self._refusals.copy()])
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
    """A connection that waits for no answer longer than the server's own limit for statements, and a little."""

    session: Session
    unconfirmed: list[str]
    """What the server said about commits of this call that it acknowledged before a standby had confirmed them."""
    _kept: psycopg.Cursor[tuple[Any, ...]] | None = None
    _usual_limit: float
    limit = 30 + _GRACE
    """Seconds to wait for an answer before its statement is cancelled; 0 is no limit."""
    _patience = 5.0
    """Seconds that the server has to confirm that a statement was cancelled."""

    @classmethod
    def connect(  # type: ignore[override]  # with more parameters, which the pool passes on
        cls, conninfo: str = "", *, first: _First, refusals: deque[str], **parameters: Any
    ) -> _Connection:
        """The connection that was made first, if nobody has taken it; else a new one.

        `refusals` then has the reason why this attempt failed, or nothing: the pool itself only logs it.
        """
        if taken := first.take():
            return taken
        try:
            connection = cls.new(conninfo, parameters)
        except (psycopg.Error, RunLedgerError) as error:
            refusals.append(reason_of(error, parameters.get("password")))
            raise
        refusals.clear()
        return connection

    @classmethod
    def new(cls, conninfo: str, parameters: dict[str, Any]) -> _Connection:
        """A new connection with its settings made."""
        connection = cls.connect_only(conninfo, **parameters)
        try:
            connection._settle(parameters["options"])
        except BaseException:
            connection.close()
            raise
        return connection

    @classmethod
    def connect_only(cls, conninfo: str = "", **parameters: Any) -> _Connection:
        """A new connection with the settings that it comes with."""
        return super().connect(conninfo, **parameters)

    def _settle(self, given: str) -> None:
        self.session = settled(self, given)
        seconds = self.session.seconds
        self._usual_limit = seconds and seconds + _GRACE
        if not self.session.is_direct:
            # Another client of a pooler may have prepared another statement by the same name in the same session.
            self.prepare_threshold = None
        self.unconfirmed = []
        self.add_notice_handler(partial(_note_unconfirmed, self.unconfirmed))

    def begin_call(self, right: str) -> None:
        """Forget the call before. Making and migrating tables may take as long as it does."""
        self.unconfirmed.clear()
        self.limit = 0 if right == "CREATE" else self._usual_limit

    def unconfirmed_failure(self, key: RunKey | None) -> RunLedgerError | None:
        """The error of a call with a commit that was acknowledged before a standby had confirmed it."""
        if not self.unconfirmed:
            return None
        reason = f"no standby has confirmed what this server committed ({self.unconfirmed[0]})"
        return StoreUnavailable(reason, Outcome.UNKNOWN, key)

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Self]:
        seconds = timeout_from_conninfo(conninfo_to_dict(conninfo))
        return counted(super()._connect_gen(conninfo), seconds)

    def _cancel_gen(self) -> PQGenConn[None]:
        return counted(super()._cancel_gen(), self._patience or _GRACE)

    def wait(self, gen: PQGen[T], interval: float = TICK, timeout: float | None = None) -> T:
        try:
            limit = timeout or self.limit
            return super().wait(counted(gen, limit) if limit else gen, interval, limit or None)
        except _WaitTimeout:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=self._patience or _GRACE)
        try:
            return super().wait(counted(gen, self._patience), interval, self._patience)
        except _WaitTimeout:
            self.close()
            raise psycopg.OperationalError(f"no answer within {self.limit + self._patience:g} seconds") from None

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

    def __del__(self, *_: object) -> None:
        """Nothing: psycopg's warns of a connection that is dropped while it is open. The socket is closed all the same,
        by the process that opened it."""


class _Second(_Connection):
    """A connection that is to find something out about a pooler, which may have no session for it."""

    limit = _GRACE
    _patience = 0


class _First:
    """The connection by which a server was found to answer, until the pool of this process takes it.

    The child of a fork leaves it to its parent. Raises StoreUnavailable or StoreUnusable if the server refuses.
    """

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._process = os.getpid()
        connection = _connected(parameters)
        self._connections = [connection]
        if not connection.session.is_direct:
            shared = parameters["prepare_threshold"] is None
            another = None if shared else partial(_Second.connect_only, **parameters)
            try:
                require_fit_pooler(connection, parameters["options"], another)
            except BaseException:
                connection.close()
                raise

    def ask(self, statement: LiteralString) -> tuple[Any, ...] | None:
        """The first row of a statement. What the driver raises becomes an error of the ledger."""
        [connection] = self._connections
        try:
            return connection.execute(statement, prepare=False).fetchone()
        except psycopg.Error as error:
            raise translated(error, "SELECT", connection.closed, None) from error

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


def _connected(parameters: dict[str, Any]) -> _Connection:
    """A new connection. Raises outside of any handler, without the driver's error, which may quote the URL."""
    try:
        return _Connection.new("", parameters)
    except psycopg.Error as error:
        reason = reason_of(error, parameters.get("password"))
    except UnicodeError:
        reason = "the address cannot be encoded"
    raise refused(reason)


def session_findings(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    """What there is to say about the session of a cursor."""
    connection = cursor.connection
    assert isinstance(connection, _Connection)
    return list(examine_session(connection.session, cursor))


def confirm_commits(cursor: psycopg.Cursor[Any]) -> None:
    """Wait until what the server has committed is where its commits have to be, without writing any row.

    The rows of an earlier commit can be read even if its wait for a standby was cancelled.
    """
    connection = cursor.connection
    assert isinstance(connection, _Connection)
    connection.limit = _CONFIRM
    cursor.execute("SELECT pg_logical_emit_message(true, 'runledger', '')")


def _note_unconfirmed(unconfirmed: list[str], notice: psycopg.errors.Diagnostic) -> None:
    """Note a warning that a commit was acknowledged without a standby. Its text comes in the server's language."""
    if notice.source_function == "SyncRepWaitForLSN":
        unconfirmed.append(notice.message_primary or "")


def _is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection has nothing to say; when it has, the server has closed it."""
    if connection.closed:
        return False
    if not hasattr(select, "poll"):
        return not select.select([connection.pgconn.socket], [], [], 0)[0]
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)
