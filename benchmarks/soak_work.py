"""The workers of a soak: what each tries on the store, and the journal of what the store answered."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread

from runledger import (
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunLedger,
    RunNotFound,
    StoreUnavailable,
)
from runledger.domain import RunRepository
from runledger.stores import open_repository

CLIENT = "acme"
START, ADD, FINISH, GHOST = "start", "add", "finish", "ghost"
OK, REFUSED, LOST, WRONG = "ok", "refused", "lost", "wrong"
TOKEN = "patSoak.soak"  # noqa: S105 (of the local server)


class Journal:
    """What one worker tried, and its answer: a line before each call and a line after it.

    Each line is one write to the file, which outlives the process; the machine is not switched off here.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write(self, *words: str) -> None:
        os.write(self._fd, ("\t".join(words).replace("\n", " ") + "\n").encode())


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
