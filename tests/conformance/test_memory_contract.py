from collections.abc import Callable

import pytest

from runledger.adapters.memory import InMemoryRunRemoval, InMemoryRunRepository
from runledger.testing import OpenRemoval, OpenStore, RunRepositoryContract


class TestInMemory(RunRepositoryContract):
    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        def new() -> OpenStore:
            repository = InMemoryRunRepository()
            return lambda: repository

        return new

    @pytest.fixture
    def open_removal(self) -> OpenRemoval:
        return InMemoryRunRemoval  # type: ignore[return-value]
