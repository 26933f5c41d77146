from collections.abc import Callable, Iterator

import pytest
from postgres_server import fresh_database

from runledger.adapters.postgresql import PostgreSQLRunRepository
from runledger.domain import RunRepository
from runledger.testing import RunRepositoryContract


class TestPostgreSQL(RunRepositoryContract):
    examples = 60

    @pytest.fixture
    def new_repository(self) -> Iterator[Callable[[], RunRepository]]:
        with fresh_database() as url:
            admin = PostgreSQLRunRepository(url)
            admin.create_schema()

            def emptied() -> RunRepository:
                with admin._pool.connection() as connection:
                    connection.execute("TRUNCATE run_records")
                return PostgreSQLRunRepository(url)

            yield emptied
            admin.close()
