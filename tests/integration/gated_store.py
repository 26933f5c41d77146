"""`runledger exec` over a SQLite store that is opened only when a test says so."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from commands import RUNLEDGER, a_store_of, environment

GATED = """
import os, time
from runledger.adapters.sql import sqlite
from runledger.cli.commands import exec as command
from runledger.cli.execution import recording, signals

command._SILENT_SECONDS = float(os.environ.get("SILENT", command._SILENT_SECONDS))
signals.GRACE_SECONDS = recording.GRACE_SECONDS = float(os.environ.get("GRACE", signals.GRACE_SECONDS))

def open_url(url):
    if os.path.exists("reached"):
        open("reached", "w").close()
        os.remove("reached")
        while not os.path.exists("opened"):
            time.sleep(0.01)
    return sqlite.open_url(url.replace("gated", "sqlite"))
"""
"""A store that, where there is a named pipe for it, tells that it is being opened, and waits to be."""


@contextmanager
def at_the_gate(
    store: Path, folder: Path, *command: str, options: Sequence[str] = (), **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """`exec` of a command, once its store is being opened for the first time while there is a pipe `reached`."""
    a_store_of(folder, "gated", GATED)
    with subprocess.Popen(
        [*RUNLEDGER, "exec", "--client", "a", *options, "--", *command],
        env=environment(f"gated:///{store}", PYTHONPATH=str(folder), **variables),
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (folder / "reached").exists():
            assert process.poll() is None
        (folder / "reached").read_text()
        yield process


def blocks(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Whether the main thread of a process blocks a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return bool(int(status.split("SigBlk:")[1].split()[0], 16) >> (number - 1) & 1)


def send(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal and wait until it is taken, so that a second one is a second one."""
    process.send_signal(number)
    status = Path(f"/proc/{process.pid}/status")
    while int(status.read_text().split("ShdPnd:")[1].split()[0], 16) >> (number - 1) & 1:
        pass
