"""The run of the innermost `track` block that is under way, for code that was not passed its handle."""

from __future__ import annotations

from contextvars import ContextVar

from ..domain import NoCurrentRun
from .updates import Run

_INNERMOST: ContextVar[Block | None] = ContextVar("runledger_block", default=None)


class Block:
    """A block of `track`, from its construction until `leave`. Constructed and left in one context where possible.

    Blocks need not end in the order of their nesting, because generators hold them open, and a task that was begun in a
    block may outlive it. So a block that is over is passed over, wherever its context still names it.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.outer = _innermost()
        self.is_over = False
        _INNERMOST.set(self)

    def leave(self) -> None:
        """End the block: the block around it, if there is one, is the innermost again."""
        self.is_over = True
        if _INNERMOST.get() is self:
            _INNERMOST.set(self.outer)


def current_run() -> Run:
    """The handle of the run of the innermost `track` block, or tracked function, that this call is made in.

    Coroutines, tasks, and `asyncio.to_thread` have the run of the block that they are begun in, as long as that lasts.
    A thread that you start yourself may have none: pass it the handle. Raises NoCurrentRun outside any block.
    """
    block = _innermost()
    if block is None:
        raise NoCurrentRun
    return block.run


def _innermost() -> Block | None:
    block = _INNERMOST.get()
    while block is not None and block.is_over:
        block = block.outer
    return block
