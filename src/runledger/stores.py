"""From a URL to a store: the one place where services and adapters meet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from importlib import import_module
from typing import cast

from .domain import RunObserver, RunRepository, StoreUnusable
from .services.creation import RETRY_WAITS
from .services.ledger import RunLedger, utc_now
from .services.observing import log_event
from .services.updates import OnMissing

ENTRY_POINTS = "runledger.repositories"
"""Installed packages add a scheme under this group: its name, and a function from a URL to a RunRepository."""

_BUILT_IN = {
    "memory": "memory",
    "sqlite": "sql.sqlite",
    "postgresql": "sql.postgresql",
    "postgres": "sql.postgresql",
    "airtable": "airtable",
}
_EXTRAS = {"postgresql": "postgres"}


def connect(
    url: str,
    *,
    observers: Iterable[RunObserver] = (log_event,),
    clock: Callable[[], datetime] = utc_now,
    on_missing: OnMissing = "raise",
    retry_waits: Sequence[float] = RETRY_WAITS,
    sleep: Callable[[float], None] = time.sleep,
) -> RunLedger:
    """The ledger of the store at `url`; see RunLedger for the rest.

    `memory://`, `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://user@host/database`, or a scheme of an
    installed package. Raises StoreUnusable if there is no such store, and what the store raises when it is opened.
    """
    return RunLedger(
        open_repository(url),
        observers=observers,
        clock=clock,
        on_missing=on_missing,
        retry_waits=retry_waits,
        sleep=sleep,
        owns_repository=True,
    )


def open_repository(url: str) -> RunRepository:
    """The repository at `url`, without a ledger around it."""
    if not isinstance(url, str) or "://" not in url:
        raise StoreUnusable(
            "the store URL has no scheme: give text like sqlite:///runs.db or postgresql://host/database."
        )
    scheme = url.partition("://")[0]
    if scheme in _BUILT_IN:
        try:
            module = import_module(f"{__package__}.adapters.{_BUILT_IN[scheme]}")
        except ModuleNotFoundError as error:
            install = f"pip install 'runledger[{_EXTRAS.get(scheme, scheme)}]'"
            raise StoreUnusable(f"{scheme}:// needs the package {error.name!r}: {install}.") from None
        return cast(RunRepository, module.open_url(url))
    from importlib.metadata import entry_points  # here, because it takes longer to load than all of runledger

    for entry in entry_points(group=ENTRY_POINTS, name=scheme):
        try:
            open_url = entry.load()
        except Exception as error:  # whatever another's module does
            raise StoreUnusable(
                f"the store of {scheme}://, {entry.value}, cannot be loaded ({type(error).__name__}: {error}): "
                "install its package again."
            ) from error
        return cast(RunRepository, open_url(url))
    raise StoreUnusable(f"no store is known for {scheme}://: install the package that brings it, or use {_schemes()}.")


def _schemes() -> str:
    return ", ".join(f"{scheme}://" for scheme in sorted(_BUILT_IN))
