"""Which events are alerts, and how they read: plain text, in which nothing that came from data steers a reader."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import define, field, frozen

from ...domain import EventKind, RunEvent, RunStatus
from ...domain.visible import visible

_HEADINGS = {
    EventKind.START_FAILED: "Run could not be started",
    EventKind.MISSING: "Update of a missing run",
    EventKind.FINISHED: "Run failed",
    EventKind.DUPLICATED: "Duplicate records of a run",
    EventKind.QUIET: "Run went quiet",
    EventKind.OVERDUE: "Client is overdue",
}
_SEVERE = {EventKind.START_FAILED, EventKind.MISSING, EventKind.FINISHED}
_NAMED = 5
"""How many different runs or clients of a storm are named."""
_LONGEST = 500
"""How many characters of a reason are shown. Some services take a thousand in all."""


def is_alert(event: RunEvent) -> bool:
    """Whether people are to be notified of this event."""
    if event.kind is EventKind.FINISHED:
        return event.status is RunStatus.FAILED
    return event.kind in _HEADINGS and not event.reading


@frozen
class Message:
    """A message as a service sends it. `count` is how many events it is about."""

    title: str
    body: str
    severe: bool
    count: int


@define
class Storm:
    """Events of one kind and place: what the first of them was, and how many there were.

    Keeps text, because an exception would keep alive all that its traceback refers to.
    """

    kind: EventKind
    facts: str
    first_at: datetime
    last_at: datetime
    count: int = 0
    _subjects: dict[str, None] = field(factory=dict)

    @classmethod
    def of(cls, event: RunEvent) -> Storm:
        """A storm that begins with this event, which is yet to be added."""
        return cls(event.kind, _facts(event), event.at, event.at)

    def add(self, event: RunEvent) -> None:
        """Count a further event of this kind and place."""
        self.count += 1
        self.last_at = event.at
        if len(self._subjects) <= _NAMED and (subject := _subject(event)):
            self._subjects.setdefault(subject)

    def message(self, *remarks: str) -> Message:
        """All of this as one message. `remarks` are sentences that follow it."""
        subject = next(iter(self._subjects), "")
        heading = _HEADINGS[self.kind]
        if self.count > 1:
            heading = f"{heading} ({self.count:,} times)"
        title = f"{heading}: {subject}" if subject else heading
        return Message(title, "\n".join([*self._lines(), *remarks]), self.kind in _SEVERE, self.count)

    def _lines(self) -> list[str]:
        if self.count == 1:
            return [self.facts]
        more = list(self._subjects)[1:_NAMED]
        ending = " and more" if len(self._subjects) > _NAMED else ""
        lines = [f"{self.count:,} times from {_time(self.first_at)} to {_time(self.last_at)}. The first:", self.facts]
        return [*lines, f"Then: {', '.join(more)}{ending}"] if more else lines


def _subject(event: RunEvent) -> str:
    """What an event is about: a run, or what `check` says of a client."""
    if event.kind in (EventKind.QUIET, EventKind.OVERDUE) and event.detail:
        return visible(_first_line(event.detail))
    return str(event.key) if event.key else ""


def _facts(event: RunEvent) -> str:
    reason = event.error if event.error is not None else event.detail
    shown = {
        "Run": event.key and str(event.key),
        "Status": event.status and event.status.value,
        "Reason": None if reason is None else _first_line(str(reason)),
        "Call site": event.call_site,
        "Time": _time(event.at),
    }
    return "\n".join(f"{name}: {visible(text)}" for name, text in shown.items() if text)


def _first_line(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
