"""Removing finished runs from an Airtable table: those that were listed as old, ten a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from pyairtable.formulas import OR, RECORD_ID
from requests.adapters import BaseAdapter

from ...domain import BATCH, FinishedRuns, RunKey, RunQuery, StoreUnavailable
from .columns import Columns
from .layout import Layout
from .listing import matching
from .locks import Locks
from .rate import RateLimit
from .row import Row
from .table import WRITTEN_AT_ONCE, RunTable
from .transport import ENDPOINT, HTTPForRemoval, OnlyRemoval, Paced, Refused, ServerClock, api_over, sent


class AirtableRunRemoval:
    """Removes the finished runs of a table, over a transport that sends only reads and removals; see RunRemoval.

    The parameters are those of AirtableRunRepository.
    """

    def __init__(
        self,
        token: str,
        base_id: str,
        table: str,
        *,
        columns: Columns = Columns(),
        endpoint: str = ENDPOINT,
        limit: RateLimit | None = None,
        locks: Locks | None = None,
        transport: OnlyRemoval | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        clock = ServerClock()
        inner: BaseAdapter = transport or HTTPForRemoval()
        paced = Paced(inner, limit or RateLimit(sleep=sleep), clock)
        self._table = RunTable(
            api_over(paced, token, endpoint).table(base_id, table), Layout(columns), clock, sleep, locks or Locks()
        )

    def remove_runs(self, finished: FinishedRuns, batch: int = BATCH) -> Iterator[int]:
        """See RunRemoval. A batch is at most ten rows; each row has its log with it.

        All are listed before the first is removed: a listing may leave rows out while others are removed. Each batch is
        read again just before it is removed, because a person may have reopened a run meanwhile.
        """
        query = RunQuery(client_id=finished.client_id, until=finished.before)
        keys = [row.record.key for row in matching(self._table, query) if finished.includes(row.record)]
        size = min(batch, WRITTEN_AT_ONCE)
        for first in range(0, len(keys), size):
            some = keys[first : first + size]
            # An update of this process reads and writes under the same locks.
            yield self._table.locks.run(some, partial(self._remove_if_still, finished, some))

    def close(self) -> None:
        self._table.table.api.session.close()

    def _remove_if_still(self, finished: FinishedRuns, keys: Sequence[RunKey]) -> int:
        """Remove those of the records that are still of such runs."""
        there = OR([RECORD_ID().eq(str(key.reference)) for key in keys])
        try:
            rows = [self._table.row(raw) for page in self._table.pages(formula=there) for raw in page]
        except Refused as error:
            self._table.refused(error.refusal)
        still = [row.record.key for row in rows if isinstance(row, Row) and finished.includes(row.record)]
        return self._remove(still) if still else 0

    def _remove(self, keys: Sequence[RunKey]) -> int:
        """Remove the records that the keys refer to, by one request, and return how many were there."""
        try:
            sent(partial(self._table.table.batch_delete, [str(key.reference) for key in keys]), writes=True)
        except Refused as error:
            if not error.refusal.may_be_of_a_missing_record:
                self._table.refused(error.refusal, [(keys[0], {})])
            if len(keys) > 1:  # nothing was removed; if one is gone, the others need a request each
                return sum(self._remove([key]) for key in keys)
            if self._table.may_hold(keys[0], error.refusal):
                self._table.refused(error.refusal, [(keys[0], {})])
            return 0
        except StoreUnavailable as error:
            raise StoreUnavailable(error.reason, error.outcome, keys[0]) from None
        return len(keys)
