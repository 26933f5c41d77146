"""What an adapter's package offers for one URL scheme: opening a store, and what there is to do before it works."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from .late_names import LateModule
from .port import RunRepository
from .representation import fields_shown

if TYPE_CHECKING:
    from . import preparation
    from . import removal as removals
else:
    preparation = LateModule(".preparation", __package__)
    removals = LateModule(".removal", __package__)


def _makes_nothing(_url: str) -> None:
    return None


def _same_url(url: str) -> str:
    return url


@frozen(kw_only=True)
class Backend:
    """What a package names under the entry-point group `runledger.repositories`, one for each URL scheme.

    Every function takes the store's URL first, whose scheme is in lower case. Only `open` is required. All raise errors
    of the ledger and nothing else.
    """

    __repr__ = fields_shown

    open: Callable[[str], RunRepository]
    """Open the store. Raises StoreUnusable, StoreUnavailable or InvalidValue."""

    examine: Callable[[str], Iterable[preparation.Finding]] | None = None
    """Findings about whether the store can serve, for `doctor`. Changes nothing. A StoreUnusable is printed as a
    finding."""

    prepare: Callable[[str, preparation.Preparation], Iterable[preparation.Finding]] | None = None
    """Make the store ready, for `init`: its file, table or schema. Harmless if it is ready. Shows a person what it
    would change in a table of theirs before it does so: see Preparation. The findings say what was made and what
    remains to be done by hand; no findings mean that the store is ready. Raises StoreUnusable if it cannot be made
    ready."""

    metric_columns: bool = False
    """Whether each metric needs a column, which `prepare` adds. Else `init --metric` is rejected."""

    probe: Callable[[str, str], Generator[preparation.Finding]] | None = None
    """Verify what the adapter assumes about its store, for `doctor --probe`. The second argument names a scratch table.
    Closing the generator cleans up."""

    removal: Callable[[str], removals.RunRemoval] | None = None
    """Open the right to remove finished runs, for `prune`. Raises what `open` raises. Nothing that `open` returns may
    lead to it."""

    makes_on_open: Callable[[str], str | None] = _makes_nothing
    """What opening would silently make, in words such as `file /srv/runs.db`; None if it exists or nothing is made."""

    absolute_url: Callable[[str], str] = _same_url
    """A URL of the same store that is valid in every working directory. Raises StoreUnusable."""

    is_lasting: bool = True
    """Whether records outlive the process."""

    heartbeat_interval: timedelta = timedelta(minutes=1)
    """How often a run may be updated as a sign of life without harm; longer where the store counts requests."""

    @property
    def stale_after(self) -> timedelta:
        """How long a run that gives signs of life at this interval may show none before it counts as stale.

        Five intervals: one sign may be late or lost, and a store may be restarted meanwhile.
        """
        return 5 * self.heartbeat_interval
