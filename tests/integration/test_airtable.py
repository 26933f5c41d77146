"""The Airtable adapter over HTTP, by what an operator and an application meet: requests, refusals, duplicates, pace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airtable_base import METRIC_COLUMNS, AirtableBase, served

from runledger import (
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunRecord,
    RunStatus,
)
from runledger.adapters.airtable import AirtableRunRepository
from runledger.testing.airtable import Column

KEY = RunKey("251124-081500", "acme")
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
LATER = AT + timedelta(seconds=9)
SETS, ADDS, NOTES = RunChange(metrics={"n": 1}), RunChange(add={"n": 1}), RunChange(note="half way")
FINISHES = RunChange(status=RunStatus.COMPLETED)


def started(key: RunKey = KEY, **metrics: Any) -> RunRecord:
    return RunRecord.start(key, AT, client_name="Acme Ltd", metrics=metrics)


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(*METRIC_COLUMNS, Column("Total", "formula"), Column("Label", "singleSelect")) as base:
        yield base


@pytest.fixture
def repository(base: AirtableBase) -> AirtableRunRepository:
    return base.repository()


@pytest.fixture
def key(base: AirtableBase, repository: AirtableRunRepository) -> RunKey:
    """The key of a run that was started, with the reference that a handle carries; nothing is in the log any more."""
    key = repository.create(started())
    base.requests()
    return key


class TestRequests:
    """Each act takes as few requests as it can, and none but these."""

    def test_a_start_takes_three_and_one_where_the_run_exists(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        base.clock.sleep(0.9)
        repository.create(started())
        assert base.requests() == ["GET", "POST", "GET", "GET"]  # it waited for the clock, and looked again
        with pytest.raises(RunAlreadyExists):
            repository.create(started())
        assert base.requests() == ["GET"]
