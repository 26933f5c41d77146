"""`ledger.track`: a block or a function as one run, which is started before it and finished however it ends."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from weakref import ref

from ..domain import RunLedgerError
from .current_run import Block
from .held_signals import uninterrupted
from .observing import call_site_inherited
from .updates import Run

if TYPE_CHECKING:
    from asyncio import CancelledError
    from concurrent.futures import Future, ThreadPoolExecutor

P = ParamSpec("P")
R = TypeVar("R")
Id = str | Callable[..., str]


class _Leaving:
    """The `__exit__` of a Tracking, which ends the run even if an interrupt comes before its first instruction.

    Python calls signal handlers there too, for example after a long computation in C that ends the block. No `try` can
    catch what they raise. But `with` then drops the object that it called, and that ends the run.
    """

    def __get__(self, tracking: Tracking | None, owner: type[Tracking]) -> Callable[..., None]:
        if tracking is None:
            return owner._leave
        leave = partial(tracking._leave)
        tracking._dropped = ref(leave, tracking._left)
        return leave


class Tracking:
    """A run around a `with` or `async with` block, or around each call of a decorated function.

    See `RunLedger.track`. A start and a finish that have begun are carried out. In the main thread, handlers of signals
    run after them, so that Ctrl-C cuts neither short. The async forms call the store in a thread, never on the event
    loop; however often the task is cancelled, the cancellation is raised after them.
    """

    _run: Run | None = None
    _has_ended = False
    _dropped: object = None
    _block: Block | None = None

    def __init__(self, start: Callable[[str, str], Run], run_id: Id, client_id: Id) -> None:
        self._start = start
        self._run_id = run_id
        self._client_id = client_id

    def __enter__(self) -> Run:
        try:
            return uninterrupted(self._begin_and_enter)
        except BaseException as error:
            self._leave(type(error), error, None)  # if there is a run, its block is not entered
            raise

    __exit__ = _Leaving()

    def _leave(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            uninterrupted(self._end, error)
        except BaseException:
            if not self._has_ended:  # interrupted before it began
                uninterrupted(self._end, error)
            raise

    def _left(self, _dropped: object) -> None:
        uninterrupted(self._end, KeyboardInterrupt())

    async def __aenter__(self) -> Run:
        return self._entered(await self._begin_in_thread())

    def _begin_and_enter(self) -> Run:
        return self._entered(self._begin())

    def _entered(self, run: Run) -> Run:
        self._block = Block(run)
        return run

    async def _begin_in_thread(self) -> Run:
        with call_site_inherited():
            starting = _in_thread(self._begin)
        if (cancelled := await _ended(starting)) is None:
            return starting.result()
        if starting.exception() is None:  # else there is no run that could stay Running
            await _ended(_in_thread(partial(self._end, cancelled)))
        raise cancelled

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        finishing = _in_thread(partial(self._end, error))
        if (cancelled := await _ended(finishing)) is None:
            finishing.result()
            return
        if refusal := finishing.exception():
            cancelled.add_note(f"The run could not be finished: {refusal}")
        raise cancelled

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if not callable(function):
            raise TypeError(
                f"track decorates functions, not {type(function).__name__}: write @ledger.track(run_id, client_id)."
            )
        if inspect.isclass(function):
            raise TypeError("track cannot decorate a class: decorate the method that does the work.")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                "track cannot decorate a generator, whose work happens after the call: use `with` inside it."
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def tracked_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with self._of_call(args, kwargs):
                    return await cast(Awaitable[Any], function(*args, **kwargs))

            return cast(Callable[P, R], tracked_async)

        @functools.wraps(function)
        def tracked(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._of_call(args, kwargs):
                result = function(*args, **kwargs)
                if inspect.isawaitable(result):
                    if inspect.iscoroutine(result):
                        result.close()  # else Python warns that it was never awaited
                    raise TypeError("track cannot decorate what only returns an awaitable: decorate an `async def`.")
                return result

        return tracked

    def _of_call(self, args: Any, kwargs: Any) -> Tracking:
        ids = (i(*args, **kwargs) if callable(i) else i for i in (self._run_id, self._client_id))
        return Tracking(self._start, *ids)

    def _begin(self) -> Run:
        self._run, self._has_ended = None, False
        self._run = self._start(cast(str, self._run_id), cast(str, self._client_id))
        return self._run

    def _end(self, error: BaseException | None) -> None:
        self._has_ended = True
        self._dropped = None
        try:
            self._finish(error)
        except RunLedgerError as refusal:
            if error is None:
                raise
            error.add_note(f"The run could not be finished: {refusal}")
        finally:
            if self._block is not None:
                self._block.leave()

    def _finish(self, error: BaseException | None) -> None:
        run = self._run
        if run is None or run.finished:
            return
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            run.complete()
        elif isinstance(error, (Exception, SystemExit)):
            run.fail(error)
        else:
            run.cancel(type(error).__name__)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Apart from the event loop's own executor: one that is busy would keep a finish waiting for the work it ends."""
    from concurrent.futures import ThreadPoolExecutor  # here, because it would slow `import runledger`

    return ThreadPoolExecutor(thread_name_prefix="runledger-track")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a child has none of its parent's threads


def _in_thread(call: Callable[[], R]) -> Future[R]:
    return _threads().submit(copy_context().run, call)


async def _ended(call: Future[Any]) -> CancelledError | None:
    """Wait until a call in a thread has ended. Returns the last cancellation that came meanwhile: raise it."""
    import asyncio  # here, because it would double the time of `import runledger`

    ended = asyncio.wrap_future(call)
    cancelled = None
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:
            cancelled = error
    ended.exception()  # the caller looks at `call`; asyncio would log an exception that nobody took
    return cancelled
