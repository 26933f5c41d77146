"""A store's runs, read alongside those of another store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define

from ...domain import NewRun, RunKey, newest_first


@define
class Listing:
    """A store's runs, newest first, read alongside those of another store."""

    _runs: Iterator[NewRun]
    _passed: Callable[[RunKey], None] = lambda _: None
    """Called with the key of each run that has no match, by key and start, in the other listing."""
    _next: NewRun | None = None

    def __attrs_post_init__(self) -> None:
        self._next = next(self._runs, None)

    def same_as(self, run: NewRun) -> NewRun | None:
        """The run with the key and start of `run`, which must be older than those that were asked for before."""
        place = newest_first(run.record)
        self._pass(lambda other: newest_first(other.record) > place)
        if self._next is None or newest_first(self._next.record) != place:
            return None
        found, self._next = self._next, next(self._runs, None)
        return found

    def end(self) -> None:
        """Pass all remaining runs."""
        self._pass(lambda _: True)

    def _pass(self, while_: Callable[[NewRun], bool]) -> None:
        while self._next is not None and while_(self._next):
            self._passed(self._next.key)
            self._next = next(self._runs, None)
