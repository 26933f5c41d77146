"""Calls of a repository, recorded, and shown as lines of Python that repeat them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import singledispatch
from itertools import groupby
from typing import Any

import attrs
from attrs import define

from ..domain import NewRun, RunKey, RunLedgerError, RunRecord

_MANY = 3
_LONG = 60


@define
class Call:
    """One call of a repository's method, and the error that it raised, if any."""

    handle: str
    method: str
    arguments: tuple[Any, ...]
    error: BaseException | None = None
    is_concurrent: bool = False
    """Whether other threads called the repository at the same time."""

    def __str__(self) -> str:
        call = f"{self.handle}.{self.method}({', '.join(shown(each) for each in self.arguments)})"
        return f"list({call})" if self.method in ("find", "latest", "log", "stored_rows") else call


def listed(calls: Iterable[Call]) -> Iterator[str]:
    """A line for each call; equal calls that follow each other share one."""
    keyed = groupby(calls, key=lambda call: (str(call), named(call.error), call.is_concurrent))
    for (line, outcome, is_concurrent), same in keyed:
        times = sum(1 for _ in same)
        remarks = ["in concurrent threads"] * is_concurrent + [f"{times} times"] * (times > 1)
        remarks += [f"raises {outcome}"] * (outcome is not None)
        yield f"{line}  # {', '.join(remarks)}" if remarks else line


def named(error: BaseException | None) -> str | None:
    """The class of an error, with its message if it is not an error of the ledger."""
    if error is None:
        return None
    name = type(error).__name__
    return name if isinstance(error, RunLedgerError) else f"{name}: {error}"


@singledispatch
def shown(value: object) -> str:
    """A value as the shortest Python that makes it. Long values are cut."""
    return f"{type(value).__name__}({', '.join(_given(value))})" if attrs.has(type(value)) else repr(value)


@shown.register
def _(value: RunKey) -> str:
    return f"RunKey({shown(value.run_id)}, {shown(value.client_id)})"


@shown.register
def _(value: RunRecord) -> str:
    key, at, name = value.key, value.started_at, value.client_name
    if value != RunRecord.start(key, at, client_name=name, metrics=value.metrics):
        return f"RunRecord({', '.join(_given(value))})"
    more = [f"client_name={shown(name)}"] * (name != key.client_id)
    more += [f"metrics={shown(value.metrics)}"] * bool(value.metrics)
    return f"RunRecord.start({', '.join([shown(key), shown(at), *more])})"


@shown.register
def _(value: NewRun) -> str:
    return f"NewRun({', '.join(_given(value)).removeprefix('record=')})"


@shown.register
def _(value: Enum) -> str:
    return str(value)


@shown.register
def _(value: datetime) -> str:
    zone = "UTC" if value.tzinfo is UTC else repr(value.tzinfo)
    numbers = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    return f"datetime({', '.join(map(str, numbers))}, tzinfo={zone})"


@shown.register
def _(value: str) -> str:
    if len(value) <= _LONG:
        return repr(value)
    return f"{value[0]!r} * {len(value)}" if value == value[0] * len(value) else f"{value[:_LONG]!r}…"


@shown.register(list)
@shown.register(tuple)
def _(value: Sequence[object]) -> str:
    more = [f"… {len(value)} in all"] * (len(value) > _MANY)
    items = ", ".join([*map(shown, value[:_MANY]), *more])
    return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"


@shown.register(Mapping)
def _(value: Mapping[object, object]) -> str:
    return f"{{{', '.join(f'{shown(name)}: {shown(each)}' for name, each in value.items())}}}"


def _given(value: Any) -> Iterator[str]:
    for field in attrs.fields(type(value)):
        given = getattr(value, field.name)
        if given != field.default:
            yield f"{field.name}={shown(given)}"
