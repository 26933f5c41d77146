from collections.abc import Callable

import pytest

from runledger.adapters.memory import InMemoryRunRepository
from runledger.testing import OpenStore, RunRepositoryContract


class TestInMemory(RunRepositoryContract):
    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        def new() -> OpenStore:
            repository = InMemoryRunRepository()
            return lambda: repository

        return new
