"""Whether a creating or removing method can be reached from an object, over what it and its functions hold."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from ..domain import RunRecord

_REPOSITORY = {"create", "create_many"}
_REMOVER = "remove_runs"
_LEDGER = {"start", "start_many", "track", "import_records"}


def creators_within_reach(thing: object) -> set[str]:
    """The paths from `thing` to anything that creates run records, such as `._store.repository.create`."""
    return {f"{path}.{name}" for path, each in things_within_reach(thing) for name in _creating(each)}


def removers_within_reach(thing: object) -> set[str]:
    """The paths from `thing` to anything that removes run records, such as `._store.removal.remove_runs`."""
    return {f"{path}.{_REMOVER}" for path, each in things_within_reach(thing) if _REMOVER in dir(each)}


def things_within_reach(thing: object) -> Iterator[tuple[str, Any]]:
    """The thing itself and everything that it holds, at any depth, each once, with the path to it."""
    seen: dict[int, Any] = {}  # the things themselves, so that no id is used twice
    left: list[tuple[str, Any]] = [("", thing)]
    while left:
        path, thing = left.pop()
        if id(thing) in seen or isinstance(thing, (type, types.ModuleType)):
            continue
        seen[id(thing)] = thing
        yield path, thing
        left.extend((path + step, neighbour) for step, neighbour in _neighbours(thing))


def _creating(thing: Any) -> set[str]:
    names = set(dir(thing))
    if type(thing).__module__.startswith("runledger.") and not isinstance(thing, RunRecord):
        # RunRecord.start makes a value; only a repository can store it.
        return names & (_REPOSITORY | _LEDGER)
    # What a driver calls `create` may be anything; both names together are a repository's.
    return _REPOSITORY if names >= _REPOSITORY else set()


def _neighbours(thing: Any) -> Iterator[tuple[str, Any]]:
    """What is one step away from a thing, and the step: what it holds, not its class or the values of its properties.

    Attributes and slots, items of the standard collections, closures, defaults, bound and partial arguments.
    """
    yield from ((f".{name}", value) for name, value in list(getattr(thing, "__dict__", {}).items()))
    for kind in type(thing).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") else name
            yield f".{name}", getattr(thing, private, None)
    if isinstance(thing, (list, tuple, set, frozenset, deque)):
        yield from ((f"[{i}]", item) for i, item in enumerate(list(thing)))
    if isinstance(thing, dict):
        yield from ((f"[{key!r}]", item) for key, item in list(thing.items()))
    for name in ("__self__", "__func__", "__defaults__", "__kwdefaults__"):
        yield f".{name}", getattr(thing, name, None)
    if isinstance(thing, partial):
        yield from ((".func", thing.func), (".args", thing.args), (".keywords", thing.keywords))
    for i, cell in enumerate(getattr(thing, "__closure__", None) or ()):
        with suppress(ValueError):  # a cell that nothing was put into yet
            yield f".__closure__[{i}]", cell.cell_contents
