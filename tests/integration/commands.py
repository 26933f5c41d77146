"""Running the command line: in this process where only its words count, as a process of its own where more does."""

from __future__ import annotations

import io
import logging
import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runledger.cli import main

RUNLEDGER = [sys.executable, "-m", "runledger"]


def environment(store: str | Path | None = None, **variables: str) -> dict[str, str]:
    """A clean environment, with a store where one is given, and further variables.

    COVERAGE_PROCESS_CONFIG, where it is set, makes coverage measure the processes that tests start.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    of_store = {"RUNLEDGER_STORE": _url(store)} if store is not None else {}
    return {**kept, "LC_ALL": "C.UTF-8", **of_store, **variables}


def on_a_terminal(*arguments: str, store: str | Path, columns: int = 80, typed: str = "", **variables: str) -> str:
    """All that the command writes to a terminal that is so wide, and on which a person types this."""
    with _a_terminal() as (leader, follower):
        process = subprocess.Popen(
            [*RUNLEDGER, *arguments],
            env=environment(store, **{"TERM": "xterm", "COLUMNS": str(columns), **variables}),
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        os.close(follower)
        os.write(leader, typed.encode())
        with process:
            return _seen(leader)


def piped_from_a_terminal(*arguments: str, store: str | Path, **variables: str) -> tuple[str, str]:
    """What the command writes to a pipe, and what a person sees meanwhile: standard error is a terminal."""
    with _a_terminal() as (leader, follower):
        process = subprocess.Popen(
            [*RUNLEDGER, *arguments],
            env=environment(store, **{"TERM": "xterm", "COLUMNS": "80", **variables}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=follower,
        )
        os.close(follower)
        with process:
            seen = _seen(leader)
            assert process.stdout is not None
            return process.stdout.read().decode(), seen


@contextmanager
def _a_terminal() -> Iterator[tuple[int, int]]:
    leader, follower = pty.openpty()
    try:
        yield leader, follower
    finally:
        os.close(leader)


def _seen(leader: int) -> str:
    seen = b""
    with suppress(OSError):  # how Linux says that the other end is closed
        while chunk := os.read(leader, 1 << 16):
            seen += chunk
    return seen.decode().replace("\r\n", "\n")


def _url(store: str | Path) -> str:
    return f"sqlite:///{store}" if isinstance(store, Path) else store


def runledger(
    *arguments: str, store: str | Path | None = None, code: int = 0, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, as the console script does, and expect an exit code and no traceback.

    Signals, terminals, closed streams, limits on memory and what is imported need `in_a_process`. So does `exec`: it
    takes every signal for its command, and here one of them is the alarm of a test that takes too long.
    """
    if arguments[:1] == ("exec",):
        return in_a_process(*arguments, store=store, code=code, given=given or "", **variables)
    out, err = io.BytesIO(), io.BytesIO()
    code_here = _run_here(arguments, environment(store, **variables), given or "", out, err)
    return _expected(subprocess.CompletedProcess(arguments, code_here, _text(out), _text(err)), code)


def all_output(*arguments: str, **variables: str) -> str:
    """All that the command writes when it is run in this process, in its order, whatever its exit code is."""
    written = io.BytesIO()
    _run_here(arguments, environment(**variables), "", written, written)
    return _text(written)


def in_a_process(
    *arguments: str, store: str | Path | None = None, code: int = 0, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, and expect an exit code and no traceback."""
    done = subprocess.run(
        [*RUNLEDGER, *arguments],
        env=environment(store, **variables),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    return _expected(done, code)


def _expected(done: subprocess.CompletedProcess[str], code: int) -> subprocess.CompletedProcess[str]:
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _run_here(
    arguments: tuple[str, ...], variables: Mapping[str, str], given: str, out: io.BytesIO, err: io.BytesIO
) -> int:
    """The exit code of the command where `variables` are the whole environment. Other exceptions are not caught."""
    with tempfile.TemporaryFile() as typed, pytest.MonkeyPatch.context() as patch:
        typed.write(given.encode())
        typed.seek(0)
        # As Python opens them in a UTF-8 locale.
        written = (
            io.TextIOWrapper(out, "utf-8", write_through=True),
            io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True),
        )
        reading = open(typed.fileno(), encoding="utf-8", closefd=False)  # noqa: SIM115, the command may close it
        streams = dict(zip(("stdin", "stdout", "stderr"), (reading, *written), strict=True))
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
            patch.setattr(sys, f"__{name}__", stream)  # at which the width of a terminal is looked up
        for name in [name for name in os.environ if name not in variables]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["runledger", *arguments])
        patch.setattr(logging.getLogger(), "handlers", [])  # what is logged goes to standard error, as it does there
        with pytest.raises(SystemExit) as ended:
            main()
        for stream in written:
            stream.detach()  # else it would be closed with what it holds
    code = ended.value.code or 0
    assert isinstance(code, int)
    return code


def _text(written: io.BytesIO) -> str:
    """With the line ends of text, as from a process that is read as text."""
    return io.TextIOWrapper(io.BytesIO(written.getvalue()), "utf-8").read()


def a_store_of(folder: Path, name: str, module: str, offers: str = "open_url") -> None:
    """Install a package that brings the scheme `name`, whose module is this, into a folder for PYTHONPATH.

    `offers` names what the entry point leads to: a Backend, or a function that opens a URL.
    """
    (folder / f"{name}.py").write_text(module)
    metadata = folder / f"{name}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[runledger.repositories]\n{name} = {name}:{offers}\n")
