"""Waits for a PostgreSQL server that end by a count: a test may have frozen the clock that the driver looks at."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from psycopg.errors import _WaitTimeout

T = TypeVar("T")

TICK = 0.1
"""Seconds after which the driver goes on waiting, and looks whether a signal has come."""


def with_time_limit(steps: Generator[Any, Any, T], seconds: float) -> Generator[Any, Any, T]:
    """The steps of an operation of the driver, which waits for each. Raises _WaitTimeout after `seconds` of waiting.

    `steps` may be continued afterwards. The driver sends 0 after a tick in which nothing came.
    """
    left = seconds / TICK
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if not ready:
                left -= 1
                if left <= 0:
                    raise _WaitTimeout("no answer")
            wanted = steps.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result
