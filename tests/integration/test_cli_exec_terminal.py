"""`runledger exec` on a terminal, which also signals the command, and with a standard error that does not block."""

import fcntl
import os
import pty
import shutil
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


def error_of(store: Path) -> str | None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        (record,) = ledger.find()
    return record.error


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


@contextmanager
def typed_at(store: Path, *command: str, **variables: str) -> Iterator[int]:
    """`exec` of a command in the foreground of a terminal, whose other side is given; it ends with the block."""
    pid, leader = pty.fork()
    if pid == 0:
        arguments = [*RUNLEDGER, "exec", "--client", "a", "--", *command]
        os.execve(arguments[0], arguments, environment(store, TERM="xterm", **variables))  # noqa: S606 (no shell)
    try:
        yield leader
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(leader)


def read_until(leader: int, what: bytes) -> bytes:
    """What is written to a terminal, as far as this."""
    seen = b""
    while what not in seen:
        seen += os.read(leader, 1024)
    return seen


def read_to_end(leader: int) -> bytes:
    seen = b""
    with suppress(OSError):  # how Linux says that nobody has the terminal open any more
        while chunk := os.read(leader, 1024):
            seen += chunk
    return seen


needs_less = pytest.mark.skipif(shutil.which("less") is None, reason="less is not installed (apt install less)")


@needs_less
def test_a_pager_takes_its_keys_from_the_terminal(store: Path, tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_text("".join(f"line {i}\n" for i in range(200)))
    with typed_at(store, "less", str(page), LESS="") as leader:
        fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        read_until(leader, b"line 10")
        os.write(leader, b"G")
        read_until(leader, b"line 199")
        os.write(leader, b"q")
        read_to_end(leader)
    assert status_of(store) == "Completed"


@needs_less
def test_a_pager_in_a_pipe_takes_its_keys_from_the_terminal(store: Path) -> None:
    """As `git log` does: the pager's input is not the terminal, so it reads keys elsewhere."""
    with typed_at(store, "sh", "-c", "seq 500 | less", LESS="") as leader:
        fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        read_until(leader, b"10")
        os.write(leader, b"G")
        read_until(leader, b"500")
        os.write(leader, b"q")
        read_to_end(leader)
    assert status_of(store) == "Completed"


def test_a_password_is_asked_for_and_not_shown(store: Path) -> None:
    asks = "import getpass; print('got', getpass.getpass('Secret: ')[::-1])"
    with typed_at(store, sys.executable, "-c", asks) as leader:
        read_until(leader, b"Secret: ")
        os.write(leader, b"abc\n")
        seen = read_to_end(leader)
    assert b"got cba" in seen
    assert b"abc" not in seen
    assert status_of(store) == "Completed"


def test_on_a_terminal_the_exit_code_alone_is_recorded(store: Path) -> None:
    with typed_at(store, "sh", "-c", "echo why >&2; exit 3") as leader:
        assert read_to_end(leader) == b"why\r\n"
    assert error_of(store) == "exit code 3"


def test_with_its_errors_in_a_file_a_command_keeps_the_terminal_and_its_last_lines(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "errors"
    script = 'echo why >&2; read -r line </dev/tty; echo "read $line" >&2; exit 3'
    arguments = [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", script]
    pid, leader = pty.fork()
    if pid == 0:
        os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY), 2)
        os.execve(arguments[0], arguments, environment(store))  # noqa: S606 (no shell, on purpose)
    os.write(leader, b"hello\n")
    _, status = os.waitpid(pid, 0)
    os.close(leader)
    assert os.waitstatus_to_exitcode(status) == 3
    assert file.read_text() == "why\nread hello\n"
    assert error_of(store) == "exit code 3: read hello\nwhy\nread hello"


def test_ctrl_c_at_the_terminal_cancels_the_run(store: Path) -> None:
    with typed_at(store, "sh", "-c", "echo up; exec sleep 1000") as leader:
        read_until(leader, b"up")
        os.write(leader, b"\x03")
        read_to_end(leader)
    assert status_of(store) == "Cancelled"


@pytest.mark.parametrize("shell", ["exec {0}", "{0}; true"], ids=["exec leads the session", "a shell does"])
def test_a_terminal_that_closes_ends_the_command_and_cancels_its_run(store: Path, tmp_path: Path, shell: str) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    program = shell.format(f"{' '.join(RUNLEDGER)} exec --client a -- sh -c 'echo up; exec sleep 1000'")
    pid, leader = pty.fork()
    if pid == 0:
        script = f"exec 3>{alive}; {program}"
        os.execve("/bin/sh", ["sh", "-c", script], environment(store))  # noqa: S606 (no shell but this one)
    with alive.open() as said:
        read_until(leader, b"up\r\n")
        os.close(leader)
        said.read()  # until the shell, `runledger` and the command have ended, which all have it open
    os.waitpid(pid, 0)
    assert status_of(store) == "Cancelled"


def test_a_command_that_is_stopped_at_the_terminal_goes_on_when_it_is_continued(store: Path) -> None:
    """By Ctrl-Z and fg, as a shell with job control does them: exec and its command stop and go on together."""
    shell = "set -m; {0} exec --client a -- sh -c 'echo up; read line; echo got $line'; echo stopped; fg"
    pid, leader = pty.fork()
    if pid == 0:
        script = shell.format(" ".join(RUNLEDGER))
        os.execve("/bin/bash", ["bash", "-c", script], environment(store))  # noqa: S606 (no shell but this one)
    read_until(leader, b"up\r\n")
    os.write(leader, b"\x1a")
    read_until(leader, b"stopped\r\n")
    os.write(leader, b"word\n")
    assert b"got word" in read_to_end(leader)
    os.waitpid(pid, 0)
    os.close(leader)
    assert status_of(store) == "Completed"
