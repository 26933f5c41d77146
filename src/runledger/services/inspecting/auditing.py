"""An audit: what is wrong with the rows of a store, kind by kind and month by month. It reads, and changes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from attrs import field, frozen

from ...domain import RunAccess, RunQuery, RunStatus
from ...domain.json_form import time_text
from ...domain.stored_row import RowStore, StoredRow
from ...domain.visible import shown
from .future import future_times
from .similar_keys import Ids, similar_keys

UNDATED = "undated"
"""The month of a row that has neither a start nor a time of its creation."""


class DefectKind(Enum):
    """What can be wrong. IN_FUTURE: a time of the run is ahead of now. LONG_RUNNING: it is Running for too long."""

    DUPLICATE = "duplicate"
    SIMILAR = "similar keys"
    NO_ID = "no id"
    NO_START = "no start time"
    UNKNOWN_STATUS = "unknown status"
    END_BEFORE_START = "end before start"
    NO_END = "no end time"
    IN_FUTURE = "in the future"
    LONG_RUNNING = "running too long"
    UNREADABLE = "unreadable"


_EXPLAINING = frozenset((DefectKind.NO_ID, DefectKind.NO_START, DefectKind.UNKNOWN_STATUS))
"""What makes a row unreadable by itself. With one of these, the row is not reported as unreadable too."""


@frozen(kw_only=True)
class Defect:
    """One thing that is wrong, with one key or with several similar ones.

    `month` is that of the row's start or, without one, of its creation, such as "2025-11", in UTC; of several rows,
    that of the last. `remove` has the store's references to the duplicates of a run, `keep` that to its record.
    """

    kind: DefectKind
    month: str
    keys: tuple[Ids, ...]
    detail: str
    reference: str | None = None
    keep: str | None = None
    remove: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The defect as JSON can represent it."""
        keys = [{"run_id": run_id, "client_id": client_id} for run_id, client_id in self.keys]
        return {
            "kind": self.kind.value,
            "month": self.month,
            "keys": keys,
            "detail": self.detail,
            "reference": self.reference,
            "keep": self.keep,
            "remove": list(self.remove),
        }


@frozen(kw_only=True)
class Audit:
    """What an audit found in so many rows."""

    rows: int
    defects: tuple[Defect, ...] = field(repr=False)

    def counts(self) -> Mapping[DefectKind, Mapping[str, int]]:
        """How many defects of each kind there are in each month; kinds and months without any are left out."""
        counted: defaultdict[DefectKind, Counter[str]] = defaultdict(Counter)
        for defect in self.defects:
            counted[defect.kind][defect.month] += 1
        return {kind: dict(sorted(counted[kind].items())) for kind in DefectKind if kind in counted}

    def to_remove(self) -> tuple[str, ...]:
        """The store's references to all duplicates."""
        return tuple(reference for defect in self.defects for reference in defect.remove)


def rows_of(access: RunAccess) -> Iterator[StoredRow]:
    """Every row of a store, lazily. A store that keeps only valid records is read by `find`.

    Raises StoreUnavailable or StoreUnusable.
    """
    return access.stored_rows() if isinstance(access, RowStore) else map(StoredRow.of_record, access.find(RunQuery()))


def audit(
    rows: Iterable[StoredRow], *, now: datetime, longest: timedelta, skipped: Collection[DefectKind] = ()
) -> Audit:
    """What is wrong with all rows of a store, which are read once. A run may be Running for as long as `longest`.

    Kinds that are `skipped` are not looked for. Memory grows with the number of keys, unless similar keys and
    duplicates are skipped. Raises what the rows raise.
    """
    read = 0
    defects: list[Defect] = []
    of_keys: dict[Ids, str] = {}
    repeated: dict[Ids, list[StoredRow]] = {}
    firsts: dict[Ids, StoredRow] = {}
    for row in rows:
        read += 1
        ids = row.run_id, row.client_id
        defects += _defects_of(row, now, longest, skipped)
        if "" in ids:
            continue
        if DefectKind.SIMILAR not in skipped:
            of_keys[ids] = max(_month(row), of_keys.get(ids, ""))
        if row.order is not None and DefectKind.DUPLICATE not in skipped:  # without an order, a key has one row
            if ids in firsts:
                repeated.setdefault(ids, [firsts[ids]]).append(row)
            firsts.setdefault(ids, row)
    defects += (_duplicates(ids, sharing) for ids, sharing in repeated.items())
    for similar in similar_keys(of_keys):
        month = max(of_keys[ids] for ids in similar.keys)
        detail = f"they differ by {similar.difference}"
        defects.append(Defect(kind=DefectKind.SIMILAR, month=month, keys=similar.keys, detail=detail))
    order = list(DefectKind)
    return Audit(rows=read, defects=tuple(sorted(defects, key=lambda each: (order.index(each.kind), each.month))))


def _defects_of(row: StoredRow, now: datetime, longest: timedelta, skipped: Collection[DefectKind]) -> Iterator[Defect]:
    """What is wrong with a row by itself. What a skipped kind explains is not reported as another."""
    found: list[tuple[DefectKind, str]] = []
    if not (row.run_id and row.client_id):
        found.append((DefectKind.NO_ID, f"the {'client' if row.run_id else 'run'} id is empty"))
    if row.started_at is None:
        what = f"the start time is {shown(row.start)}" if row.start else "there is no start time"
        found.append((DefectKind.NO_START, what))
    if row.status is None:
        found.append(
            (DefectKind.UNKNOWN_STATUS, f"the status is {shown(row.word)}" if row.word else "the status is empty")
        )
    elif row.status.is_final and row.ended_at is None:
        found.append((DefectKind.NO_END, f"it is {row.status.value}, and has no end time"))
    if row.started_at and row.ended_at and row.ended_at < row.started_at:
        times = f"{time_text(row.ended_at)}, and started at {time_text(row.started_at)}"
        found.append((DefectKind.END_BEFORE_START, f"it ended at {times}"))
    if times := future_times(now, started_at=row.started_at, ended_at=row.ended_at, updated_at=row.updated_at):
        found.append((DefectKind.IN_FUTURE, times))
    if row.status is RunStatus.RUNNING and (started := row.started_at or row.created_at) and started < now - longest:
        found.append((DefectKind.LONG_RUNNING, f"it is Running since {time_text(started)}"))
    if row.fault and not _EXPLAINING.intersection(kind for kind, _ in found):
        found.append((DefectKind.UNREADABLE, row.fault))
    keys = ((row.run_id, row.client_id),)
    for kind, detail in found:
        if kind not in skipped:
            yield Defect(kind=kind, month=_month(row), keys=keys, detail=detail, reference=row.reference)


def _duplicates(ids: Ids, rows: list[StoredRow]) -> Defect:
    oldest, *others = sorted(rows, key=lambda row: row.order or ())
    remove = tuple(str(row.reference) for row in others)
    what = f"{oldest.reference} is the run's record; remove {', '.join(remove)}"
    return Defect(
        kind=DefectKind.DUPLICATE,
        month=max(map(_month, others)),
        keys=(ids,),
        detail=what,
        keep=oldest.reference,
        remove=remove,
    )


def _month(row: StoredRow) -> str:
    at = row.started_at or row.created_at
    return UNDATED if at is None else f"{at:%Y-%m}"
