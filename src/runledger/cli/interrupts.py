"""Ctrl-C while a command runs. Before and after that, the console script ends without a word."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

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
