from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from icu_server import icu_server, needs_icu
from pgbouncer import needs_pgbouncer, pooled
from postgres_server import fresh_database
from psycopg.conninfo import conninfo_to_dict

from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.postgresql_removal import PostgreSQLRunRemoval
from runledger.testing import OpenRemoval, OpenStore, RunRepositoryContract, ServedStore


class PostgreSQL(RunRepositoryContract):
    """The contract in a database, by the URL that a subclass says."""

    connections = 10

    @pytest.fixture
    def database(self) -> Iterator[str]:
        with fresh_database() as url:
            yield url

    @pytest.fixture
    def url(self, database: str) -> str:
        return database

    @pytest.fixture
    def new_store(self, database: str, url: str) -> Callable[[], OpenStore]:
        with closing(PostgreSQLRunRepository(database)) as admin:
            admin.create_schema()

        def emptied() -> OpenStore:
            with psycopg.connect(database) as connection:
                connection.execute("TRUNCATE runs, run_notes")
            return partial(PostgreSQLRunRepository, url, max_connections=self.connections)

        return emptied

    @pytest.fixture
    def open_removal(self, url: str) -> OpenRemoval:
        return lambda _: PostgreSQLRunRemoval(url)


class TestPostgreSQL(PostgreSQL):
    examples = 60

    @pytest.fixture
    def served_store(self, url: str) -> ServedStore:
        """Over one connection, without what would be sent beside the calls: encryption, and its negotiation."""
        given = conninfo_to_dict(url)
        host, port = str(given["host"]), int(given.get("port") or 5432)

        def open_at(host: str, port: int) -> PostgreSQLRunRepository:
            parts = urlsplit(url)
            plain = f"host={host}&port={port}&sslmode=disable&gssencmode=disable"
            return PostgreSQLRunRepository(
                urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, plain))))), max_connections=1
            )

        return ServedStore(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else host, port, open_at)


class TestPostgreSQLWithOneConnection(PostgreSQL):
    """No call holds a connection while another one of the same thread needs it."""

    examples = 5
    connections = 1


@needs_pgbouncer
class TestPgBouncerInSessionMode(PostgreSQL):
    examples = 5

    @pytest.fixture
    def url(self, database: str) -> Iterator[str]:
        with pooled(database, "session", "default_pool_size = 80") as url:
            yield url


@needs_pgbouncer
class TestPgBouncerInTransactionMode(PostgreSQL):
    examples = 5

    @pytest.fixture
    def url(self, database: str) -> Iterator[str]:
        with pooled(database, "transaction", "default_pool_size = 3") as url:
            yield f"{url}?prepared_statements=off"


@pytest.fixture(scope="module")
def icu() -> Iterator[str]:
    with icu_server() as url:
        yield url


@needs_icu
class TestPostgreSQLWithICU(PostgreSQL):
    """Ids and pages are in the order of their characters, whatever the order of the database is."""

    examples = 20

    @pytest.fixture
    def database(self, icu: str) -> str:
        return icu
