"""Running a command as a run: input and output unchanged, signals forwarded, the end of standard error kept.

Signals are blocked from before the start of the run until it is finished. So none can end this process in between and
leave the run at Running. The start and the finish happen in a second thread while the first waits for signals, because
a call that waits for its store must not delay a signal for more than seconds. Threads that a driver starts inherit the
blocked signals, so none of them takes a signal that was meant for the command.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..domain import RunKey

_NOT_FORWARDED = (
    "KILL", "STOP", "TSTP", "TTIN", "TTOU", "CONT", "CHLD", "WINCH", "URG",
    "PIPE", "XFSZ", "XCPU", "ABRT", "SEGV", "BUS", "FPE", "ILL", "TRAP", "SYS",
)  # fmt: skip
"""Job control, and signals caused by our own process (limits, faults)."""
_FORWARDED = signal.valid_signals() - {getattr(signal, f"SIG{name}") for name in _NOT_FORWARDED}
_WATCHED = _FORWARDED | {signal.SIGCHLD, signal.SIGWINCH}
_SI_KERNEL = 128
"""The si_code of a signal that the terminal sent; the command got it too (asm-generic/siginfo.h)."""
GRACE_SECONDS = 5.0
_DEAF_SECONDS = 1.0
"""After a signal, more of them are ignored for this long: supervisors send two, for example TERM and HUP."""
_TAIL_BYTES = 4000
_TAIL_LINES = 20
_PIPE_BYTES = 1 << 20
"""The default maximum of a Linux pipe. After the command has exited, read no more: the rest is from other processes."""


class Ending(NamedTuple):
    """How a command ended: its exit code, the error if that is not 0, the reason if it counts as cancelled."""

    code: int
    error: str | None = None
    cancelled: str | None = None


class Signalled(Exception):
    """A signal arrived during a call. `ended` says whether the call has returned since, `error` what it raised then."""

    def __init__(self, number: int, ended: bool, error: BaseException | None) -> None:
        super().__init__()
        self.number = number
        self.ended = ended
        self.error = error

    def __str__(self) -> str:
        return f"ended by {_signal_name(self.number)}"

    @property
    def ending(self) -> Ending:
        return Ending(128 + self.number, cancelled=f"{self} before the command began")


@contextmanager
def signals_held() -> Iterator[Collection[int]]:
    """Block the signals that end a process, in this thread and those that it starts. Yields the command's mask."""
    # A parent that ignores SIGCHLD passes that on; the kernel would then never signal the end of the command.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        yield before
    finally:
        # Once unblocked, they would end us and replace our exit code.
        _taken_pending()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unless_signalled(work: Callable[[], None]) -> None:
    """Call `work` in another thread while this one waits for the blocked signals, and raise what it raises.

    Raises Signalled if a signal arrives that would end us. The call then has a few seconds to return. A further signal
    is ignored within the first second, and ends the process immediately after that.
    """
    raised: list[BaseException] = []
    ended = threading.Event()

    def do() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)
        ended.set()
        os.kill(os.getpid(), signal.SIGCHLD)

    threading.Thread(target=do, daemon=True).start()
    number = _signal_before(ended)
    if number is not None:
        if not ended.wait(_DEAF_SECONDS):
            _taken_pending()
            if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            ended.wait(GRACE_SECONDS - _DEAF_SECONDS)
        raise Signalled(number, ended.is_set(), raised[0] if raised else None)
    if raised:
        raise raised[0]


def _signal_before(ended: threading.Event) -> int | None:
    while True:
        number, _ = _next_signal()
        if number in _FORWARDED and signal.getsignal(number) is not signal.SIG_IGN:
            return number
        if number == signal.SIGCHLD and ended.is_set():
            return None


