"""A scratch table for experiments.

The probe creates rows by its own requests, so that only one function of the adapter can create records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from attrs import define, field
from pyairtable import Table
from pyairtable.api.types import RecordDict, UpdateRecordDict
from pyairtable.formulas import AND, Field, Formula
from requests.adapters import BaseAdapter, HTTPAdapter

from ...domain import StoreUnusable
from . import AirtableAddress, RateLimit, token_from_environment, turns_of
from .metadata import find_table, tables_of
from .transport import Paced, Refused, ServerClock, api_over, sent

T = TypeVar("T")
Cells = Mapping[str, Any]

MARK = "runledger probe "
"""The prefix of the first text cell of every row that the probe creates."""
AT_ONCE = 10


@define
class Scratch:
    """A table for experiments, and the rows made in it. `columns` are names by type, in the table's order.

    `lag` is how many seconds lists show the table late, as far as it is known: each list waits as long.
    """

    table: Table
    clock: ServerClock
    columns: Mapping[str, list[str]]
    sleep: Callable[[float], None]
    mark: str = MARK
    made: list[str] = field(factory=list)
    lag: float = 0.0

    @property
    def marked(self) -> str:
        """The column that identifies the probe's rows."""
        return self.columns["singleLineText"][0]

    @property
    def text(self) -> str:
        return self.columns["singleLineText"][1]

    def column(self, kind: str) -> str:
        return self.columns[kind][0]

    def make(self, *rows: Cells) -> list[RecordDict]:
        """Create rows with this experiment's mark, up to ten in one request."""
        body: list[dict[str, Any]] = [{self.marked: self.mark, **cells} for cells in rows]
        made = [row for batch in _tens(body) for row in self._post(batch)]
        self.made += [row["id"] for row in made]
        return made

    def _post(self, batch: Sequence[dict[str, Any]]) -> list[RecordDict]:
        return sent(lambda: self.table.batch_create(batch), writes=True)

    def patch(self, *rows: tuple[str, Cells]) -> list[RecordDict]:
        body: list[UpdateRecordDict] = [{"id": row_id, "fields": dict(cells)} for row_id, cells in rows]
        return sent(lambda: self.table.batch_update(body), writes=True)

    def delete(self, *ids: str) -> None:
        sent(lambda: self.table.batch_delete(ids), writes=True)
        self.made = [row_id for row_id in self.made if row_id not in ids]

    def rows(self, formula: Formula | None = None, **options: Any) -> list[RecordDict]:
        """The rows of this experiment that a formula selects; all without one."""
        mine: Formula = Field(self.marked).eq(self.mark)
        chosen = mine if formula is None else AND(mine, formula)
        if self.lag:
            self.sleep(self.lag)
        return sent(lambda: self.table.all(formula=chosen, **options), writes=False)

    def refusal(self, request: Callable[[], object]) -> str:
        """The status and error type with which the server refuses a request; empty if it does not refuse."""
        try:
            request()
        except Refused as error:
            return f"{error.refusal.status} {error.refusal.kind}".rstrip()
        return ""

    def remains(self) -> Iterator[RecordDict]:
        """All rows of the table, page by page, each with only its marking cell."""
        pages = self.table.iterate(fields=[self.marked])
        while (page := sent(lambda: next(pages, None), writes=False)) is not None:
            yield from page

    def require_own(self) -> None:
        """Check that every row is the probe's. Raises StoreUnusable if there is another."""
        for row in self.remains():
            if not str(row["fields"].get(self.marked, "")).startswith(MARK):
                raise StoreUnusable(
                    f"the scratch table has a row that the probe did not make ({row['id']}): name an empty table."
                )

    def clear(self) -> None:
        """Delete every row that a probe made, including rows of an earlier probe that was killed."""
        there = [row["id"] for row in self.remains() if str(row["fields"].get(self.marked, "")).startswith(MARK)]
        ids = list(dict.fromkeys([*self.made, *there]))
        for batch in _tens(ids):
            if self.refusal(partial(self.delete, *batch)):
                for row_id in batch:  # a batch is refused as a whole if one of its rows is gone already
                    self.refusal(partial(self.delete, row_id))


def _tens(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[first : first + AT_ONCE] for first in range(0, len(items), AT_ONCE))


@contextmanager
def scratch_table(
    url: str,
    name_or_id: str,
    *,
    transport: BaseAdapter | None = None,
    limit: RateLimit | None = None,
    sleep: Callable[[float], None] | None = None,
) -> Iterator[Scratch]:
    """A table of the base that a store URL names. The probe's rows are deleted before and after the block.

    Raises StoreUnusable if it is the ledger's own table, has rows that are not the probe's, or cannot be read.
    """
    at = AirtableAddress.of(url)
    clock = ServerClock()
    paced = Paced(transport or HTTPAdapter(), limit or turns_of(at).limit, clock)
    api = api_over(paced, token_from_environment(), at.endpoint)
    try:
        tables = tables_of(api, at.base_id)
        found, ledger = find_table(tables, name_or_id), find_table(tables, at.table)
        if found is None:
            raise StoreUnusable(
                f"the base has no table {name_or_id!r}: make one with `runledger init`, and keep no runs in it."
            )
        if ledger is not None and found["id"] == ledger["id"]:
            raise StoreUnusable(f"{name_or_id!r} is the ledger's own table: name another, and keep no runs in it.")
        columns: dict[str, list[str]] = {}
        for each in found["fields"]:
            columns.setdefault(each["type"], []).append(each["name"])
        if len(columns.get("singleLineText", ())) < 2:
            raise StoreUnusable(f"the table {name_or_id!r} needs two columns of single line text: add them.")
        scratch = Scratch(api.table(at.base_id, found["id"]), clock, columns, sleep or turns_of(at).sleep)
        scratch.require_own()
    except Refused as error:
        raise StoreUnusable(
            f"the scratch table cannot be read ({error}): give the token the scopes schema.bases:read, "
            "data.records:read and data.records:write."
        ) from None
    try:
        scratch.clear()
        yield scratch
    finally:
        scratch.clear()
