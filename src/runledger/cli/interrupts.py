"""Ctrl-C while a command runs. Before and after that, the console script ends without a word."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SCRIPT = "runledger_command"


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in this block, as usual in Python, where the console script ends the process.

    In any other program nothing changes.
    """
    before = signal.getsignal(signal.SIGINT)
    if getattr(before, "__module__", None) != _SCRIPT:  # it is not imported: that alone would set its handler
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C in this block only be noted, and the second raise KeyboardInterrupt.

    Yields a function that returns whether there was one. Where Ctrl-C is ignored, it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield lambda: False
        return
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        if len(pressed) > 1:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
