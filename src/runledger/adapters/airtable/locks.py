"""Locks for the runs of a base, in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from ...domain import RunKey
from ..exclusion import Exclusion

T = TypeVar("T")


class Locks:
    """Locks for keys, so that a read and a write are exact within this process, while other runs go on."""

    def __init__(self, groups: int = 64) -> None:
        self._groups = tuple(Exclusion() for _ in range(groups))

    def run(self, keys: Iterable[RunKey], call: Callable[[], T]) -> T:
        """What `call` returns. No other call for any of the keys runs meanwhile."""
        for group in sorted({hash(key) % len(self._groups) for key in keys}, reverse=True):
            call = partial(self._groups[group].run, call)
        return call()
