"""A PostgreSQL that sorts text as people do: Debian's, since the one that is embedded in a package knows no ICU."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=Path("initdb")).parent
needs_icu = pytest.mark.skipif(
    not (_BINARIES / "initdb").exists(), reason="Debian's PostgreSQL is not installed (apt install postgresql)"
)


@contextmanager
def icu_server() -> Iterator[str]:
    """The URL of a superuser and a database of a server whose databases sort by the rules of American English."""
    folder = Path(tempfile.mkdtemp(prefix="runledger-icu-", dir="/tmp"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(_BINARIES / program), "-D", str(folder / "data"), "-s", *arguments]
        # Not a pipe: the server inherits it, and would keep it open.
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    locale = ["--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8", "--encoding=UTF8"]
    try:
        run("pg_ctl", "init", "-o", " ".join(["-U postgres --auth=trust --no-sync", *locale]))
        run("pg_ctl", "start", "-w", "-l", "log", "-o", f"-F -h '' -k {folder}")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)
