"""A soak: many threads and processes use a store that is shaken; then every acknowledged change is there exactly once.

Run `.venv/bin/python benchmarks/soak.py --minutes 10` (`--only sqlite,postgresql` for parts, `--seed N` for another
course of events). Workers start runs, race each other to start the same run, add, note and finish, and write into a
journal what they are about to do and which answers they got. Meanwhile workers are killed, and the store is shaken:
SQLite's write lock is held, PostgreSQL is stopped, crashed and started and its connections cut, Airtable's local server
drops, delays and spoils answers and restarts. At the end the journals are compared with the store. Exits with 1 if they
differ.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

from attrs import frozen

from runledger.stores import open_repository
from soak_judge import Verdict, judged
from soak_stores import Course, airtable_server, postgresql_server, sqlite_file
from soak_work import ADD, FINISH, LOST, OK, START, Journal, Worker, repository_at, work


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
    heads += ["records", "remaining", "shaken by", "wrong"]
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
