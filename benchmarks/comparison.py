"""Two sides compared: their calls alternate, and a line of the table has the medians, their ratio and the target."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

from runledger import NewRun, RunChange, RunKey, RunRecord
from runledger.domain import MetricValue

Row = tuple[str, str, str, str, str]
"""A line of the table: operation, bare side, our side, ratio, target."""
Call = Callable[[int], object]

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
AT_TEXT = "2025-11-24T08:15:00.000Z"
CHANGE = RunChange(metrics={"Posts Scored": 43}, add={"Tokens": 1500})
METRICS: dict[str, MetricValue] = {"Posts": 45, "Share": 0.5, "Model": "x"}


def new_run(run_id: str, client_id: str = "acme", at: datetime = AT) -> NewRun:
    """A run as a service starts it."""
    return NewRun(RunRecord.start(RunKey(run_id, client_id), at, client_name="Acme Ltd", metrics=METRICS))


def interleaved(times: int, *sides: Call) -> list[float]:
    """The median seconds of each side, called in turn with 0, 1, 2, …"""
    gc.collect()
    gc.freeze()  # no side pays for collecting what was prepared for the measurement
    seen: list[list[float]] = [[] for _ in sides]
    for i in range(times):
        for taken, side in zip(seen, sides, strict=True):
            begin = time.perf_counter()
            side(i)
            taken.append(time.perf_counter() - begin)
    return [median(taken) for taken in seen]


def compared(name: str, target: float, times: int, bare: Call, ours: Call) -> Row:
    """The line for a call on the bare side and on ours; the target is the largest ratio that meets it."""
    bare_time, our_time = interleaved(times, bare, ours)
    ratio = our_time / bare_time
    return name, micros(bare_time), micros(our_time), f"{ratio:.2f}", verdict(f"≤ {target}", ratio <= target)


def verdict(target: str, met: bool) -> str:
    return f"{target} {'met' if met else 'MISSED'}"


def micros(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} µs"


def millis(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
