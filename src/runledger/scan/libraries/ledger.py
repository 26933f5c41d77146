"""The ledger's own API: starting creates a run, everything of `updates` and of a handle updates one."""

from __future__ import annotations

from ..values import Library, Lookup, Row, text
from .outcome import CREATION, NOTHING, UPDATE, Outcome, Write

LEDGER = text("runledger")
"""The table of runs of a ledger, whatever its store calls it."""

_OPENING = ("connect", "RunLedger", "services.ledger.RunLedger", "stores.connect")
_REPOSITORIES = (
    "open_repository",
    "stores.open_repository",
    "RunRepository",
    "domain.RunRepository",
    "domain.port.RunRepository",
)
_STARTS = {"start", "start_many", "track", "import_records"}
_CHANGES = {"update", "heartbeat", "complete", "fail", "skip", "cancel", "update_many"}
_READS = {"get", "find", "log", "latest", "stale", "find_with_logs", "get_with_log"}
_CREATES = {"create", "create_many"}
_MADE = "runledger:"


def of_package(path: str) -> Outcome:
    """The call of something of this package, or of what it returned."""
    if path.startswith("runledger."):
        name = path.removeprefix("runledger.")
        if name in _OPENING:
            return Outcome((Library(f"{_MADE}ledger"),))
        if name in _REPOSITORIES or (name.startswith("adapters.") and name.endswith("Repository")):
            return Outcome((Library(f"{_MADE}repository"),))
        if name in ("Run", "services.updates.Run"):
            return Outcome((Row(LEDGER, "runledger"),))
        if name in ("LedgerUpdates", "services.updates.LedgerUpdates"):
            return Outcome((Library(f"{_MADE}ledger.updates"),))
        return NOTHING
    if not path.startswith(_MADE):
        return NOTHING
    owner, _, name = path.removeprefix(_MADE).rpartition(".")
    return of_ledger(owner, name)


def of_ledger(owner: str, name: str) -> Outcome:
    """A method of the "ledger", of "ledger.updates", "ledger.reads", or of a "repository"."""
    if (owner == "ledger" and name in _STARTS) or (owner == "repository" and name in _CREATES):
        return Outcome((Row(LEDGER, "runledger", created=True),), (Write(CREATION, LEDGER),))
    if owner in ("ledger.updates", "repository") and name in _CHANGES:
        return Outcome((Row(LEDGER, "runledger"),), (Write(UPDATE, LEDGER),))
    if owner == "ledger.updates" and name in ("run", "of"):
        return Outcome((Row(LEDGER, "runledger"),))
    if owner in ("ledger", "ledger.reads", "repository") and name in _READS:
        return Outcome((Lookup(LEDGER, "runledger", one=name == "get"),))
    if name == "without_creation":
        return Outcome((Library(f"{_MADE}repository"),))
    if name in ("__enter__", "__aenter__"):
        return Outcome((Library(f"{_MADE}{owner}"),))
    return NOTHING


def of_handle(name: str) -> Outcome:
    """A method of the handle of a run."""
    return Outcome((), (Write(UPDATE, LEDGER),)) if name in _CHANGES else NOTHING


def guessed(callee: str) -> Outcome:
    """The ledger by the names alone: `self.ledger.updates.update`, `ledger.start`, where it comes from outside."""
    parts = callee.split(".")
    if len(parts) > 2 and parts[-2] == "updates" and parts[-3].strip("_").endswith("ledger"):
        return of_ledger("ledger.updates", parts[-1])
    if len(parts) > 1 and parts[-2].strip("_").endswith("ledger"):
        return of_ledger("ledger", parts[-1])
    return NOTHING
