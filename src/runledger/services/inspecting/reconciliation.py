"""Comparing two ledgers that were kept side by side: same runs, same statuses, same numbers. It reads, and no more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import field, frozen

from ...domain import RunKey, RunRecord, RunStatus
from ...domain.json_form import time_text


class Unlike(Enum):
    """How a run can differ. TWICE: one side has several records of it."""

    ONLY_OLD = "only in OLD"
    ONLY_NEW = "only in NEW"
    STATUS = "another status"
    NUMBER = "another number"
    TWICE = "twice"


@frozen
class Difference:
    """In what one run differs, and how, in words."""

    kind: Unlike
    key: RunKey
    detail: str

    def to_json(self) -> dict[str, Any]:
        """The difference as JSON can represent it."""
        return {
            "run_id": self.key.run_id,
            "client_id": self.key.client_id,
            "kind": self.kind.value,
            "detail": self.detail,
        }


@frozen(kw_only=True)
class Reconciliation:
    """How many records each side has, how many runs are the same on both, and every difference, kind by kind.

    `unknown`: names of numbers that were asked for, and that no run has on either side.
    """

    old: int
    new: int
    same: int
    differences: tuple[Difference, ...] = field(repr=False)
    unknown: tuple[str, ...] = ()

    def counts(self) -> Mapping[Unlike, int]:
        """How many differences of each kind there are; kinds without any are left out."""
        counted = Counter(each.kind for each in self.differences)
        return {kind: counted[kind] for kind in Unlike if kind in counted}


@frozen
class _Compared:
    """What is compared of a record, and when it started."""

    status: RunStatus
    numbers: Mapping[str, int | float]
    started_at: datetime


def reconcile(
    old: Iterable[RunRecord],
    new: Iterable[RunRecord],
    *,
    tolerance: float,
    metrics: Collection[str] = (),
    since: datetime | None = None,
) -> Reconciliation:
    """Compare the records of two sides, by key: their statuses and their numbers. Other values are not compared.

    Two numbers are the same if they differ by no more than the fraction `tolerance` of the larger one. With `metrics`,
    only the numbers of these names are compared. A run that a side has twice is not compared further, because which of
    its records counts is not known here. A run counts if it started at or after `since` on either side: two
    systems that start one run give it two start times. Memory grows with the number of records.
    """
    of_old, of_new = _by_key(old, metrics), _by_key(new, metrics)
    read_old = read_new = same = 0
    differences: list[Difference] = []
    for key in dict.fromkeys([*of_old, *of_new]):
        before, after = of_old.get(key, []), of_new.get(key, [])
        if since is not None and all(each.started_at < since for each in [*before, *after]):
            continue
        read_old += len(before)
        read_new += len(after)
        found = list(_differences(key, before, after, tolerance))
        differences += found
        same += not found
    order = list(Unlike)
    differences.sort(key=lambda each: order.index(each.kind))
    known = {
        name for side in (of_old, of_new) for records in side.values() for each in records for name in each.numbers
    }
    unknown = tuple(name for name in metrics if name not in known)
    return Reconciliation(old=read_old, new=read_new, same=same, differences=tuple(differences), unknown=unknown)


def _by_key(records: Iterable[RunRecord], metrics: Collection[str]) -> dict[RunKey, list[_Compared]]:
    found: dict[RunKey, list[_Compared]] = {}
    for record in records:
        numbers = {
            name: value
            for name, value in record.metrics.items()
            if isinstance(value, (int, float)) and not isinstance(value, bool) and (not metrics or name in metrics)
        }
        found.setdefault(record.key, []).append(_Compared(record.status, numbers, record.started_at))
    return found


def _differences(
    key: RunKey, old: Sequence[_Compared], new: Sequence[_Compared], tolerance: float
) -> Iterator[Difference]:
    for side, name in ((old, "OLD"), (new, "NEW")):
        if len(side) > 1:
            yield Difference(Unlike.TWICE, key, f"{name} has {len(side)} records of it")
    if not new:
        yield Difference(Unlike.ONLY_OLD, key, f"{_since(old[0])} in OLD, and not in NEW")
    elif not old:
        yield Difference(Unlike.ONLY_NEW, key, f"{_since(new[0])} in NEW, and not in OLD")
    elif len(old) == len(new) == 1:
        yield from _between(key, old[0], new[0], tolerance)


def _between(key: RunKey, old: _Compared, new: _Compared, tolerance: float) -> Iterator[Difference]:
    if old.status is not new.status:
        yield Difference(Unlike.STATUS, key, f"{old.status.value} in OLD, {new.status.value} in NEW")
    for name in sorted({*old.numbers, *new.numbers}):
        before, after = old.numbers.get(name), new.numbers.get(name)
        if before is None or after is None or not math.isclose(before, after, rel_tol=tolerance):
            yield Difference(Unlike.NUMBER, key, f"{name!r} is {_shown(before)} in OLD, {_shown(after)} in NEW")


def _since(one: _Compared) -> str:
    return f"{one.status.value} since {time_text(one.started_at)}"


def _shown(number: int | float | None) -> str:
    return "no number" if number is None else repr(number)
