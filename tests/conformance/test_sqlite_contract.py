from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.adapters.sql.sqlite_removal import SQLiteRunRemoval
from runledger.testing import OpenRemoval, OpenStore, RunRepositoryContract


class TestSQLite(RunRepositoryContract):
    @pytest.fixture
    def new_store(self, tmp_path: Path) -> Callable[[], OpenStore]:
        def new() -> OpenStore:
            return partial(SQLiteRunRepository, tmp_path / f"{uuid4()}.db")

        return new

    @pytest.fixture
    def open_removal(self) -> OpenRemoval:
        return lambda repository: SQLiteRunRemoval(repository._file.path)  # type: ignore[attr-defined]
