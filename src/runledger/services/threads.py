"""Calls in threads that a coroutine of asyncio awaits: what has begun is carried out, however often it is cancelled."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from ..domain.late_names import LateModule
from .observing import call_site_inherited

if TYPE_CHECKING:
    import asyncio
    from concurrent import futures
else:  # they would double the time of `import runledger`
    asyncio = LateModule("asyncio")
    futures = LateModule("concurrent.futures")

R = TypeVar("R")


class Threads:
    """At most so many threads that make calls, which wait their turn in order. They start when they are needed.

    `name` is what the threads are called. Without `most`, Python decides how many there are. The child of a fork has
    none of its parent's threads, and starts its own. Each call sees the context variables of its caller.
    """

    def __init__(self, name: str, most: int | None = None) -> None:
        self._name = name
        self._most = most
        self._pools: dict[int, futures.ThreadPoolExecutor] = {}  # by process

    def submit(self, call: Callable[[], R]) -> futures.Future[R]:
        """Make a call in a thread, as soon as one is free.

        A process in which no thread can start, because it ends or has too many, makes the call before this returns:
        it may be the finish of a run.
        """
        made: futures.Future[R] = futures.Future()
        make = partial(_make, made, partial(copy_context().run, call), Lock())
        try:
            self._pool().submit(make)
        except RuntimeError:  # the pool may have queued it nevertheless
            make()
        return made

    def _pool(self) -> futures.ThreadPoolExecutor:
        process = os.getpid()
        try:
            return self._pools[process]
        except KeyError:
            return self._pools.setdefault(process, futures.ThreadPoolExecutor(self._most, self._name))

    async def made(self, call: Callable[[], R], *, always: bool = False) -> R:
        """What a call returns or raises. A cancellation is raised once the call has ended.

        A call that has not begun when its task is cancelled is not made, unless it is to be made `always`.
        """
        _require_loop()
        with call_site_inherited():
            making = self.submit(call)
        if (cancelled := await ended(making, drop=not always)) is not None:
            raise cancelled
        return making.result()

    async def begun(self, begin: Callable[[], R], undo: Callable[[R, asyncio.CancelledError], object]) -> R:
        """What `begin` returns. If the task is cancelled meanwhile, `undo` is called with it before that is raised."""
        _require_loop()
        with call_site_inherited():
            beginning = self.submit(begin)
        if (cancelled := await ended(beginning)) is None:
            return beginning.result()
        if beginning.exception() is None:  # else there is nothing to undo
            await ended(self.submit(partial(undo, beginning.result(), cancelled)))
        raise cancelled

    def close(self) -> None:
        """Wait until every call has ended, and end the threads. A later call starts new ones."""
        if (pool := self._pools.pop(os.getpid(), None)) is not None:
            pool.shutdown()


def _make(made: futures.Future[R], call: Callable[[], R], first: Lock) -> None:
    """Make a call, unless that has been done already or it was dropped."""
    if not first.acquire(blocking=False) or not made.set_running_or_notify_cancel():
        return
    try:
        made.set_result(call())
    except BaseException as error:
        made.set_exception(error)


async def ended(call: futures.Future[Any], *, drop: bool = False) -> asyncio.CancelledError | None:
    """Wait until a call in a thread has ended. Returns the last cancellation that came meanwhile: raise it.

    With `drop`, a call that has not begun when a cancellation comes is not made.
    """
    end = asyncio.wrap_future(call)
    cancelled = None
    while not end.done():
        try:
            with nullcontext() if cancelled is None else _no_repeated_cancellation():
                await asyncio.wait([end])
        except asyncio.CancelledError as error:
            cancelled = error
            if drop:
                call.cancel()
    if not end.cancelled():
        end.exception()  # the caller looks at `call`; asyncio would log an exception that nobody took
    return cancelled


def _no_repeated_cancellation() -> AbstractContextManager[object]:
    """A block in which anyio, if it is there, does not cancel the task again in every cycle of the event loop."""
    anyio: Any = sys.modules.get("anyio")
    return nullcontext() if anyio is None else anyio.CancelScope(shield=True)


def _require_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "no event loop of asyncio is running: under another one, such as trio's, call the ledger of "
            "runledger.connect in a thread."
        ) from None
