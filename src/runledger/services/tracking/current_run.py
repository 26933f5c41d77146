"""The run of the innermost `track` block that is under way, for code that was not passed its handle."""

from __future__ import annotations

from contextvars import ContextVar

from ...domain import NoCurrentRun
from ..updates import Run

_INNERMOST: ContextVar[Block | None] = ContextVar("runledger_block", default=None)


class Block:
    """A block of `track`. It is the innermost one of the context that makes it, until `leave`.

    `leave` does not reset the context variable: it may be called in another context than the one that was set. And
    blocks may end in another order than that of their nesting, because a generator can hold one open, and a task can
    outlive the block in which it began. So a context may still name a block that has ended; it is skipped.
    """

    def __init__(self, run: Run) -> None:
        self.run: Run | None = run
        self.outer = _innermost()
        _INNERMOST.set(self)

    def leave(self) -> None:
        """End the block. It lets go of its run, so that no context keeps a store alive."""
        self.run = None


def current_run() -> Run:
    """The handle of the run of the innermost `track` block, or tracked function, that this call is made in.

    Coroutines, tasks, and `asyncio.to_thread` have the run of the block that they are begun in, as long as that lasts.
    A thread that you start yourself may have none: pass it the handle. Raises NoCurrentRun outside any block.
    """
    block = _innermost()
    run = None if block is None else block.run
    if run is None:  # also if another thread has left the block just now
        raise NoCurrentRun
    return run


def _innermost() -> Block | None:
    block = _INNERMOST.get()
    while block is not None and block.run is None:
        block = block.outer
    return block
