"""From a URL to a store: the one place where services and adapters meet."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, cast

from . import domain
from .domain import Backend, InvalidStoreURL, InvalidValue, RunObserver, RunRepository, StoreUnusable
from .domain.key import is_a
from .domain.late_names import LateModule
from .services.creation import RETRY_WAITS
from .services.ledger import RunLedger, utc_now
from .services.observing import log_event
from .services.settings import OnMissing, checked_settings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .services.copying import result
else:
    result = LateModule(".services.copying.result", __package__)

ENTRY_POINTS = "runledger.repositories"
"""Installed packages add a scheme under this group: its name, and a Backend, or a function from a URL to a
RunRepository."""

EXAMPLE_URL = "sqlite:///runs.db"

_BUILT_IN = {
    "memory": "memory",
    "sqlite": "sql.sqlite_backend",
    "postgresql": "sql.postgresql_backend",
    "postgres": "sql.postgresql_backend",
    "airtable": "airtable.backend",
}
SCHEMES = tuple(_BUILT_IN)
_EXTRAS = {"postgresql": "postgres", "postgres": "postgres", "airtable": "airtable"}
_SCHEME = r"(?ai)([a-z][a-z0-9+.-]*)://"
"""https://www.rfc-editor.org/rfc/rfc3986#section-3.1"""
_FILE = r"(?i)[^:@?]*\.(db|sqlite|sqlite3)"
"""The path of what is probably a SQLite file, and not a URL without its scheme."""
_URL_AS_PATH = r"(?ai)[a-z][a-z0-9+.-]+:/"
"""What `Path` makes of a URL. A scheme of one letter is a drive of Windows."""


def connect(
    store: str | os.PathLike[str],
    *,
    observers: Iterable[RunObserver] = (log_event,),
    clock: Callable[[], datetime] = utc_now,
    on_missing: OnMissing = "raise",
    retry_waits: Sequence[float] = RETRY_WAITS,
    sleep: Callable[[float], None] = time.sleep,
) -> RunLedger:
    """The ledger of a store, given by its URL or as the path of a SQLite file; see RunLedger for the rest.

    `memory://`, `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://user@host/database`,
    `airtable://BASE_ID/TABLE`, or a scheme of an installed package; `Path("runs.db")` is `sqlite:///runs.db`. Raises
    InvalidValue for an argument that cannot be used, before anything is opened or made, and what the store raises when
    it is opened.
    """
    observers, retry_waits = checked_settings(
        observers=observers, clock=clock, on_missing=on_missing, retry_waits=retry_waits, sleep=sleep
    )
    return RunLedger(
        open_repository(store),
        observers=observers,
        clock=clock,
        on_missing=on_missing,
        retry_waits=retry_waits,
        sleep=sleep,
        owns_repository=True,
    )


def open_repository(store: str | os.PathLike[str]) -> RunRepository:
    """The repository of a store, given as for `connect`, without a ledger around it."""
    url = store_url(store)
    return backend_of(url).open(url)


def open_removal(store: str | os.PathLike[str]) -> domain.RunRemoval:
    """The right to remove finished runs of a store, given as for `connect`. Close it after use.

    Raises StoreUnusable if the store is not there or offers no removal, and what the store raises when it is opened.
    """
    url = store_url(store)
    open_it = backend_of(url).removal
    if open_it is None:
        raise StoreUnusable(f"{without_removal(url)}.")
    if what := _made_by_opening(url):
        raise StoreUnusable(f"there is no {what} to remove runs from: correct the URL.")
    return open_it(url)


def without_removal(url: str) -> str:
    """What to say of a store whose backend offers no removal."""
    scheme = url.partition("://")[0]
    return f"the store of {scheme}:// offers no removal of runs: remove them by the store's own means"


def store_url(store: str | os.PathLike[str]) -> str:
    """The URL of a store as a Backend takes it: with its scheme in lower case, or that of a SQLite file by its path.

    Raises InvalidStoreURL if the URL has no scheme, or is given as a path.
    """
    if isinstance(store, os.PathLike):
        from .adapters.sql.sqlite_url import url_of

        if re.match(_URL_AS_PATH, os.fsdecode(store)):  # not shown: there may be a password in it
            raise InvalidStoreURL(f"a store URL was given as a path: give it as text, like {EXAMPLE_URL}.")
        return url_of(store)
    written = re.match(_SCHEME, store) if is_a(store, str) else None
    if written is None:
        fault = "has no scheme" if is_a(store, str) else f"is {type(store).__name__}, not text"
        raise InvalidStoreURL(f"the store URL {fault}: {_with_a_scheme(store)}, or in Python a pathlib.Path.")
    return written[0].lower() + store[written.end() :]


def _with_a_scheme(store: object) -> str:
    """What to write instead of a URL without a scheme. Quotes nothing in which there may be a password."""
    if is_a(store, str) and re.fullmatch(_FILE, store):
        from .adapters.sql.sqlite_url import url_of

        url = url_of(store)
        if store.startswith("~/"):  # in the home folder, which no shell has put there
            url = url.replace("%7E", "~", 1)
        return f"for the file {store} write {url}"
    return f"give text like {EXAMPLE_URL} or postgresql://host/database"


