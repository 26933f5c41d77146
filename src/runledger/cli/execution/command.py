"""The process of a command: starting it, passing signals on to it, ending it when its time is over."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ...services.ledger import utc_now
from ..output import complain
from .ending import Ending, ending_of
from .relay import Relay
from .signals import Arrived, Call, next_signal, signal_name, taken_pending

_FOR_THE_GROUP = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
"""Signals that ask for the end. Others mean what the command makes of them, and its children would die of them."""


class TimeLimit(NamedTuple):
    """How long a command may take, as it was written and in seconds, and the seconds between TERM and KILL."""

    written: str
    seconds: float
    grace: float


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    mask: Iterable[int],
    relay: Relay,
    limit: TimeLimit | None = None,
) -> Ending:
    """Run a command to its end, with the signal mask `mask`. Call it inside `signals_held`. Raises OSError."""
    early = taken_pending()
    running = _Running(_started(command, environment, relay, mask), in_own_group=not _on_terminal())
    relay.begun()
    for arrived in early:  # also the terminal's: the command did not exist yet
        running.pass_on(Arrived(arrived.number, from_terminal=False))
    code = running.ended_within(limit)
    at = utc_now()  # its last lines may take a while
    # If they stayed, they would interrupt the finish of the command's record.
    running.asked.update(late.number for late in taken_pending() if late.from_terminal)
    timed_out = limit.written if limit is not None and running.timed_out else None
    return ending_of(code, running.asked, relay.last_lines(), timed_out)._replace(at=at)


class _Running:
    """A command that runs."""

    def __init__(self, pid: int, *, in_own_group: bool) -> None:
        self.asked: set[int] = set()
        """The signals that somebody sent us for the command, or that the terminal sent to both."""
        self.timed_out = False
        self._pid = pid
        self._in_own_group = in_own_group
        self._status: int | None = None
        self._end = Call(self._wait)

    def ended_within(self, limit: TimeLimit | None) -> int:
        """Pass on signals until the command has ended. Returns its exit code, or -N if signal N ended it."""
        until = None if limit is None else time.monotonic() + limit.seconds
        while not self._end.has_ended:
            arrived = next_signal(until)
            if arrived is not None:
                self.pass_on(arrived)
            elif limit is not None and until is not None and time.monotonic() >= until:
                # After the second one, wait for the end: nothing ends a process that the kernel holds.
                until = None if self.timed_out else time.monotonic() + limit.grace
                self._send(signal.SIGKILL if self.timed_out else signal.SIGTERM, to_group=True)
                self.timed_out = True
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1] if self._status is None else self._status)

    def pass_on(self, arrived: Arrived) -> None:
        """Send the command a signal that we got, unless the terminal sent it to both."""
        self.asked.add(arrived.number)
        if not arrived.from_terminal:
            self._send(arrived.number, to_group=arrived.number in _FOR_THE_GROUP)

    def _send(self, number: int, *, to_group: bool) -> None:
        # Until it is waited for, the command's process id is nobody else's.
        try:
            if to_group and self._in_own_group:
                with suppress(ProcessLookupError):  # it left its group
                    os.killpg(self._pid, number)
                    return
            os.kill(self._pid, number)
        except PermissionError:
            complain(f"{signal_name(number)} cannot be sent to the command: it runs as another user. Waiting for it.")

    def _wait(self) -> None:
        """Wait for the end of the command, whose exit code stays. As PID 1, reap the orphans that we are given."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            self._status = os.waitpid(self._pid, 0)[1]
            return
        is_init = os.getpid() == 1
        kind, ours = (os.P_ALL, 0) if is_init else (os.P_PID, self._pid)
        while True:
            ended = os.waitid(kind, ours, os.WEXITED | os.WNOWAIT)
            if ended is None or ended.si_pid == self._pid:
                return
            with suppress(ChildProcessError):
                os.waitpid(ended.si_pid, os.WNOHANG)


def _started(command: Sequence[str], environment: Mapping[str, str], relay: Relay, mask: Iterable[int]) -> int:
    try:
        return _spawned(command, environment, relay, mask)
    except OSError as error:
        from shutil import which  # here, because it loads every kind of compression

        path = which(command[0])
        if error.errno != errno.ENOEXEC or path is None:
            raise
        # A script without #! is run by the shell, as execvp and every shell do.
        return _spawned(["/bin/sh", path, *command[1:]], environment, relay, mask)


def _spawned(command: Sequence[str], environment: Mapping[str, str], relay: Relay, mask: Iterable[int]) -> int:
    # On a terminal, the command stays in our process group: the terminal's foreground, which may read keys.
    in_own_group: dict[str, Any] = {} if _on_terminal() else {"setpgroup": 0}
    return os.posix_spawnp(
        command[0],
        list(command),
        dict(environment),
        file_actions=relay.replaced,
        setsigmask=mask,
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, and the command would inherit that
        **in_own_group,
    )


def _on_terminal() -> bool:
    """Whether a terminal controls us, although all of our files may be others."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
