"""Connections to PostgreSQL: the settings and time limits of each, and the first, by which a server is found."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from functools import partial
from typing import Any, LiteralString, Self, TypeVar

import psycopg
from psycopg.abc import PQGenConn
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo
from psycopg.errors import _WaitTimeout

from ...domain import Finding, InvalidStoreURL, Outcome, RunKey, RunLedgerError, StoreUnavailable
from .postgresql_failures import reason_of, refused, translated
from .postgresql_session import Session, examine_session, require_fit_pooler, settled
from .postgresql_url import require_taken
from .postgresql_waits import TICK, with_time_limit

T = TypeVar("T")

_GRACE = 1.0
"""Seconds after the server's own limit until a statement is cancelled. It does not limit the wait for a standby."""
_CONFIRM = 1.0
"""Seconds to wait for a standby that did not confirm an earlier commit in time."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
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
        cls, conninfo: str = "", *, first: FirstConnection, refusals: deque[str], **parameters: Any
    ) -> Connection:
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
    def new(cls, conninfo: str, parameters: dict[str, Any]) -> Connection:
        """A new connection with its settings made."""
        connection = cls.connect_only(conninfo, **parameters)
        try:
            connection._settle(parameters["options"])
        except BaseException:
            connection.close()
            raise
        return connection

    @classmethod
    def connect_only(cls, conninfo: str = "", **parameters: Any) -> Connection:
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
        return with_time_limit(super()._connect_gen(conninfo), seconds)

    def _cancel_gen(self) -> PQGenConn[None]:
        return with_time_limit(super()._cancel_gen(), self._patience or _GRACE)

    def wait(self, gen: Generator[Any, Any, T], interval: float = TICK, timeout: float | None = None) -> T:
        try:
            limit = timeout or self.limit
            return super().wait(with_time_limit(gen, limit) if limit else gen, interval, limit or None)
        except _WaitTimeout:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=self._patience or _GRACE)
        try:
            return super().wait(with_time_limit(gen, self._patience), interval, self._patience)
        except _WaitTimeout:
            self.close()
            raise psycopg.OperationalError(f"no answer within {self.limit + self._patience:g} s") from None

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


class _Second(Connection):
    """A connection that is to find something out about a pooler, which may have no session for it."""

    limit = _GRACE
    _patience = 0


class FirstConnection:
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

    def take(self) -> Connection | None:
        """The connection, once; None afterwards, and in another process."""
        with suppress(IndexError):  # of several threads, one gets it
            if os.getpid() == self._process:
                return self._connections.pop()
        return None


def _connected(parameters: dict[str, Any]) -> Connection:
    """A new connection. Raises outside of any handler, without the driver's error, which may quote the URL."""
    reason, failure = None, ""
    try:
        return Connection.new("", parameters)
    except psycopg.Error as error:
        failure = str(error)
        reason = reason_of(error, parameters.get("password"))
    except UnicodeError:
        pass
    if reason is None:
        raise InvalidStoreURL("the host in the store URL cannot be the name of one: correct it.")
    require_taken(parameters, failure)
    raise refused(reason)


def session_findings(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    """What there is to say about the session of a cursor."""
    connection = cursor.connection
    assert isinstance(connection, Connection)
    return list(examine_session(connection.session, cursor))


def confirm_commits(cursor: psycopg.Cursor[Any]) -> None:
    """Wait until what the server has committed is where its commits have to be, without writing any row.

    The rows of an earlier commit can be read even if its wait for a standby was cancelled.
    """
    connection = cursor.connection
    assert isinstance(connection, Connection)
    connection.limit = _CONFIRM
    cursor.execute("SELECT pg_logical_emit_message(true, 'runledger', '')")


def _note_unconfirmed(unconfirmed: list[str], notice: psycopg.errors.Diagnostic) -> None:
    """Note a warning that a commit was acknowledged without a standby. Its text comes in the server's language."""
    if notice.source_function == "SyncRepWaitForLSN":
        unconfirmed.append(notice.message_primary or "")


def is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection has nothing to say; when it has, the server has closed it."""
    if connection.closed:
        return False
    if not hasattr(select, "poll"):
        return not select.select([connection.pgconn.socket], [], [], 0)[0]
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)
