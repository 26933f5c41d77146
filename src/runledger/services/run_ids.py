"""New run ids, made from the time."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from ..domain.values import checked_time


def new_run_id(at: datetime | None = None) -> str:
    """A new run id, such as 251124-081500-3f9a1c: a UTC time to the second, then six random hexadecimal digits.

    `at` is an aware datetime; without it, the system's clock is read. Ids of different seconds sort by time. Two ids
    of one second are equal once in 16.7 million: the second start then raises RunAlreadyExists. Raises InvalidValue.
    """
    time = datetime.now(UTC) if at is None else checked_time(at, "at")
    return f"{time:%y%m%d-%H%M%S}-{os.urandom(3).hex()}"
