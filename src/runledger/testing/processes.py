"""Handles in real processes: each is a repository that a spawned process has opened, and is called through a pipe."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from ..domain import (
    Guarantees,
    LogLine,
    NewRun,
    RunAccess,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    RunRepository,
)
from .forks import steps_of_fork

_LISTED = ("find", "log")
_FORKING = -1
"""The number of the process that forks."""


def reason_not_to_spawn(open_store: object) -> str | None:
    """Why another process cannot open the store with this function; None if it can."""
    try:
        pickle.dumps(open_store)
    except Exception as error:
        return f"the function that opens the store cannot be pickled ({error}): real processes are untested"
    return None


def reason_not_to_kill(open_store: object) -> str | None:
    """Why no process that uses the store can be killed; None if one can."""
    if not hasattr(os, "fork"):
        return "there is no fork on this system: processes that are killed are untested"
    return reason_not_to_spawn(open_store)


def steps_of_process(
    open_store: object, method: str, arguments: Sequence[Any], kill_at: int | None, patience: float
) -> int | None:
    """See `steps_of_fork`. The process that forks is spawned, and opens nothing."""
    steps: int | None = _process(_FORKING).asked("fork", open_store, method, arguments, kill_at, patience)
    return steps


class RepositoryInProcess:
    """A repository that process number `number` opens with `open_store`; every call runs there.

    The processes are spawned when they are first needed, and stay until this process ends.
    """

    def __init__(self, number: int, open_store: object) -> None:
        self._process = _process(number)
        self.guarantees: Guarantees = self._process.asked("open", open_store)

    def create(self, new: NewRun) -> RunKey:
        key: RunKey = self._process.asked("create", new)
        return key

    def create_many(self, news: Sequence[NewRun]) -> Sequence[RunKey]:
        keys: Sequence[RunKey] = self._process.asked("create_many", news)
        return keys

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record: RunRecord = self._process.asked("update", key, change, at)
        return record

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        self._process.asked("update_many", changes, at)

    def get(self, key: RunKey) -> RunRecord:
        record: RunRecord = self._process.asked("get", key)
        return record

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        return iter(self._process.asked("log", key, last))

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return iter(self._process.asked("find", query))

    def without_creation(self) -> RunAccess:
        raise NotImplementedError("ask a handle of this process")

    def close(self) -> None:
        self._process.asked("close")


class _Process:
    """A spawned process that has one repository at a time."""

    def __init__(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_answer, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        atexit.register(self._end)

    def asked(self, method: str, *arguments: Any) -> Any:
        """What the method returns in the process. Raises what it raises there."""
        self._pipe.send((method, arguments))
        result, error = self._pipe.recv()
        if error is not None:
            raise error
        return result

    def _end(self) -> None:
        self._pipe.close()  # which ends the process
        self._process.join()


@cache
def _process(number: int) -> _Process:
    return _Process()


def _answer(pipe: Connection) -> None:
    """Answer calls until the other end is closed."""
    repository: RunRepository | None = None
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            method, arguments = pipe.recv()
            try:
                if method == "fork":
                    result: Any = steps_of_fork(*arguments)
                elif method == "open":
                    repository = arguments[0]()
                    result = repository.guarantees
                else:
                    result = getattr(repository, method)(*arguments)
                    result = list(result) if method in _LISTED else result
                answer = pickle.dumps((result, None))
            except Exception as error:
                answer = _refusal(error)
            pipe.send_bytes(answer)


def _refusal(error: Exception) -> bytes:
    try:
        return pickle.dumps((None, error))
    except Exception:
        return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
