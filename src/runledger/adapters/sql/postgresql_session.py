"""What the ledger needs of a session in PostgreSQL, and whether a connection pooler is between it and the server.

A pooler may give each transaction another session of the server. Through one, therefore, the ledger sets nothing for a
session and prepares nothing there: its settings are those of the role. They are checked for each new connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import psycopg
from attrs import frozen
from psycopg import errors

from ...domain import Finding, StoreUnusable

_SYNCHRONOUS = ("on", "remote_apply")
"""With these values a commit is on the disks of the server and of the standbys that it waits for."""
_UTC = ("UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal", "GMT", "Etc/GMT")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@frozen
class _Need:
    """A setting that a session needs: the value that the ledger sets, and whether the value of a role will do."""

    value: str
    is_met_by: Callable[[str], bool]
    kept: tuple[str, ...] = ()
    """Values that the ledger leaves as they are."""


_NEEDS = {
    "synchronous_commit": _Need("on", _SYNCHRONOUS.__contains__, _SYNCHRONOUS),
    "statement_timeout": _Need("30s", lambda value: value != "0"),
    "lock_timeout": _Need("10s", lambda value: True),  # the limit for statements bounds the wait for a lock as well
    "TimeZone": _Need("UTC", _UTC.__contains__),
    "DateStyle": _Need("ISO", lambda value: value.startswith("ISO")),
    "extra_float_digits": _Need("1", lambda value: int(value) > 0),
    "default_transaction_isolation": _Need("read committed", lambda value: value == "read committed"),
}
# A pooler gives its clients process ids that it makes up: it could not cancel their statements otherwise.
_SETTLE = """SELECT session_user, pg_backend_pid() = {pid}, name, CASE
        WHEN pg_backend_pid() = {pid} AND NOT current_setting(name) = ANY (kept) THEN set_config(name, value, false)
        ELSE current_setting(name) END
    FROM (VALUES {needs}) AS needed (name, value, kept)"""
_FOUND = """SELECT reset_val, current_setting('synchronous_standby_names') FROM pg_settings
    WHERE name = 'synchronous_commit'"""
_ROUNDS = 3


@frozen
class Session:
    """A new session, once its settings are made."""

    role: str
    is_direct: bool
    """Whether the server itself is at the other end of the connection, and no pooler."""
    settings: Mapping[str, str]

    @property
    def seconds(self) -> float:
        """After how many seconds the server cancels a statement; 0 if it never does."""
        shown = re.fullmatch(r"(\d+)(\D*)", self.settings["statement_timeout"])
        assert shown is not None  # the server shows a number with its unit, or 0
        return float(shown[1]) * _SECONDS[shown[2] or "ms"]

    def require_enough(self) -> None:
        """Raises StoreUnusable, with the statements that an administrator has to run, if a setting is too weak."""
        weak = [name for name, need in _NEEDS.items() if not need.is_met_by(self.settings[name])]
        if weak and not self.is_direct:
            found = ", ".join(f"{name} is {self.settings[name]}" for name in weak)
            role = self.role.replace('"', '""')
            remedy = " ".join(f"""ALTER ROLE "{role}" SET {name} = '{_NEEDS[name].value}';""" for name in weak)
            raise StoreUnusable(
                "a connection pooler is in the way to the server, and the settings of the role are not enough "
                f"({found}). An administrator runs {remedy} and then RECONNECT in the pooler's console."
            )


def settled(connection: psycopg.Connection[Any], given: str) -> Session:
    """The session of a new connection, after its settings were made by one statement.

    `given` are the options of its URL: a time limit that is named there stays. Raises StoreUnusable if a pooler is in
    between, and the settings of the role are too weak.
    """
    needs = ", ".join(
        f"('{name}', '{need.value}', "
        + ("NULL)" if name.endswith("_timeout") and name in given else f"'{{{','.join(need.kept)}}}'::text[])")
        for name, need in _NEEDS.items()
    )
    rows = connection.execute(_SETTLE.format(pid=connection.pgconn.backend_pid, needs=needs), prepare=False).fetchall()
    session = Session(rows[0][0], rows[0][1], {name: value for _, _, name, value in rows})
    session.require_enough()
    return session


def require_fit_pooler(
    connection: psycopg.Connection[Any],
    given: str,
    another: Callable[[], psycopg.Connection[Any]] | None,
) -> None:
    """Raises StoreUnusable if the ledger cannot work through the pooler at the other end of the connection.

    `another` opens a second connection, to find out whether the pooler shares sessions of the server between its
    clients; None if it may.
    """
    if given.strip():
        raise StoreUnusable(
            "a connection pooler is in the way to the server, and does not pass the options of the URL on: remove "
            "`options` from the URL, and set what it names for the role, with ALTER ROLE … SET."
        )
    try:
        with connection.transaction():
            connection.execute("SELECT", prepare=False)
    except errors.ProtocolViolation as error:
        raise StoreUnusable(
            "the connection pooler in the way to the server allows no transactions: set its pool_mode to transaction "
            "or session."
        ) from error
    if another is not None and _is_shared(connection, another):
        raise StoreUnusable(
            "the connection pooler in the way to the server shares its connections between clients (pool_mode = "
            "transaction): add prepared_statements=off to the URL, as in postgresql://…?prepared_statements=off."
        )


def _is_shared(connection: psycopg.Connection[Any], another: Callable[[], psycopg.Connection[Any]]) -> bool:
    """Whether two clients of a pooler were seen in one session of the server, or one client in two.

    Under load both may escape notice. Nothing depends on it: through any pooler, no session is relied on.
    """
    try:
        with closing(another()) as other:
            for _ in range(_ROUNDS):
                own, others = _process(connection), _process(other)
                if own == others or own != _process(connection):
                    return True
    except psycopg.Error:  # as a pooler that has no connection for a second client
        pass
    return False


def _process(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    assert row is not None
    return int(row[0])


def examine_session(session: Session, cursor: psycopg.Cursor[Any]) -> Iterator[Finding]:
    """What there is to say about a pooler, and about how durable a commit is."""
    if not session.is_direct:
        yield Finding.ok("a connection pooler is in the way to the server; the settings of the role are enough")
    row = cursor.execute(_FOUND, prepare=False).fetchone()
    assert row is not None
    found, standbys = row
    used = session.settings["synchronous_commit"]
    waits = f" and waits for standbys ({standbys})" if standbys else ""
    if found == used:
        yield Finding.ok(f"synchronous_commit is {used}: a commit is on disk{waits}")
    else:
        advice = f"the ledger sets it to {used} for its sessions, so that a commit is on disk{waits}"
        yield Finding.note(f"synchronous_commit is {found} for this role and database", advice)
