"""What a copy reports: the fate of every record, and how two records of one run differ."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import field, frozen

from ...domain import NewRun, RunKey
from ...domain.json_form import time_text
from ...domain.values import ReadOnlyDict
from ...domain.visible import counted


class Fate(Enum):
    """What happened to a record of the source, or to a row that is not a valid run record."""

    COPIED = "copied"
    ENDED = "ended since"
    EQUAL = "already there"
    UNFINISHED = "still running"
    DIFFERENT = "different in the target"
    ALTERED = "altered by the target"
    REFUSED = "refused"
    DUPLICATED = "duplicated in the source"
    UNREADABLE = "unreadable"

    @property
    def is_problem(self) -> bool:
        """Whether the target does not hold the record exactly as the source does, or the source is at fault."""
        return self not in (Fate.COPIED, Fate.ENDED, Fate.EQUAL)


@frozen
class Remark:
    """A record that was not simply copied, and why. `key` is None if a row of the source has no valid key."""

    fate: Fate
    key: RunKey | None
    detail: str

    def __str__(self) -> str:
        return f"{self.fate.value}: {self.key or 'a row'}: {self.detail}"

    def to_json(self) -> dict[str, Any]:
        """The remark as an object that `json.dumps` takes."""
        run_id, client_id = (None, None) if self.key is None else (self.key.run_id, self.key.client_id)
        return {"fate": self.fate.name.lower(), "run_id": run_id, "client_id": client_id, "detail": self.detail}


def _counts(counts: Mapping[Fate, int]) -> ReadOnlyDict[Fate, int]:
    return ReadOnlyDict({fate: counts.get(fate, 0) for fate in Fate})


@frozen(kw_only=True)
class CopyResult:
    """How many records had each fate. `counts` holds every Fate, with 0 where no record had it.

    After a dry run, COPIED counts the records that a copy would create.
    A record that the target altered counts as COPIED and as ALTERED, and a run with several records counts as
    DUPLICATED besides the fate of its authoritative record. ENDED and UNFINISHED occur only with `ended_since`: ENDED
    counts the runs that the target had as Running, and whose end was brought over.

    `running` is the number of runs of the source that were still Running. If there are any, `ended_since` is what to
    pass to a second copy, when they have finished; else, and after a dry run, it is None.
    """

    counts: Mapping[Fate, int] = field(converter=_counts, hash=False)
    running: int = 0
    ended_since: datetime | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the target holds, or after a dry run would hold, every run of the source exactly as it is there."""
        return not any(count for fate, count in self.counts.items() if fate.is_problem)

    def to_json(self) -> dict[str, int | str | None]:
        """The counts, the number of runs that are still Running as `running`, and `ended_since`, for `json.dumps`."""
        since = None if self.ended_since is None else time_text(self.ended_since)
        counts = {fate.name.lower(): count for fate, count in self.counts.items()}
        return {**counts, "running": self.running, "ended_since": since}


def difference(run: NewRun, there: NewRun, where: str = "in the target") -> str:
    """How a run differs from the stored one, which is `there`, in words; empty if the two are the same.

    `where` says which one that is.
    """
    record, stored = run.record, there.record
    if (record, run.log) == (stored, there.log):
        return ""
    names = ("client_name", "status", "started_at", "ended_at", "updated_at", "error")
    pairs = [(name, getattr(record, name), getattr(stored, name)) for name in names]
    for name in dict.fromkeys([*record.metrics, *stored.metrics]):
        pairs.append((f"metric {name!r}", record.metrics.get(name), stored.metrics.get(name)))
    parts = [f"{what} is {_shown(ours)}, {where} {_shown(theirs)}" for what, ours, theirs in pairs if ours != theirs]
    if run.log != there.log:
        parts.append(f"the log has {counted(len(run.log), 'line')}, {where} {len(there.log)}, and they differ")
    return "; ".join(parts)


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, datetime):
        return time_text(value)
    text = repr(value.value if isinstance(value, Enum) else value)
    return text if len(text) <= 40 else f"{text[:36]}…{text[-1]}"
