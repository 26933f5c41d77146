"""What carries the command's standard error to ours, and keeps its last lines."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import Self

_TAIL_BYTES = 4000
_TAIL_LINES = 20
_PIPE_BYTES = 1 << 20
"""The default maximum of a Linux pipe. After the command has exited, its last lines are in no more than this: the rest
is from other processes."""
_PATIENCE_MS = 5000
"""How long the last lines are waited for. They do not come while nobody reads our standard error."""


class Relay:
    """A process that copies the command's standard error to ours, byte for byte, and keeps its tail.

    It is a process, and not a thread, because what the command leaves in the background goes on writing after we have
    ended. It ends when nobody can write to it any more. If standard output is the same file, both are copied, so that
    their order is kept.

    On a terminal there is none: standard error stays the terminal, which programs ask for passwords and keys.
    """

    def __init__(self, inlet: int | None = None, bell: int = -1, tail: int = -1) -> None:
        self._inlet = inlet
        self._bell = bell
        self._tail = tail

    @classmethod
    def open(cls) -> Relay:
        """Start the process. Call it while no other thread runs, because it is a fork."""
        if os.isatty(2):
            return cls()
        outlet, inlet = os.pipe()
        listening, bell = os.pipe()
        tail, answer = os.pipe()
        if os.fork() == 0:
            _be_the_relay(outlet, listening, answer)
        for fd in (outlet, listening, answer):
            os.close(fd)
        return cls(inlet, bell, tail)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the process end, also if nothing was run."""
        self.last_lines()

    @property
    def replaced(self) -> list[tuple[int, int, int]]:
        """The file actions of `posix_spawn` that lead the command's output to the relay."""
        if self._inlet is None:
            return []
        return [(os.POSIX_SPAWN_DUP2, self._inlet, fd) for fd in ([1, 2] if _same_file(1, 2) else [2])]

    def begun(self) -> None:
        """The command runs: what it and its children hold open is all that is still written to."""
        if self._inlet is not None:
            os.close(self._inlet)
            self._inlet = None

    def last_lines(self) -> str:
        """The last lines that the command wrote, all of which has been copied. Does not wait for other processes."""
        if self._bell == -1:
            return ""
        self.begun()
        os.close(self._bell)
        tail = b""
        poll = select.poll()
        poll.register(self._tail, select.POLLIN)
        while poll.poll(_PATIENCE_MS) and (chunk := os.read(self._tail, _TAIL_BYTES)):
            tail += chunk
        os.close(self._tail)
        self._bell = -1
        return "\n".join(tail.decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])


def _be_the_relay(outlet: int, bell: int, answer: int) -> None:
    """What the relay's process does; it never returns."""
    try:
        os.setsid()  # no signal that is meant for a group or a terminal reaches it; all others are blocked
        os.chdir("/")
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        _close_all_but(outlet, bell, answer)
        tail = _copy_until_rung(outlet, bell)
        with suppress(OSError):  # who rang the bell was killed
            os.write(answer, tail)
        os.close(answer)
        while chunk := os.read(outlet, 65536):
            _write_all(2, chunk)
    finally:
        os._exit(0)


def _close_all_but(*kept: int) -> None:
    """Close everything else that we were handed: a lock, say, or the pipe that somebody reads to its end."""
    for fd in map(int, os.listdir("/dev/fd")):
        if fd > 2 and fd not in kept:
            with suppress(OSError):  # the folder itself, which is closed by now
                os.close(fd)


def _copy_until_rung(outlet: int, bell: int) -> bytes:
    """Copy until the bell rings and what was written before is copied, or until the end. Returns the tail."""
    poll = select.poll()
    poll.register(outlet, select.POLLIN)
    poll.register(bell, select.POLLIN)
    tail, left = b"", _PIPE_BYTES
    while left > 0:
        ready = {fd for fd, _ in poll.poll()}
        if outlet not in ready or not (chunk := os.read(outlet, 65536)):
            break
        if bell in ready:
            left -= len(chunk)
        tail = (tail + chunk)[-_TAIL_BYTES:]
        try:
            _write_all(2, chunk)
        except BrokenPipeError:
            # Nobody reads our standard error any more. Stop reading the command's, whose next write then fails.
            os.dup2(0, outlet)
            break
    return tail


def _write_all(fd: int, data: bytes) -> None:
    try:
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:  # another process that shares it made it non-blocking
                poll = select.poll()
                poll.register(fd, select.POLLOUT)
                poll.poll()
    except BrokenPipeError:
        raise
    except OSError:
        return  # a full disk, say: the next write may fit


def _same_file(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False
