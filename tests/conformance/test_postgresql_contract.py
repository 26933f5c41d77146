from collections.abc import Callable, Iterator

import pytest
from postgres_server import fresh_database

from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.testing import OpenStore, RunRepositoryContract


class TestPostgreSQL(RunRepositoryContract):
    examples = 60

    @pytest.fixture
    def new_store(self) -> Iterator[Callable[[], OpenStore]]:
        with fresh_database() as url:
            admin = PostgreSQLRunRepository(url)
            admin.create_schema()

            def emptied() -> OpenStore:
                with admin._connections.cursor("CREATE") as cursor:
                    cursor.execute("TRUNCATE runs, run_notes")
                return lambda: PostgreSQLRunRepository(url)

            yield emptied
            admin.close()
