"""How a command ended, in the words of a run record."""

from __future__ import annotations

import signal
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from .signals import signal_name

TIMED_OUT = 124
"""The exit code after a time-out, as that of timeout(1)."""
_LIKELY: dict[int, str] = {
    signal.SIGKILL: ", which exec did not send: likely no memory was left, or the limit for it was reached",
    signal.SIGXCPU: ": the limit for processor time was reached",
    signal.SIGXFSZ: ": the limit for the size of files was reached",
    signal.SIGPIPE: ": nobody read its output any more",
}
_SHOWN = 200
"""Characters of the last line that begin the error: lists, `check` and alerts show the first line alone."""


class Ending(NamedTuple):
    """How a command ended: its exit code, the error if it failed, the reason if it was cancelled, and when."""

    code: int
    error: str | None = None
    cancelled: str | None = None
    at: datetime | None = None


def ending_of(code: int, asked: Collection[int], lines: str, timed_out: str | None = None) -> Ending:
    """The ending of a command that ended with an exit code, or by a signal, whose number `code` is then, negative.

    It counts as cancelled if that signal is among those that somebody `asked` it to end by. A shell hands on a signal
    that ended its own command as the exit code 128 + N. `lines` are the last that it wrote. `timed_out` says after how
    long its time was over, if that is why it was ended.
    """
    number = -code if code < 0 else code - 128
    exit_code = 128 + number if code < 0 else code
    if timed_out is not None:
        return Ending(TIMED_OUT, error=_with_lines(f"timed out after {timed_out}", lines))
    if code == 0:
        return Ending(0)
    if number in asked:
        return Ending(exit_code, cancelled=f"ended by {signal_name(number)}")
    if code < 0:
        return Ending(exit_code, error=_with_lines(_by_signal(number), lines))
    if 0 < number < 32:
        return Ending(code, error=_with_lines(f"exit code {code}: {_by_signal(number)}", lines))
    return Ending(code, error=_with_last_line(f"exit code {code}", lines))


def _by_signal(number: int) -> str:
    return f"ended by {signal_name(number)}{_LIKELY.get(number, '')}"


def _with_lines(reason: str, lines: str) -> str:
    return f"{reason}\n{lines}".strip()


def _with_last_line(reason: str, lines: str) -> str:
    """The reason with the last line that is not empty, and below them all lines, unless they say no more."""
    last = lines.strip().rpartition("\n")[2].strip()
    if not last:
        return reason
    shown = last if len(last) <= _SHOWN else f"{last[: _SHOWN - 1]}…"
    return f"{reason}: {shown}" if shown == lines.strip() else _with_lines(f"{reason}: {shown}", lines)
