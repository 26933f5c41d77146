"""What the driver raises as errors of the ledger."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from ...domain import InvalidStoreURL, Outcome, RunKey, RunLedgerError, StoreUnavailable, StoreUnusable, UnusableForRun

_IN_DOUBT = ("08007", "40003")
"""The server itself does not know whether the transaction was committed."""
# The server's transaction was rolled back: resources, operator, conflict, lock, system, and connection classes.
_TRANSIENT = ("53", "57", "40", "55P03", "58", "08")
# A value: data, constraints, limits, and what a trigger of the administrator raises.
_OF_A_RUN = ("22", "23", "54", "P0001")
_RIGHTS = {
    "SELECT": "SELECT on runs and run_notes",
    "UPDATE": "SELECT and UPDATE on runs, and to SELECT and INSERT on run_notes",
    "INSERT": "SELECT and INSERT on runs and run_notes",
    "DELETE": "SELECT, UPDATE and DELETE on runs",
    "CREATE": "CREATE in the schema, and to change the tables that are there",
}

_REMEDIES = {
    "authentication failed|no password supplied": "Correct the user in the URL, or the password in PGPASSWORD or "
    "~/.pgpass",
    "database .* does not exist": "Create the database, or correct its name in the URL",
    "role .* does not exist": "Create the role, or correct the user in the URL",
    "SSL was required|certificate verify failed|does not match host name": "Correct sslmode, sslrootcert or the host "
    "in the URL, or the server's certificate",
    "channel binding|authentication method requirement": "Correct channel_binding or require_auth in the URL, or how "
    "the server authenticates",
    "no pg_hba.conf entry": "Let the server's pg_hba.conf admit this user from this host",
    "does not exist|permission denied|not permitted": "Correct the URL, or the rights of its user",
}
"""What to do about each refusal that lasts, by the server's reason; the first that fits."""
_OF_OPTIONS = (
    "certificate file|private key|unrecognized configuration parameter|invalid value for parameter|requires a value"
    "|command-line argument"
)
"""What shows, once the server answers, that an option names a file that is not there, or an unknown setting."""


def reason_of(error: psycopg.Error | RunLedgerError, password: str | None) -> str:
    """Why there is no connection, in one line without the password."""
    reason = str(error).strip().splitlines()[0].replace(password or "\n", "…")
    return re.sub("^connection (failed|is bad): ", "", reason)  # libpq says it too


def refused(reason: str) -> RunLedgerError:
    """The error of a store that cannot be opened for this reason."""
    if "unsupported startup parameter" in reason:
        return StoreUnusable(
            f"a connection pooler refuses this store: {reason}. Remove this parameter from the URL, and set what it "
            "names for the role, with ALTER ROLE … SET."
        )
    if re.search(_OF_OPTIONS, reason):
        return InvalidStoreURL(f"an option of the store URL, or a PG variable, is wrong: {reason}. Correct it.")
    for refusal, remedy in _REMEDIES.items():
        if re.search(refusal, reason):
            return StoreUnusable(f"the PostgreSQL server refuses this store: {reason}. {remedy}.")
    return StoreUnavailable(reason, Outcome.NOT_APPLIED)


def translated(error: psycopg.Error, right: str, lost: bool, key: RunKey | None) -> RunLedgerError:
    """The error of a call that needed a right and broke with `error`, and whether it lost its connection by that."""
    reason = (error.diag.message_primary or str(error).strip() or type(error).__name__).splitlines()[0]
    state = error.sqlstate or ""
    if lost or state in _IN_DOUBT:
        outcome = Outcome.NOT_APPLIED if right == "SELECT" else Outcome.UNKNOWN
        return StoreUnavailable(f"the connection was lost during the call ({reason})" if lost else reason, outcome, key)
    if isinstance(error, errors.UndefinedTable):
        return StoreUnusable(
            "this database has no tables runs and run_notes of this version: make them with `runledger init`.", key
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return StoreUnusable(f"{reason}: this call needs the right to {_RIGHTS[right]}; grant it to the role.", key)
    if state.startswith(_TRANSIENT):
        advice = "make room on the server's disk, then try again" if isinstance(error, errors.DiskFull) else None
        return StoreUnavailable(reason, Outcome.NOT_APPLIED, key, advice=advice)
    if right != "SELECT" and state.startswith(_OF_A_RUN):
        return UnusableForRun(f"the database refuses what it was to store: {reason} ({state}).", key)
    return StoreUnusable(f"the database cannot serve as a ledger: {reason} ({state or type(error).__name__}).", key)
