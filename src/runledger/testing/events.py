"""Checks of an application's runs, by the events that its ledger reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import field, frozen

from ..domain import EventKind, RunAlreadyExists, RunEvent, RunKey


@frozen
class RunEvents:
    """An observer that keeps every event, in order. Each check raises AssertionError with a sentence."""

    _events: list[RunEvent] = field(factory=list)

    def __call__(self, event: RunEvent) -> None:
        self._events.append(event)

    def __iter__(self) -> Iterator[RunEvent]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def of(self, kind: EventKind) -> list[RunEvent]:
        """The events of one kind, in their order."""
        return [event for event in self._events if event.kind is kind]

    def assert_started_once_each(self, clients: Iterable[str], run_id: str | None = None) -> None:
        """Exactly these clients were started, each exactly once, and no second start was attempted.

        With a run id, only the starts of that run count.
        """
        if isinstance(clients, str):
            raise TypeError(f"clients is the text {clients!r}: give a list of client ids.")
        starts = [event.key for event in self.of(EventKind.STARTED) if event.key is not None]
        starts += [key for event in self.of(EventKind.REFUSED) for key in _refused_starts(event)]
        counts = Counter(key.client_id for key in starts if run_id in (None, key.run_id))
        wanted = set(clients)
        wrong = [f"{client!r} was never started" for client in sorted(wanted - counts.keys())]
        wrong += [f"{client!r} was started, and should not be" for client in sorted(counts.keys() - wanted)]
        wrong += [f"{c!r} was to be started {n} times" for c, n in sorted(counts.items()) if c in wanted and n > 1]
        _require_none(wrong, "exactly one run was to be started for each client")

    def assert_all_finished(self) -> None:
        """Every run that was started has been finished."""
        finished = {event.key for event in self.of(EventKind.FINISHED)}
        wrong = [f"{event.key} is still Running" for event in self.of(EventKind.STARTED) if event.key not in finished]
        _require_none(wrong, "every run that was started was to be finished")

    def assert_none_missing(self) -> None:
        """Nothing updated, or asked for, a run that was not started."""
        wrong = [f"{event.key}, at {event.call_site}" for event in self.of(EventKind.MISSING)]
        _require_none(wrong, "nothing was to be done to a run that was not started")


def _refused_starts(event: RunEvent) -> tuple[RunKey, ...]:
    return event.error.keys if isinstance(event.error, RunAlreadyExists) else ()


def _require_none(wrong: list[str], what: str) -> None:
    if wrong:
        raise AssertionError(f"{what}, but {'; '.join(wrong)}")
