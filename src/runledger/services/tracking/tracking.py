"""`ledger.track`: a block or a function as one run, which is started before it and finished however it ends."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from weakref import ref

from ...domain import RunLedgerError
from ...domain.late_names import LateModule
from ..threads import Threads, ended
from ..updates import Run, may_finish
from .current_run import Block
from .held_signals import uninterrupted
from .termination import Terminated

if TYPE_CHECKING:
    from . import heartbeat
else:  # few blocks have one
    heartbeat = LateModule(".heartbeat", __package__)

P = ParamSpec("P")
R = TypeVar("R")
Id = str | Callable[..., str]

_THREADS = Threads("runledger-track")
"""Apart from the event loop's own executor: one that is busy would keep a finish waiting for the work it ends."""


class _Leaving:
    """The `__exit__` of a Tracking, which ends the run even if an interrupt comes before its first instruction.

    Python calls signal handlers there too, for example after a long computation in C that ends the block. No `try` can
    catch what they raise. But `with` then drops the object that it would have called, and a callback of a weak
    reference to that object ends the run. If a second interrupt comes during the callback, Python prints it and raises
    the first one. `with` looks `__exit__` up before it enters. So whoever looks it up later, as a debugger may, gets an
    object that can be dropped. Code that looks it up, enters by hand and drops it does what `with` does there: it
    cancels its run. So call `__enter__` by `with` or `ExitStack`.
    """

    def __get__(self, tracking: Tracking | None, owner: type[Tracking]) -> Callable[..., None]:
        if tracking is None:
            return owner._leave
        leave = partial(tracking._leave)
        if tracking._run is None:
            tracking._dropped = ref(leave, tracking._left)
        return leave


class Tracking:
    """A run around a `with` or `async with` block, or around each call of a decorated function.

    See `RunLedger.track`. A start and a finish that have begun are carried out. In the main thread, handlers of signals
    run after them, so that Ctrl-C cuts neither short. The async forms call the store in a thread, never on the event
    loop; however often the task is cancelled, the cancellation is raised after them. The child of a fork that leaves
    the block finishes nothing, because the block goes on in its parent.
    It is for one block: entering it again, during the block or afterwards, raises RunAlreadyExists.
    """

    _run: Run | None = None
    """The run, while it is under way."""
    _dropped: object = None
    _thread: int | None = None
    _block: Block | None = None
    _heartbeat: heartbeat.Heartbeat | None = None

    def __init__(
        self,
        start: Callable[[list[Run], str, str], Run],
        run_id: Id,
        client_id: Id,
        heartbeat: float | None = None,
        threads: Threads = _THREADS,
    ) -> None:
        self._start = start
        self._run_id = run_id
        self._client_id = client_id
        self._seconds = heartbeat
        self._threads = threads

    def __enter__(self) -> Run:
        begun: list[Run] = []
        try:
            return uninterrupted(self._begin_and_enter, begun)
        except BaseException as error:
            if begun:  # by this call; its block is not entered
                self._leave(type(error), error, None)
            raise

    __exit__ = _Leaving()

    def _leave(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            uninterrupted(self._end, error)
        except BaseException:
            if self._run is not None:  # interrupted before the end began
                uninterrupted(self._end, error)
            raise

    def _left(self, _dropped: object) -> None:
        if self._thread == get_ident():  # else by a thread that could not enter
            uninterrupted(self._end, KeyboardInterrupt())

    async def __aenter__(self) -> Run:
        return self._entered(await self.started())

    def _begin_and_enter(self, begun: list[Run]) -> Run:
        begun.append(self._begin())
        return self._entered(begun[0])

    def _entered(self, run: Run) -> Run:
        self._block, self._thread = Block(run), get_ident()
        return run

    async def started(self) -> Run:
        """The run, started without a block. If the task is cancelled meanwhile, the run is finished as Cancelled."""
        return await self._threads.begun(self._begin, lambda _, cancelled: self._end(cancelled))

    def with_threads(self, threads: Threads) -> Tracking:
        """The same, but for the threads in which its async forms call the store."""
        return Tracking(self._start, self._run_id, self._client_id, self._seconds, threads)

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        finishing = self._threads.submit(partial(self._end, error))
        if (cancelled := await ended(finishing)) is None:
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
        run_id, client_id = (i(*args, **kwargs) if callable(i) else i for i in (self._run_id, self._client_id))
        return Tracking(self._start, run_id, client_id, self._seconds, self._threads)

    def _begin(self) -> Run:
        begun: list[Run] = []
        try:
            self._start(begun, cast(str, self._run_id), cast(str, self._client_id))
            self._run, self._process = begun[0], os.getpid()
            self._begin_heartbeats(begun[0])
        except BaseException as error:
            if begun:  # by this call; its block will not run
                self._run, self._process = begun[0], os.getpid()
                self._end(error)
            raise
        return begun[0]

    def _begin_heartbeats(self, run: Run) -> None:
        if self._seconds is not None:
            self._heartbeat = heartbeat.Heartbeat(run, self._seconds)
            self._heartbeat.begin()

    def _stop_heartbeats(self) -> None:
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.stop()

    def _end(self, error: BaseException | None) -> None:
        run, self._run = self._run, None
        self._dropped = None
        try:
            try:
                self._stop_heartbeats()
            finally:
                self._finish(run, error)
        except RunLedgerError as refusal:
            if error is None:
                raise
            error.add_note(f"The run could not be finished: {refusal}")
        finally:
            if self._block is not None:
                self._block.leave()

    def _finish(self, run: Run | None, error: BaseException | None) -> None:
        completes = error is None or (isinstance(error, SystemExit) and error.code in (None, 0))
        if run is None or self._process != os.getpid():  # a fork's child leaves its parent's block
            return
        if not may_finish(run, completes=completes):
            return
        if completes:
            run.complete()
        elif isinstance(error, Terminated):
            run.cancel("SIGTERM")
        elif isinstance(error, (Exception, SystemExit)):
            run.fail(error)
        else:
            run.cancel(type(error).__name__)
