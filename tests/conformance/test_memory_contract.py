from collections.abc import Callable

import pytest

from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import RunRepository
from runledger.testing import RunRepositoryContract


class TestInMemory(RunRepositoryContract):
    @pytest.fixture
    def new_repository(self) -> Callable[[], RunRepository]:
        return InMemoryRunRepository
