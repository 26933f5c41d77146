"""Times of a run that lie in the future. Pure: the time is given."""

from __future__ import annotations

from datetime import datetime, timedelta

from ...domain.json_form import time_text

CLOCKS_DIFFER = timedelta(minutes=5)
"""A time that is less ahead is not in the future: the clock of the machine that wrote it may be ahead of ours."""


def is_in_future(time: datetime, at: datetime) -> bool:
    """Whether a time is further ahead of a time `at` than clocks differ."""
    return time - at >= CLOCKS_DIFFER


def future_times(
    at: datetime, *, started_at: datetime | None, ended_at: datetime | None, updated_at: datetime | None
) -> str:
    """Those of a run's times that are in the future at a time `at`, each after its name; "" if none is."""
    times = (("start", started_at), ("end", ended_at), ("last update", updated_at))
    return ", ".join(f"{name} {time_text(time)}" for name, time in times if time is not None and is_in_future(time, at))
