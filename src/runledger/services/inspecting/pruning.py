"""What a removal of finished runs will take, counted before anything is removed. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from attrs import field, frozen

from ...domain import FinishedRuns
from ...domain.values import ReadOnlyDict
from ..reads import LedgerReads


def _months(counts: Mapping[str, int]) -> ReadOnlyDict[str, int]:
    return ReadOnlyDict(sorted(counts.items()))


@frozen(kw_only=True)
class OldRuns:
    """The runs that started before a moment: those to remove, by the month in which they ended, and those that stay.

    `months` maps months such as "2024-10", in UTC and in their order, to numbers of finished runs. `running` is the
    number of runs that are still Running, and so are not removed.
    """

    months: Mapping[str, int] = field(converter=_months, hash=False)
    running: int

    @property
    def finished(self) -> int:
        """How many runs there are to remove."""
        return sum(self.months.values())


def count_old(reads: LedgerReads, finished: FinishedRuns) -> OldRuns:
    """Count the runs that a removal of `finished` takes, and the Running ones that are as old. Raises what `find` does.

    Reads every record that started before the moment once, page by page.
    """
    months: Counter[str] = Counter()
    running = 0
    for record in reads.find(client_id=finished.client_id, until=finished.before):
        if finished.includes(record):
            months[f"{record.ended_at or record.updated_at:%Y-%m}"] += 1
        elif not record.status.is_final:
            running += 1
    return OldRuns(months=months, running=running)
