"""A progress bar on standard error, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Literal, TypeVar

T = TypeVar("T")

_STEP = 500
"""How many items are read between two steps of the bar."""


@contextmanager
def progress(unit: Literal["bytes", "records"], *, wanted: bool = True) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar while the block runs. Yields a function to call with the number done and the total (None: unknown)."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    numbers = (
        (DownloadColumn(), TimeRemainingColumn()) if unit == "bytes" else (MofNCompleteColumn(), TimeElapsedColumn())
    )
    # What is printed to standard error meanwhile appears above the bar; standard output may be a file.
    with Progress(BarColumn(), *numbers, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def showing(
    items: Iterable[T], advance: Callable[[int, None], None], numbers: Iterator[int] | None = None
) -> Iterator[T]:
    """The items, while the bar advances with them. `numbers` continues the count of other items, from 1."""
    numbers = count(1) if numbers is None else numbers
    for item in items:
        yield item
        if (number := next(numbers)) % _STEP == 0:
            advance(number, None)
