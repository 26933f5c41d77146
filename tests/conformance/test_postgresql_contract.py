from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

import pytest
from icu_server import icu_server, needs_icu
from pgbouncer import needs_pgbouncer, pooled
from postgres_server import fresh_database

from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.testing import OpenStore, RunRepositoryContract


@contextmanager
def emptied_for_each(url: str, opened: OpenStore) -> Iterator[Callable[[], OpenStore]]:
    """Stores that `opened` opens in the database at a URL, each of them empty."""
    with closing(PostgreSQLRunRepository(url)) as admin:
        admin.create_schema()

        def emptied() -> OpenStore:
            with admin._connections.cursor("CREATE") as cursor:
                cursor.execute("TRUNCATE runs, run_notes")
            return opened

        yield emptied


class TestPostgreSQL(RunRepositoryContract):
    examples = 60

    @pytest.fixture
    def new_store(self) -> Iterator[Callable[[], OpenStore]]:
        with fresh_database() as url, emptied_for_each(url, partial(PostgreSQLRunRepository, url)) as emptied:
            yield emptied


class TestPostgreSQLWithOneConnection(RunRepositoryContract):
    """No call holds a connection while another one of the same thread needs it."""

    examples = 5

    @pytest.fixture
    def new_store(self) -> Iterator[Callable[[], OpenStore]]:
        with (
            fresh_database() as url,
            emptied_for_each(url, partial(PostgreSQLRunRepository, url, max_connections=1)) as emptied,
        ):
            yield emptied


class ThroughPgBouncer(RunRepositoryContract):
    examples = 5
    mode: str
    settings: tuple[str, ...] = ()
    options = ""

    @pytest.fixture
    def new_store(self) -> Iterator[Callable[[], OpenStore]]:
        with (
            fresh_database() as url,
            pooled(url, self.mode, *self.settings) as through,
            emptied_for_each(url, partial(PostgreSQLRunRepository, through + self.options)) as emptied,
        ):
            yield emptied


@needs_pgbouncer
class TestPgBouncerInSessionMode(ThroughPgBouncer):
    mode = "session"
    settings = ("default_pool_size = 80",)


@needs_pgbouncer
class TestPgBouncerInTransactionMode(ThroughPgBouncer):
    mode = "transaction"
    settings = ("default_pool_size = 3",)
    options = "?prepared_statements=off"


@pytest.fixture(scope="module")
def icu() -> Iterator[str]:
    with icu_server() as url:
        yield url


@needs_icu
class TestPostgreSQLWithICU(RunRepositoryContract):
    """Ids and pages are in the order of their characters, whatever the order of the database is."""

    examples = 20

    @pytest.fixture
    def new_store(self, icu: str) -> Iterator[Callable[[], OpenStore]]:
        with emptied_for_each(icu, partial(PostgreSQLRunRepository, icu)) as emptied:
            yield emptied
