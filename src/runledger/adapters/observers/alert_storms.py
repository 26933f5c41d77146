"""What waits to be sent: one storm for each kind of event and call site, and when it is due."""

from __future__ import annotations

from attrs import define

from ...domain import EventKind, RunEvent
from .alert_message import Storm

Place = tuple[EventKind, str | None]

LONGEST_PAUSE = 128
"""The longest time between two messages about one place, in windows."""


@define
class _Pause:
    """The time after a message in which its place has no other one: until when, and for how long."""

    until: float
    length: float


@define
class _Waiting:
    storm: Storm
    due: float


class Storms:
    """Gathers events by their place until they are due. Times are seconds of one clock; it has none.

    A storm is due `window` seconds after its first event. While its place goes on, the pause between two messages
    doubles, up to 128 windows. At most `limit` storms wait; events beyond them are counted in `dropped`.
    """

    def __init__(self, window: float, limit: int) -> None:
        self._window = window
        self._limit = limit
        self._waiting: dict[Place, _Waiting] = {}
        self._pauses: dict[Place, _Pause] = {}
        self.dropped = 0

    def add(self, event: RunEvent, now: float) -> bool:
        """Take an event in. True if it begins a storm, so that the next one may be due sooner than before."""
        place = event.kind, event.call_site
        if waiting := self._waiting.get(place):
            waiting.storm.add(event)
            return False
        if len(self._waiting) >= self._limit:
            self.dropped += 1
            return False
        pause = self._pauses.get(place)
        due = pause.until if pause and pause.until > now else now + self._window
        self._waiting.setdefault(place, _Waiting(Storm.of(event), due)).storm.add(event)
        return True

    @property
    def next_due(self) -> float | None:
        """When the next storm is due; None if nothing waits."""
        return min((waiting.due for waiting in self._waiting.values()), default=None)

    @property
    def count(self) -> int:
        """How many events wait."""
        return sum(waiting.storm.count for waiting in self._waiting.values())

    def take(self, now: float, *, everything: bool = False) -> list[Storm]:
        """Take out the storms that are due, or everything."""
        due = [place for place, waiting in self._waiting.items() if everything or waiting.due <= now]
        for place, pause in list(self._pauses.items()):
            if place not in self._waiting and pause.until + pause.length <= now:
                del self._pauses[place]
        for place in due:
            self._pauses[place] = self._next_pause(place, now)
        return [self._waiting.pop(place).storm for place in due]

    def take_dropped(self) -> int:
        """How many events were dropped since the last time."""
        dropped, self.dropped = self.dropped, 0
        return dropped

    def _next_pause(self, place: Place, now: float) -> _Pause:
        last = self._pauses.get(place)
        length = self._window if last is None else min(2 * last.length, LONGEST_PAUSE * self._window)
        return _Pause(now + length, length)
