from collections.abc import Callable, Iterator
from functools import partial

import pytest
from postgres_server import fresh_database

from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.postgresql_removal import PostgreSQLRunRemoval
from runledger.testing import OpenRemoval, OpenStore, RunRepositoryContract


class TestPostgreSQL(RunRepositoryContract):
    examples = 60

    @pytest.fixture
    def url(self) -> Iterator[str]:
        with fresh_database() as url:
            yield url

    @pytest.fixture
    def new_store(self, url: str) -> Iterator[Callable[[], OpenStore]]:
        admin = PostgreSQLRunRepository(url)
        admin.create_schema()

        def emptied() -> OpenStore:
            with admin._connections.cursor("CREATE") as cursor:
                cursor.execute("TRUNCATE runs, run_notes")
            return partial(PostgreSQLRunRepository, url)

        yield emptied
        admin.close()

    @pytest.fixture
    def open_removal(self, url: str) -> OpenRemoval:
        return lambda _: PostgreSQLRunRemoval(url)
