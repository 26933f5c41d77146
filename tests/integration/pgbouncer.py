"""A real PgBouncer between a test and its PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from ports import free_port
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None, reason="PgBouncer is not installed (Debian: apt install pgbouncer)"
)
ENOUGH = ("statement_timeout = '30s'", "TimeZone = 'UTC'")
"""The settings that a new database lacks for a ledger behind a pooler."""


@contextmanager
def pooled(url: str, mode: str, *settings: str, sets: tuple[str, ...] = ENOUGH) -> Iterator[str]:
    """The URL of a database through a PgBouncer in a pool mode, with further `settings` of its own.

    `sets` are settings of the database, which its roles then have.
    """
    assert PGBOUNCER is not None
    name = urlsplit(url).path[1:]
    with psycopg.connect(url, autocommit=True) as connection:
        for each in sets:
            connection.execute(sql.SQL("ALTER DATABASE {} SET " + each).format(sql.Identifier(name)))
    folder = Path(tempfile.mkdtemp(prefix="runledger-pgbouncer-", dir="/tmp"))
    port = free_port()
    try:
        user = _configure(folder, url, port, [f"pool_mode = {mode}", *settings])
        with subprocess.Popen([PGBOUNCER, "-q", *user, folder / "pgbouncer.ini"], stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(port, process)
                yield f"postgresql://postgres@127.0.0.1:{port}/{name}"
            finally:
                process.terminate()
    finally:
        shutil.rmtree(folder)


def _configure(folder: Path, url: str, port: int, settings: list[str]) -> list[str]:
    """Write the file of settings; the arguments that name the operating-system user, who is not root."""
    given = conninfo_to_dict(url)
    host = str(given["host"])
    server = {"host": host, "port": given.get("port") or 5432, "user": given["user"], "password": given.get("password")}
    lines = [
        "[databases]",
        "* = " + " ".join(f"{name}={value}" for name, value in server.items() if value),
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        *settings,
    ]
    (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
    folder.chmod(0o755)
    if os.geteuid():
        return []
    # Only the server's own user reaches a socket in the server's folder.
    owner = Path(host).stat().st_uid if host.startswith("/") else 0
    return ["-u", pwd.getpwuid(owner).pw_name if owner else "nobody"]


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise AssertionError("PgBouncer did not start")
