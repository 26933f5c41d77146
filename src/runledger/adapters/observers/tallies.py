"""How often events came from which call sites: a bounded number of counts, in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import define, evolve

from ...domain import EventKind, RunEvent, RunKey

UNKNOWN = "unknown call site"
OTHERS = "other call sites"
"""Where those are counted that exceed the limit."""
_LONGEST = 1_000
"""How many characters of a call site are kept."""


def is_kept(event: RunEvent) -> bool:
    """Whether an event is counted: an update of a missing run, or a failed start."""
    return event.kind in (EventKind.MISSING, EventKind.START_FAILED) and not event.reading


@define
class Tally:
    """How many events of one kind came from one call site, when the first and the last one did, and the newest key."""

    kind: EventKind
    call_site: str
    count: int
    first_at: datetime
    last_at: datetime
    key: RunKey | None

    @classmethod
    def of(cls, event: RunEvent) -> Tally:
        """The tally of one event."""
        # A path that is not valid Unicode has surrogates, which SQLite does not store.
        site = (event.call_site or UNKNOWN).encode(errors="backslashreplace").decode()[:_LONGEST]
        return cls(event.kind, site, 1, event.at, event.at, event.key)

    def include(self, other: Tally) -> None:
        """Add another tally of this kind and call site."""
        self.count += other.count
        self.first_at = min(self.first_at, other.first_at)
        if other.last_at >= self.last_at:
            self.last_at, self.key = other.last_at, other.key


class Tallies:
    """Tallies of up to `limit` kinds and call sites; events from more are counted in one tally for each kind."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._all: dict[tuple[EventKind, str], Tally] = {}

    @property
    def count(self) -> int:
        """How many events there are."""
        return sum(tally.count for tally in self._all.values())

    def include(self, more: Iterable[Tally]) -> None:
        """Add tallies."""
        for tally in more:
            self._include(tally)

    def take(self) -> list[Tally]:
        """All tallies, which are no longer here."""
        taken, self._all = list(self._all.values()), {}
        return taken

    def _include(self, tally: Tally) -> None:
        place = tally.kind, tally.call_site
        if place not in self._all and len(self._all) >= self._limit:
            tally = evolve(tally, call_site=OTHERS)
            place = tally.kind, OTHERS
        # A signal handler may add an event between any two of these steps, and loses none.
        mine = self._all.get(place) or self._all.setdefault(place, evolve(tally, count=0))
        mine.include(tally)
