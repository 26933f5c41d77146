"""The suite over HTTP, with everything that Airtable leaves open answered one way, and the other."""

from collections.abc import Callable, Iterator
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from airtable_base import BASE, METRIC_COLUMNS, TABLE, AirtableBase, served

from airtable_local import Column, MissingRecord, Unknowns
from runledger.adapters.airtable import AirtableRunRepository, Columns
from runledger.testing import OpenRemoval, OpenStore, RunRepositoryContract, ServedStore
from runledger.testing.airtable import run_table


class TestAirtable(RunRepositoryContract):
    examples = 40
    many = 123  # a batch has ten
    columns: ClassVar[Columns] = Columns()
    further: ClassVar[tuple[Column, ...]] = METRIC_COLUMNS
    unknowns: ClassVar[Unknowns] = Unknowns()

    @pytest.fixture
    def base(self) -> Iterator[AirtableBase]:
        with served(*self.further, unknowns=self.unknowns) as base:
            yield base

    @pytest.fixture
    def new_store(self, base: AirtableBase) -> Callable[[], OpenStore]:
        def new() -> OpenStore:
            base.service.add_base("Operations", [run_table(TABLE, self.further)], BASE)
            return lambda: base.repository(self.columns)

        return new

    @pytest.fixture
    def open_removal(self, base: AirtableBase) -> OpenRemoval:
        return lambda _: base.removal(self.columns)

    @pytest.fixture
    def served_store(self, base: AirtableBase) -> ServedStore:
        server = urlsplit(base.server.url)

        def open_at(host: str, port: int) -> AirtableRunRepository:
            return base.repository(self.columns, endpoint=f"http://{host}:{port}")

        return ServedStore(str(server.hostname), server.port or 80, open_at)


class TestAirtableWithAutonumberAndMarks(TestAirtable):
    columns = Columns(number="Number", start_mark="Start Mark")
    further = (*METRIC_COLUMNS, Column("Number", "autoNumber"), Column("Start Mark"))
    unknowns = Unknowns(
        missing_record_status=MissingRecord.MODEL_ID_NOT_FOUND,
        text_equals_ignores_case=True,
        fractional_created_time=True,
        rich_text_adds_newline=True,
        pages_are_a_snapshot=False,
        retry_after_on_429=True,
        plural_429_body=True,
    )
