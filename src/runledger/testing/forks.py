"""A call in a fork that is killed at one step of it. For a process that has one thread, and has opened nothing."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from typing import Any

from ..domain import RunRepository
from .steps import Step


def steps_of_fork(
    open_store: Callable[[], RunRepository], method: str, arguments: Sequence[Any], step: int | None, patience: float
) -> int | None:
    """Make the call in a fork that opens the store, and return its number of steps; None if it was killed before.

    It is killed at the step that is given, or after `patience` seconds; then this raises TimeoutError.
    Raises what the call raises.
    """
    reading, writing = Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        try:
            writing.send(_outcome(open_store, method, arguments, step))
        finally:
            os._exit(0)
    writing.close()
    try:
        if not reading.poll(patience):
            os.kill(child, signal.SIGKILL)
            raise TimeoutError(f"{method} did not end in {patience:g} seconds")
        taken, error = reading.recv()
    except EOFError:
        return None
    finally:
        reading.close()
        os.waitpid(child, 0)
    if error is not None:
        raise error
    return int(taken)


def _outcome(
    open_store: Callable[[], RunRepository], method: str, arguments: Sequence[Any], number: int | None
) -> tuple[int, Exception | None]:
    step = Step(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
    threading.setprofile(step.count)  # for the threads of the adapter
    try:
        repository = open_store()
        step.during(lambda: getattr(repository, method)(*arguments))
    except Exception as error:
        return step.taken, error
    return step.taken, None
