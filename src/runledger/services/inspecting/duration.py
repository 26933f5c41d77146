"""Durations as text for people."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))
_HOURS = timedelta(days=2)
"""Ages below this are given in hours, so that 26h differs from 47h."""


def duration_text(duration: timedelta) -> str:
    """A duration from 0 exactly, in the units that the command line takes: 26h, 1h30m, 2d, 0.5s."""
    if duration and not duration % timedelta(days=1):
        return f"{duration.days}d"
    hours, left = divmod(duration, timedelta(hours=1))
    minutes, left = divmod(left, timedelta(minutes=1))
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    if left or not (hours or minutes):
        parts.append(f"{left.total_seconds():g}s")
    return "".join(parts)


def age_text(age: timedelta) -> str:
    """A duration in the largest unit that fits, rounded down to whole units: 59s, 12m, 47h, 2d. Below 0 it is 0s."""
    for name, unit in _UNITS:
        if age >= (_HOURS if name == "d" else unit):
            return f"{age // unit}{name}"
    return f"{max(0, age // timedelta(seconds=1))}s"
