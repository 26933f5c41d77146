"""Signals while a command is run as a run: blocked, and taken one by one.

They are blocked from before the start of the run until it is finished. So none can end this process in between and
leave the run at Running. Calls of the store happen in threads while the main thread waits for signals, because a call
that waits for its store must not delay a signal for more than seconds. Threads that a driver starts inherit the
blocked signals, so none of them takes a signal that was meant for the command.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_NOT_FORWARDED = (
    "KILL", "STOP", "TSTP", "TTIN", "TTOU", "CONT", "CHLD", "WINCH", "URG",
    "PIPE", "XFSZ", "XCPU", "ABRT", "SEGV", "BUS", "FPE", "ILL", "TRAP", "SYS",
)  # fmt: skip
"""Job control, and signals caused by our own process (limits, faults)."""
FORWARDED = signal.valid_signals() - {getattr(signal, f"SIG{name}") for name in _NOT_FORWARDED}
_WATCHED = FORWARDED | {signal.SIGCHLD}
_SI_KERNEL = 128
"""The si_code of a signal that the terminal sent; the command got it too (asm-generic/siginfo.h)."""
GRACE_SECONDS = 5.0
_DEAF_SECONDS = 1.0
"""After a signal, more of them are ignored for this long: supervisors send two, for example TERM and HUP."""
_LONGEST_WAIT = 86_400.0
"""Seconds that one wait for a signal may take; the kernel refuses years."""


class Arrived(NamedTuple):
    """A signal that was taken."""

    number: int
    from_terminal: bool


class Call:
    """A call in a second thread. When it ends, the main thread's wait for a signal ends too."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether the call has returned or raised; `error` is what it raised."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the call, for at most so many seconds. Returns whether it has ended."""
        return self._ended.wait(min(seconds, threading.TIMEOUT_MAX))

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:
            self.error = error
        self._ended.set()
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGCHLD)  # to this thread alone: another might not block it, and take it


class Signalled(Exception):
    """A signal arrived during a call, which may go on."""

    def __init__(self, number: int, call: Call) -> None:
        super().__init__()
        self.number = number
        self.call = call

    def __str__(self) -> str:
        return f"ended by {signal_name(self.number)}"


@contextmanager
def signals_held() -> Iterator[Collection[int]]:
    """Block the signals that end a process, in this thread and those that it starts. Yields the command's mask."""
    # With SIGCHLD ignored, as a parent may pass it on, the kernel would keep no exit code. At its default, macOS would
    # drop the signal before anybody can wait for it.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        yield before
    finally:
        # Once unblocked, they would end us and replace our exit code.
        taken_pending()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def next_signal(until: float | None = None) -> Arrived | None:
    """The next signal; None if a call has ended, or at the time `until` of the monotonic clock."""
    seconds = _LONGEST_WAIT if until is None else min(max(0.0, until - time.monotonic()), _LONGEST_WAIT)
    arrived = _taken(_WATCHED, seconds)
    return None if arrived is None or arrived.number == signal.SIGCHLD else arrived


def _taken(watched: Collection[int], seconds: float) -> Arrived | None:
    if hasattr(signal, "sigtimedwait"):
        info = signal.sigtimedwait(watched, seconds)
        return info and Arrived(info.si_signo, info.si_code == _SI_KERNEL and not _is_ours_alone(info.si_signo))
    # macOS
    main = threading.get_ident()
    timer = threading.Timer(seconds, lambda: signal.pthread_kill(main, signal.SIGCHLD))
    timer.daemon = True
    timer.start()
    number = signal.sigwait(watched)
    timer.cancel()
    # Nothing says who sent a signal. These two are mostly typed.
    return Arrived(number, number in (signal.SIGINT, signal.SIGQUIT))


def _is_ours_alone(number: int) -> bool:
    """Whether the terminal sends this signal to us, and not to the command: a closing one to its session leader."""
    return number == signal.SIGHUP and os.getsid(0) == os.getpid()


def unless_signalled(call: Call, within: float | None = None) -> bool:
    """Wait for a call while this thread takes the blocked signals, and raise what it raises.

    Returns False if the call has not ended within so many seconds. Raises Signalled if a signal arrives that would end
    us. The call then has a few seconds to return. A further signal is ignored within the first second, and ends the
    process immediately after that.
    """
    until = None if within is None else time.monotonic() + within
    while not call.has_ended:
        arrived = next_signal(until)
        if arrived is not None and signal.getsignal(arrived.number) is not signal.SIG_IGN:
            _wait_in_grace(call)
            raise Signalled(arrived.number, call)
        if until is not None and time.monotonic() >= until and not call.has_ended:
            return False
    if call.error is not None:
        raise call.error
    return True


def _wait_in_grace(call: Call) -> None:
    if not call.wait(_DEAF_SECONDS):
        taken_pending()
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        call.wait(GRACE_SECONDS - _DEAF_SECONDS)


def taken_pending() -> list[Arrived]:
    """Take the signals that have arrived meanwhile."""
    taken = []
    while signal.sigpending() & FORWARDED:
        if arrived := _taken(FORWARDED, 0.0):
            taken.append(arrived)
    return taken


def signal_name(number: int) -> str:
    """SIGTERM, or "signal 36" for one that has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal: they have no names
        return f"signal {number}"
