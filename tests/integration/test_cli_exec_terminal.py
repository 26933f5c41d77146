"""`runledger exec` on a terminal, which also signals the command, and with a standard error that does not block."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest
from attrs import frozen
from commands import RUNLEDGER, environment

from runledger import connect

LISTEN = """
import os, signal, sys
watched = {{signal.{watched}, signal.SIGTERM}}
signal.pthread_sigmask(signal.SIG_BLOCK, watched)
said = open(sys.argv[1], "w", buffering=1)
print("ready", *os.get_terminal_size(2), file=said)
while True:
    number = signal.sigwait(watched)
    print(signal.Signals(number).name, *os.get_terminal_size(2), file=said)
    if number == signal.SIGTERM:
        break
"""
"""A command that writes to a file each signal that it gets, and the size of its terminal then, until SIGTERM comes."""

WRITE = """
import fcntl, os, sys, termios
os.write(2, b"first")
while fcntl.ioctl(2, termios.FIONREAD, bytes(4)) != bytes(4):
    pass
with open(sys.argv[1], "w") as said:
    print("taken", file=said)
sys.stderr.write("x" * 1_000_000)
"""
"""A command that writes much to standard error once the first of it was taken, which it says in a file."""


@frozen
class Terminal:
    """A terminal, and a command that runs in its foreground and listens."""

    leader: int
    process: subprocess.Popen[bytes]
    said: TextIO

    def line(self) -> str:
        """The next line that the command writes."""
        return self.said.readline().strip()

    def send(self, number: signal.Signals) -> None:
        """Signal `runledger` alone."""
        self.process.send_signal(number)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop `runledger` for the length of the block; the command goes on."""
        self.send(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)
        yield
        self.send(signal.SIGCONT)

    def type(self, keys: bytes) -> None:
        os.write(self.leader, keys)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))


@contextmanager
def listening(store: Path, watched: str) -> Iterator[Terminal]:
    """A command that listens to this signal, on a terminal of 80 columns and 24 lines. It ends with the block."""
    leader, follower = pty.openpty()
    name, fifo = os.ttyname(follower), store.with_name("said")
    os.mkfifo(fifo)  # not the terminal: what the command writes to it is not copied while `runledger` is paused
    command = [
        *RUNLEDGER,
        "exec",
        "--client",
        "a",
        "--",
        sys.executable,
        "-c",
        LISTEN.format(watched=watched),
        str(fifo),
    ]
    fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    # A session leader without a terminal gets the one that it opens.
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" <{name} >{name} 2>&1', "sh", *command],
        env=environment(store),
        start_new_session=True,
    )
    try:
        with fifo.open() as said:
            yield Terminal(leader, process, said)
            assert process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(leader)
        os.close(follower)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def status_of(store: Path) -> str:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        (record,) = ledger.find()
    return str(record.status.value)


def test_the_command_gets_the_terminals_interrupt_once(store: Path) -> None:
    with listening(store, "SIGINT") as on:
        assert on.line() == "ready 80 24"
        with on.paused():  # so that a second one could not merge with the terminal's
            on.type(b"\x03")
            assert on.line() == "SIGINT 80 24"
        on.send(signal.SIGTERM)
        assert on.line() == "SIGTERM 80 24"
    assert status_of(store) == "Completed"


def test_the_command_is_signalled_when_its_terminal_has_a_new_size(store: Path) -> None:
    with listening(store, "SIGWINCH") as on:
        assert on.line() == "ready 80 24"
        on.resize(132, 43)
        assert on.line() == "SIGWINCH 132 43"
        on.send(signal.SIGTERM)
        assert on.line() == "SIGTERM 132 43"


def test_nothing_is_lost_if_standard_error_does_not_block_and_is_full(store: Path) -> None:
    outlet, inlet = os.pipe()
    os.set_blocking(inlet, False)
    before = 0
    with suppress(BlockingIOError):
        while True:
            before += os.write(inlet, b"before\n" * 500)
    fifo = store.with_name("said")
    os.mkfifo(fifo)
    with subprocess.Popen(
        [*RUNLEDGER, "exec", "--client", "a", "--", sys.executable, "-c", WRITE, str(fifo)],
        env=environment(store),
        stderr=inlet,
    ) as process:
        os.close(inlet)
        with fifo.open() as said, os.fdopen(outlet, "rb") as errors:
            assert said.readline() == "taken\n"
            assert errors.read()[before:] == b"first" + b"x" * 1_000_000
        assert process.wait() == 0
