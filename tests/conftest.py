import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from runledger import NewRun, Outcome, RunEvent, RunKey, RunLedger, StoreUnavailable
from runledger.adapters.memory import InMemoryRunRepository

# In the background of a shell a process ignores Ctrl-C, under nohup a hang-up, and so would those that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# How long an example takes says how busy the machine is.
settings.register_profile("runledger", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("runledger")

# Code that the scan reads, some of it named as tests are. Another conftest.py there would take the name of this one.
collect_ignore = ["scan/labelled"]

T = TypeVar("T")

LONGEST = ("test_airtable_interleavings.py", "test_contract_has_teeth.py", "test_readme.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest first, so that at the end no worker has a minute to do and the others nothing.
    items.sort(key=lambda item: item.path.name not in LONGEST)


class Clock:
    """A clock that moves one second at each look."""

    def __init__(self) -> None:
        self.now = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class FaultyRepository(InMemoryRunRepository):
    """Loses the next answers: each fault says whether the act was done before the answer was lost."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[tuple[bool, Outcome]] = []
        self.creates = 0

    def create(self, new: NewRun) -> RunKey:
        self.creates += 1
        return self._with_fault(lambda: super(FaultyRepository, self).create(new))

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self.creates += 1
        return self._with_fault(lambda: super(FaultyRepository, self).create_many(news))

    def _with_fault(self, act: Callable[[], T]) -> T:
        if not self.faults:
            return act()
        done, outcome = self.faults.pop(0)
        if done:
            act()
        raise StoreUnavailable("the line went dead", outcome)


@pytest.fixture
def events() -> list[RunEvent]:
    return []


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def repository() -> FaultyRepository:
    return FaultyRepository()


@pytest.fixture
def ledger(repository: FaultyRepository, events: list[RunEvent], naps: list[float]) -> Iterator[RunLedger]:
    with RunLedger(repository, observers=[events.append], clock=Clock(), sleep=naps.append) as ledger:
        yield ledger
