"""What a store reports by itself while a command runs: rows that it left out, duplicates, lost updates."""

from __future__ import annotations

from ..domain import EventKind, RunEvent
from ..domain.visible import counted
from .output import complain

_NAMED = 20
"""How many reasons, and how many anomalies, are listed; the others are counted."""
_ANOMALIES = {EventKind.DUPLICATED: "duplicated", EventKind.CONTENDED: "contended"}


class Notices:
    """An observer that keeps what the store reports, and prints it once: each reason with the number of its rows."""

    def __init__(self) -> None:
        self._rows: dict[str, set[str]] = {}
        self._anomalies: dict[str, None] = {}

    def __call__(self, event: RunEvent) -> None:
        detail = event.detail or ""
        if event.kind is EventKind.UNREADABLE:
            self._rows.setdefault(str(event.error or detail), set()).add(detail)
        elif event.kind in _ANOMALIES:
            self._anomalies[f"{event.key} is {_ANOMALIES[event.kind]}: {detail}"] = None

    @property
    def left_out(self) -> int:
        """How many rows of the store were left out."""
        return sum(map(len, self._rows.values()))

    def report(self) -> None:
        """Print to standard error how many rows were left out and why, and each anomaly."""
        reasons = sorted(((len(rows), reason) for reason, rows in self._rows.items()), reverse=True)
        for count, reason in reasons[:_NAMED]:
            complain(f"{counted(count, 'row')} left out: {_sentence(reason)}")
        if more := sum(count for count, _ in reasons[_NAMED:]):
            complain(f"{counted(more, 'row')} left out for other reasons: see `runledger doctor`.")
        anomalies = list(self._anomalies)
        for anomaly in anomalies[:_NAMED]:
            complain(_sentence(anomaly))
        if len(anomalies) > _NAMED:
            complain(f"{counted(len(anomalies) - _NAMED, 'message')} more of this kind.")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
