"""Running the command line as its users do: as a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

RUNLEDGER = [sys.executable, "-m", "runledger"]


def environment(store: str | Path | None = None, **variables: str) -> dict[str, str]:
    """A clean environment, with a store where one is given, and further variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    of_store = {"RUNLEDGER_STORE": _url(store)} if store is not None else {}
    return {**kept, "LC_ALL": "C.UTF-8", **of_store, **variables}


def on_a_terminal(*arguments: str, store: str | Path, columns: int = 80, **variables: str) -> str:
    """All that the command writes to a terminal that is so wide."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*RUNLEDGER, *arguments],
        env=environment(store, **{"TERM": "xterm", "COLUMNS": str(columns), **variables}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    with process, suppress(OSError):  # how Linux says that the other end is closed
        while chunk := os.read(leader, 1 << 16):
            seen += chunk
    os.close(leader)
    return seen.decode().replace("\r\n", "\n")


def _url(store: str | Path) -> str:
    return f"sqlite:///{store}" if isinstance(store, Path) else store


def runledger(
    *arguments: str, store: str | Path | None = None, code: int = 0, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command, and expect an exit code and no traceback."""
    done = subprocess.run(
        [*RUNLEDGER, *arguments],
        env=environment(store, **variables),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done


def a_store_of(folder: Path, name: str, module: str, offers: str = "open_url") -> None:
    """Install a package that brings the scheme `name`, whose module is this, into a folder for PYTHONPATH.

    `offers` names what the entry point leads to: a Backend, or a function that opens a URL.
    """
    (folder / f"{name}.py").write_text(module)
    metadata = folder / f"{name}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[runledger.repositories]\n{name} = {name}:{offers}\n")