def run_command(command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> Ending:
    """Run a command to its end, with the signal mask `mask`. Call it inside `signals_held`. Raises OSError."""
    relay = _Relay.open()
    early = _taken_pending()
    try:
        try:
            pid = _spawn(command, environment, relay, mask)
        except OSError as error:
            from shutil import which  # here, because it loads every kind of compression

            path = which(command[0])
            if error.errno != errno.ENOEXEC or path is None:
                raise
            # A script without #! is run by the shell, as execvp and every shell do.
            pid = _spawn(["/bin/sh", path, *command[1:]], environment, relay, mask)
        relay.start()
        for number in early:  # also the terminal's: the command did not exist yet
            os.kill(pid, number)
        status = _wait_for(pid, relay)
    finally:
        relay.stop()
        # Signals for a command that has ended. If they stayed, they would interrupt the finish of its record.
        _taken_pending()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return Ending(128 - code, cancelled=f"ended by {_signal_name(-code)}")
    return Ending(code, error=f"exit code {code}\n{relay.last_lines()}".strip() if code else None)


def _spawn(command: Sequence[str], environment: Mapping[str, str], relay: _Relay, mask: Iterable[int]) -> int:
    return os.posix_spawnp(
        command[0],
        list(command),
        dict(environment),
        file_actions=[(os.POSIX_SPAWN_DUP2, relay.inlet, fd) for fd in relay.replaces],
        setsigmask=mask,
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, and the command would inherit that
    )


def _taken_pending() -> list[int]:
    taken: list[int] = []
    while signal.sigpending() & _FORWARDED:
        taken.append(signal.sigwait(_FORWARDED))
    return taken


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal: they have no names
        return f"signal {number}"


def _wait_for(pid: int, relay: _Relay) -> int:
    while True:
        number, from_terminal = _next_signal()
        if number == signal.SIGCHLD:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return status
        elif number == signal.SIGWINCH:
            relay.resize()
            # Once more, because the terminal's own signal came before the pseudo-terminal had its new size.
            os.kill(pid, number)
        elif not from_terminal:
            os.kill(pid, number)


def _next_signal() -> tuple[int, bool]:
    if not hasattr(signal, "sigwaitinfo"):  # macOS: only the two that a terminal sends can be recognised
        number = signal.sigwait(_WATCHED)
        return number, number in (signal.SIGINT, signal.SIGQUIT) and os.isatty(0)
    info = signal.sigwaitinfo(_WATCHED)
    return info.si_signo, info.si_code == _SI_KERNEL


class _Relay:
    """Copies the command's standard error to ours, byte for byte, and keeps its tail.

    A terminal stays a terminal, by a pseudo-terminal. If standard output is the same file, both are copied, so that
    their order is kept.
    """

    def __init__(self, inlet: int, replaces: list[int], outlet: int, is_terminal: bool) -> None:
        self.inlet = inlet
        self.replaces = replaces
        self._outlet = outlet
        self._is_terminal = is_terminal
        self._tail = b""
        self._bell = os.pipe()
        self._thread: threading.Thread | None = None

    @classmethod
    def open(cls) -> _Relay:
        is_terminal = os.isatty(2)
        if is_terminal:
            outlet, inlet = os.openpty()
            tty.setraw(inlet)
        else:
            outlet, inlet = os.pipe()
        relay = cls(inlet, [1, 2] if _same_file(1, 2) else [2], outlet, is_terminal)
        relay.resize()
        return relay

    def start(self) -> None:
        os.close(self.inlet)
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Copy what the command has written so far. Does not wait for other processes that hold the pipe open."""
        os.close(self._bell[1])
        if self._thread is not None:
            self._thread.join()
        else:
            os.close(self.inlet)
        os.close(self._outlet)
        os.close(self._bell[0])

    def resize(self) -> None:
        if self._is_terminal:
            size = fcntl.ioctl(2, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self._outlet, termios.TIOCSWINSZ, size)

    def last_lines(self) -> str:
        lines = self._tail.decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def _carry(self) -> None:
        left = _PIPE_BYTES
        while left > 0:
            ready, _, _ = select.select([self._outlet, self._bell[0]], [], [])
            if self._outlet not in ready:
                return
            try:
                chunk = os.read(self._outlet, 65536)
            except OSError:  # a pseudo-terminal whose other end is closed
                return
            if not chunk:
                return
            if self._bell[0] in ready:
                left -= len(chunk)
            self._tail = (self._tail + chunk)[-_TAIL_BYTES:]
            try:
                _write_all(2, chunk)
            except BrokenPipeError:
                # Nobody reads our standard error any more. Stop reading the command's, whose next write then fails.
                os.dup2(self._bell[0], self._outlet)
                return


def _write_all(fd: int, data: bytes) -> None:
    try:
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:  # another process that shares it made it non-blocking
                select.select([], [fd], [])
    except BrokenPipeError:
        raise
    except OSError:
        return  # a full disk, say: the next write may fit


def _same_file(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def environment_for(store: str | None, key: RunKey | None) -> dict[str, str]:
    """Our environment, with the store and the run that the command updates instead of any that it already had.

    The folder of our own script comes last in PATH, so that the command finds `runledger`: cron's PATH rarely does.
    """
    run_id, client_id = (key.run_id, key.client_id) if key else (None, None)
    ours = {"RUNLEDGER_STORE": store, "RUNLEDGER_RUN_ID": run_id, "RUNLEDGER_CLIENT_ID": client_id}
    own = os.path.dirname(os.path.abspath(sys.argv[0]))
    path = os.environ.get("PATH")
    if path and own not in path.split(os.pathsep) and os.access(os.path.join(own, "runledger"), os.X_OK):
        ours["PATH"] = f"{path}{os.pathsep}{own}"
    return {name: value for name, value in {**os.environ, **ours}.items() if value is not None}
