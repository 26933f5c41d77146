"""Moments of a call, chosen by its progress and not by time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

_STEPS = ("call", "c_return")


class Step:
    """Does something once, at one step of a call; `number` counts from 0, and None means at none.

    A step is the beginning of a function or the end of a call into C: there Python runs the handlers of signals too.
    """

    def __init__(self, number: int | None, act: Callable[[], object]) -> None:
        self.taken = 0
        """How many steps the call has taken so far."""
        self._number = number
        self._act = act
        self._is_under_way = False

    def during(self, call: Callable[[], object]) -> None:
        """Make the call, and count its steps in this thread."""
        before = sys.getprofile()
        self._is_under_way = True
        sys.setprofile(self.count)
        try:
            call()
        finally:
            sys.setprofile(before)
            self._is_under_way = False

    def count(self, _frame: FrameType, event: str, _argument: object) -> None:
        """Count the step, in any thread that has this as its profile function."""
        if self._is_under_way and event in _STEPS:
            self.taken += 1
            if self.taken - 1 == self._number:
                self._act()