def backend_of(url: str) -> Backend:
    """What the adapter of a store URL offers. Opens nothing.

    Raises InvalidStoreURL if its scheme is not known, StoreUnusable if its adapter or driver cannot be loaded.
    """
    scheme = store_url(url).partition("://")[0]
    if scheme in _BUILT_IN:
        try:
            module = import_module(f"{__package__}.adapters.{_BUILT_IN[scheme]}")
        except ModuleNotFoundError as error:
            from .distribution import install_hint

            extra = _EXTRAS.get(scheme)
            remedy = install_hint(extra) if extra else "use a Python that has it"
            raise StoreUnusable(f"{scheme}:// needs the package {error.name!r}: {remedy}.") from None
        return cast(Backend, module.BACKEND)
    for entry in _installed():
        if entry.name.lower() == scheme:
            return _loaded(scheme, entry)
    raise InvalidStoreURL(_unknown(scheme))


def _installed() -> Iterator[EntryPoint]:
    from importlib.metadata import entry_points  # here, because it takes longer to load than all of runledger

    return iter(entry_points(group=ENTRY_POINTS))


def _loaded(scheme: str, entry: EntryPoint) -> Backend:
    try:
        offered = entry.load()
    except Exception as error:  # whatever another's module does
        raise StoreUnusable(
            f"the store of {scheme}://, {entry.value}, cannot be loaded ({type(error).__name__}: {error}): "
            "install its package again."
        ) from error
    if isinstance(offered, Backend):
        return offered
    if callable(offered):
        return Backend(open=offered)
    raise StoreUnusable(
        f"the store of {scheme}://, {entry.value}, is neither a Backend nor a function that opens a URL: correct its "
        "package's entry point."
    )


def _unknown(scheme: str) -> str:
    known = {*_BUILT_IN, *(entry.name.lower() for entry in _installed())}
    plain, plus, _ = scheme.partition("+")
    if plus and plain in known:
        return f"no store is known for {scheme}://: write {plain}://, without the name of a driver."
    schemes = ", ".join(f"{name}://" for name in sorted(known))
    return f"no store is known for {scheme}://: install the package that brings it, or use {schemes}."


def copy(
    source: str | os.PathLike[str] | RunRepository,
    target: str | os.PathLike[str] | RunRepository,
    *,
    ended_since: datetime | None = None,
    dry_run: bool = False,
    on_remark: Callable[[result.Remark], None] | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> result.CopyResult:
    """Copy every run of one store to another, and return how many records had each fate.

    `source` and `target` are stores as for `connect`, which are opened and closed here, or open repositories, which
    stay open. A run that is already in the target is left alone, and compared. After an interruption, copy again:
    nothing is created twice. Runs that start or change in the source during the copy may be missed. The source and the
    target must be two stores.

    `ended_since` makes this a second copy; it is the `ended_since` of the first copy's result. A run that was Running
    when it was first copied, and has finished in the source since, is updated in the target until it is as in the
    source: its missing notes, its metrics and its end. That needs a run that nothing has updated in the target since;
    any other counts as DIFFERENT. Runs that the first copy missed are created if they have finished. Runs that have not
    finished are left, and count as UNFINISHED. Make one second copy at a time; after an interruption, make it again
    with the same `ended_since`.

    `dry_run` compares only, and creates nothing, not even the target's file.
    `on_remark` is called with a Remark for every record that was not simply copied; printed, it is one line.
    `on_progress` is called now and then with how many records of the source have been read, and how many there are in
    total, or None where that is not known. What either of them raises ends the copy.

    Memory grows with the number of runs for a dry run, for a source that people edit (Airtable), and for a target that
    does not keep every value exactly (Airtable); otherwise it does not.

    Raises StoreUnavailable or StoreUnusable, which leave what was copied. A record that the target refuses raises
    nothing: it is left out, and counts as REFUSED.
    """
    from .services.copying import copying  # here, because it slows `import runledger`, and few programs copy

    with named_side("source"):
        missing = _made_by_opening(source)
    with named_side("target"):
        made = _made_by_opening(target)
    if missing:
        raise StoreUnusable(f"there is no {missing} to copy from: correct the URL.")
    _require_two(source, target)
    if dry_run and made:
        target = "memory://"  # as empty as the store that a copy would make
    with _opened(source, "source") as origin, _opened(target, "target") as goal:
        return copying.copy(
            origin, goal, ended_since=ended_since, dry_run=dry_run, on_remark=on_remark, on_progress=on_progress
        )


def _require_two(
    source: str | os.PathLike[str] | RunRepository, target: str | os.PathLike[str] | RunRepository
) -> None:
    """Raises InvalidValue if both are the same URL of a store. Other names of one store show when it is open."""
    if isinstance(source, (str, os.PathLike)) and isinstance(target, (str, os.PathLike)):
        url = store_url(source)
        if url == store_url(target) and backend_of(url).is_lasting:
            raise InvalidValue("the source and the target are the same store: name two stores.")


@contextmanager
def named_side(side: str) -> Iterator[None]:
    """A block in which a wrong URL is named by its side of two, because it is not shown: there may be a password."""
    try:
        yield
    except InvalidStoreURL as error:
        raise InvalidStoreURL(f"{side}: {error}") from None


def _opened(store: str | os.PathLike[str] | RunRepository, what: str) -> AbstractContextManager[RunRepository]:
    if isinstance(store, (str, os.PathLike)):
        with named_side(what):
            return closing(open_repository(store))
    if not hasattr(store, "without_creation"):
        raise InvalidValue(f"the {what} is {type(store).__name__}: give a store URL or an open repository.")
    return nullcontext(store)


def _made_by_opening(store: str | os.PathLike[str] | RunRepository) -> str | None:
    """What opening a store would make, because it does not exist yet; else None."""
    if not isinstance(store, (str, os.PathLike)):
        return None
    url = store_url(store)
    return backend_of(url).makes_on_open(url)
