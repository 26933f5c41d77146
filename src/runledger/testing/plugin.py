"""The pytest plugin: a ledger in memory for the tests of an application. Loaded wherever runledger and pytest are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from ..adapters.memory import InMemoryRunRepository
from ..services.ledger import RunLedger
from ..services.observing import log_event
from .events import RunEvents


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("runledger_columns", "metric columns that the application's table has, one a line", "linelist")


@pytest.fixture
def run_ledger_columns(pytestconfig: pytest.Config) -> Iterable[str] | None:
    """The metric columns that the ledger accepts; None for any. From the ini option, unless it is overridden."""
    return pytestconfig.getini("runledger_columns") or None


@pytest.fixture
def run_ledger_events() -> RunEvents:
    """The events that the ledger of this test has reported, in order, with checks."""
    return RunEvents()


@pytest.fixture
def run_ledger(run_ledger_columns: Iterable[str] | None, run_ledger_events: RunEvents) -> Iterator[RunLedger]:
    """A new, empty ledger in memory, which reports to `run_ledger_events` and to the log."""
    repository = InMemoryRunRepository(columns=run_ledger_columns)
    with RunLedger(repository, observers=(run_ledger_events, log_event)) as ledger:
        yield ledger
