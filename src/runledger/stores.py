"""From a URL to a store: the one place where services and adapters meet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import datetime
from importlib import import_module
from typing import cast

from .domain import InvalidValue, RunObserver, RunRepository, StoreUnusable
from .services.copy_result import CopyResult, Remark
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


def copy(
    source: str | RunRepository,
    target: str | RunRepository,
    *,
    dry_run: bool = False,
    on_remark: Callable[[Remark], None] | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> CopyResult:
    """Copy every run of one store to another, and return how many records had each fate.

    `source` and `target` are store URLs, or repositories from `open_repository`. A store given by URL is opened and
    closed here; a repository stays open. A run that is already in the target is left alone, and compared. After an
    interruption, copy again: nothing is created twice. Runs that start or change in the source during the copy may be
    missed.

    `dry_run` compares only, and creates nothing, not even the target's file.
    `on_remark` is called with a Remark for every record that was not simply copied; printed, it is one line.
    `on_progress` is called now and then with how many records of the source have been read, and how many there are in
    total, or None where that is not known. What either of them raises ends the copy.

    Memory grows with the number of runs for a dry run, for a source that people edit (Airtable), and for a target that
    does not keep every value exactly (Airtable); otherwise it does not.

    Raises StoreUnavailable or StoreUnusable, which leave what was copied. A record that the target refuses raises
    nothing: it is left out, and counts as REFUSED.
    """
    from .services import copying  # here, because it slows `import runledger`, and few programs copy

    if isinstance(source, str) and (path := _file_made_by_opening(source)):
        raise StoreUnusable(f"there is no file {path} to copy from: correct the URL.")
    if dry_run and isinstance(target, str) and _file_made_by_opening(target):
        target = "memory://"  # as empty as the file that a copy would make
    with _opened(source, "source") as origin, _opened(target, "target") as goal:
        return copying.copy(origin, goal, dry_run=dry_run, on_remark=on_remark, on_progress=on_progress)


def _opened(store: str | RunRepository, what: str) -> AbstractContextManager[RunRepository]:
    if isinstance(store, str):
        return closing(open_repository(store))
    if not hasattr(store, "without_creation"):
        raise InvalidValue(f"the {what} is {type(store).__name__}: give a store URL or an open repository.")
    return nullcontext(store)


def _file_made_by_opening(url: str) -> str | None:
    """The path of the file that opening the store would make, because it does not exist; else None."""
    if not url.startswith("sqlite:"):
        return None
    from .adapters.sql.sqlite import path_of

    path = path_of(url)
    return None if os.path.exists(path) else path
