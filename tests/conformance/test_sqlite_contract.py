from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from runledger.adapters.sqlite import SQLiteRunRepository
from runledger.domain import RunRepository
from runledger.testing import RunRepositoryContract


class TestSQLite(RunRepositoryContract):
    @pytest.fixture
    def new_repository(self, tmp_path: Path) -> Callable[[], RunRepository]:
        return lambda: SQLiteRunRepository(tmp_path / f"{uuid4()}.db")
