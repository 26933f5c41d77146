"""Calls that no signal handler cuts short: handlers that are due run after the call, and may raise then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

R = TypeVar("R")
_Handler = Callable[[int, FrameType | None], Any]
_SIGNALS = sorted(signal.valid_signals())


def uninterrupted(call: Callable[..., R], *args: object) -> R:
    """What `call(*args)` returns or raises. A signal that arrives meanwhile is handled once it has ended.

    An exception of a handler, such as KeyboardInterrupt, is raised after the call. If it comes before the call has
    begun, the call is not made. Handlers run in the main thread only: in any other thread this is just the call.
    """
    if threading.current_thread() is not threading.main_thread():
        return call(*args)
    held = _HeldSignals()
    try:
        held.hold()
        return call(*args)
    finally:
        held.release()


class _HeldSignals:
    """Stands in for the handlers of signals: notes what arrives while they are held, forwards it afterwards."""

    def __init__(self) -> None:
        self._is_over = False
        self._handlers: dict[int, _Handler] = {}
        self._arrived: list[tuple[int, FrameType | None]] = []

    def hold(self) -> None:
        with suppress(ValueError):  # an interpreter beside the main one runs no handlers
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)

    def release(self) -> None:
        try:
            self._put_back()
        except BaseException:  # of a handler that was put back already
            self._put_back()
            raise
        finally:
            self._handle_arrived()

    def _put_back(self) -> None:
        self._is_over = True
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_over:
            self._handlers[number](number, frame)
        else:
            self._arrived.append((number, frame))

    def _handle_arrived(self) -> None:
        try:
            if self._arrived:
                number, frame = self._arrived.pop(0)
                self._handlers[number](number, frame)
        finally:
            if self._arrived:
                self._handle_arrived()
