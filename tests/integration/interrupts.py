"""Interrupts, as Ctrl-C raises them, at every instant of a call at which Python can raise one."""

import dis
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

# The interpreter looks for signals when a function begins, when a loop jumps back, and when a call in C returns.
_LOOKS = ("RESUME", "JUMP_BACKWARD", "CALL")


class Interrupt(KeyboardInterrupt):
    """What the tests raise, so that they catch nothing else."""


@cache
def _instants(code: CodeType) -> frozenset[int]:
    """The offsets of instructions before which an interrupt can come, and is handled as at the instruction before."""
    found = []
    instructions = [each for each in dis.get_instructions(code) if each.opname not in ("CACHE", "EXTENDED_ARG")]
    entries = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]

    def handler(offset: int) -> object:
        return next((entry.target for entry in entries if entry.start <= offset < entry.end), None)

    for before, after in pairwise(instructions):
        if before.opname.startswith(_LOOKS) and handler(before.offset) == handler(after.offset):
            found.append(after.offset)
    return frozenset(found)


class Interruption:
    """Makes a call, and does something at one instant of it, counted from 0, in the modules whose path has a word.

    `happened` says whether the call had such an instant.
    """

    def __init__(self, instant: int, act: Callable[[], object], *words: str) -> None:
        self.left = instant
        self.happened = False
        self._act = act
        self._words = words

    def during(self, call: Callable[[], object]) -> None:
        before = sys.gettrace()
        sys.settrace(self._frame)
        try:
            call()
        finally:
            sys.settrace(before)

    def _frame(self, frame: FrameType, _event: str, _arg: object) -> Any:
        if self.happened or not any(word in frame.f_code.co_filename for word in self._words):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return self._instruction

    def _instruction(self, frame: FrameType, event: str, _arg: object) -> Any:
        if event == "opcode" and not self.happened and frame.f_lasti in _instants(frame.f_code):
            if not self.left:
                self.happened = True
                self._act()
            self.left -= 1
        return self._instruction


def interrupt() -> None:
    raise Interrupt
