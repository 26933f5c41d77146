"""The ledger through PgBouncer, in each of its modes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest
from commands import runledger
from documents import blocks
from pgbouncer import ENOUGH, needs_pgbouncer, pooled
from postgres_server import fresh_database
from psycopg import sql

from runledger.adapters.sql.postgresql import PostgreSQLRunRepository, open_url
from runledger.domain import NewRun, RunChange, RunKey, RunQuery, RunRecord, StoreUnusable

pytestmark = needs_pgbouncer
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("251124-081500", "acme")
OFF = "?prepared_statements=off"


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        with closing(open_url(url)) as repository:
            repository.create_schema()
            repository.create(NewRun(RunRecord.start(KEY, AT)))
        yield url


@pytest.mark.parametrize("servers", [1, 5])
def test_a_pooler_that_shares_connections_is_refused_unless_statements_are_not_prepared(url: str, servers: int) -> None:
    with pooled(url, "transaction", f"default_pool_size = {servers}") as shared:
        with pytest.raises(StoreUnusable, match="prepared_statements=off"):
            open_url(shared)
        with closing(open_url(shared + OFF)) as repository:
            assert repository.get(KEY).key == KEY


def test_a_pooler_in_session_mode_needs_no_option(url: str) -> None:
    with pooled(url, "session") as single, closing(open_url(single)) as repository:
        assert repository.get(KEY).key == KEY


def test_a_pooler_that_has_one_connection_for_one_client_is_not_waited_for(url: str) -> None:
    settings = ("default_pool_size = 1", "query_wait_timeout = 100")
    with (
        pooled(url, "session", *settings) as single,
        closing(PostgreSQLRunRepository(single, max_connections=1)) as only,
    ):
        assert only.get(KEY).key == KEY


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_nothing_is_prepared_through_a_pooler_even_if_it_does_not_show_that_it_shares(url: str, mode: str) -> None:
    """With room for one client, a second one cannot find out. Another client's statement could have the same name."""
    with (
        pooled(url, mode, "max_client_conn = 1") as through,
        closing(PostgreSQLRunRepository(through, max_connections=1)) as repository,
    ):
        for _ in range(3):
            assert repository.update(KEY, RunChange(add={"n": 1}), AT).key == repository.get(KEY).key
        assert repository._fetch("SELECT name FROM pg_prepared_statements", ()) == []


@pytest.mark.parametrize(("option", "prepares"), [("", True), ("on", True), ("off", False)])
def test_the_option_switches_prepared_statements_off_without_a_pooler_too(
    url: str, option: str, prepares: bool
) -> None:
    given = f"{'&' if '?' in url else '?'}prepared_statements={option}" if option else ""
    with closing(PostgreSQLRunRepository(url + given, max_connections=1)) as repository:
        for _ in range(3):
            assert repository.get(KEY).key == KEY
        prepared = repository._fetch("SELECT name FROM pg_prepared_statements WHERE NOT from_sql", ())
        assert bool(prepared) is prepares


def test_a_pooler_without_transactions_is_refused(url: str) -> None:
    with pooled(url, "statement") as broken, pytest.raises(StoreUnusable, match="pool_mode to transaction or session"):
        open_url(broken + OFF)


def test_many_clients_of_one_server_connection_read_their_own_rows(url: str) -> None:
    """Statements of different clients, which would have one name if they were prepared."""
    with pooled(url, "transaction", "default_pool_size = 2") as shared, ExitStack() as opened:
        stores = [opened.enter_context(closing(open_url(shared + OFF))) for _ in range(4)]
        for number, store in enumerate(stores):
            store.create(NewRun(RunRecord.start(RunKey("shared", str(number)), AT)))

        def work(number: int) -> None:
            key = RunKey("shared", str(number))
            for _ in range(25):
                stores[number].update(key, RunChange(add={"n": 1}, note="x"), AT)
                assert stores[number].get(key).key == key
                assert [record.key for record in stores[number].find(RunQuery(client_id=str(number)))] == [key]
                assert len(list(stores[number].find(RunQuery(run_id="shared")))) == 4
                stores[number].update_many([(key, RunChange(note="y")), (key, RunChange(add={"n": 1}))], AT)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(work, range(4)))
        assert [record.metrics["n"] for record in stores[0].find(RunQuery(run_id="shared"))] == [50] * 4


WEAK = [
    ("synchronous_commit", "off", "on"),
    ("synchronous_commit", "local", "on"),
    ("synchronous_commit", "remote_write", "on"),
    ("statement_timeout", "0", "30s"),
    ("TimeZone", "Europe/Berlin", "UTC"),
    ("DateStyle", "German", "ISO"),
    ("extra_float_digits", "0", "1"),
    ("default_transaction_isolation", "serializable", "read committed"),
]


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize(("name", "value", "needed"), WEAK)
def test_settings_of_a_role_that_are_too_weak_are_refused_with_the_statement_that_mends_them(
    url: str, mode: str, name: str, value: str, needed: str
) -> None:
    with pooled(url, mode, sets=(*ENOUGH, f"{name} = '{value}'")) as through:
        done = runledger("doctor", store=through + OFF, code=7)
    assert done.stdout.startswith("fix   a connection pooler is in the way")
    assert f"""ALTER ROLE "postgres" SET {name} = '{needed}'; and then RECONNECT""" in done.stdout


def test_the_statements_that_a_refusal_and_the_page_name_are_all_that_is_needed(url: str) -> None:
    weak = tuple(f"{name} = '{value}'" for name, value, _ in WEAK[2:])
    with pooled(url, "transaction", sets=weak) as through, psycopg.connect(url, autocommit=True) as administrator:
        with pytest.raises(StoreUnusable) as caught:
            open_url(through + OFF)
        database = sql.Identifier(urlsplit(url).path[1:]).as_string(administrator)
        statements = str(caught.value).partition("runs ")[2].partition(" and then")[0]
        [page] = [text for kind, text in blocks("docs/postgresql.md", "pgsql")]
        assert statements.split("; ") == page.strip().replace('"worker"', '"postgres"').split(";\n")
        administrator.execute(statements.replace('ROLE "postgres"', f"DATABASE {database}").encode())
        with pooled(url, "transaction", sets=()) as mended, closing(open_url(mended + OFF)) as repository:
            assert repository.get(KEY).started_at == AT


def test_doctor_says_that_a_pooler_is_there(url: str) -> None:
    with pooled(url, "transaction") as shared:
        done = runledger("doctor", store=shared + OFF)
        assert (
            "ok    a connection pooler is in the way to the server; the settings of the role are enough\n"
            in done.stdout
        )
        assert "prepared_statements=off" in runledger("list", store=shared, code=7).stderr


@pytest.mark.parametrize("settings", [[], ["ignore_startup_parameters = options"]])
def test_options_that_a_pooler_refuses_or_drops_are_refused(url: str, settings: list[str]) -> None:
    with (
        pooled(url, "session", *settings) as through,
        pytest.raises(StoreUnusable, match=r"options.* ALTER ROLE … SET"),
    ):
        open_url(f"{through}?options=-csearch_path%3Delsewhere")


def test_the_tables_are_made_once_through_a_pooler(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE runs, run_notes")
    with pooled(url, "transaction") as shared, ExitStack() as opened:
        stores = [opened.enter_context(closing(open_url(shared + OFF))) for _ in range(4)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(PostgreSQLRunRepository.create_schema, stores))
        assert runledger("init", store=shared + OFF).stdout == "The store is ready.\n"
        runledger("start", "--run-id", "r", "--client", "acme", store=shared + OFF)
        assert stores[0].get(RunKey("r", "acme")).metrics == {}


@pytest.mark.parametrize("value", ["", "no", "s3cret-word"])
def test_a_wrong_value_of_the_option_is_refused(url: str, value: str) -> None:
    separator = "&" if "?" in url else "?"
    with pytest.raises(StoreUnusable, match="prepared_statements in the store URL is on or off") as caught:
        open_url(f"{url}{separator}prepared_statements={value}")
    assert "s3cret" not in str(caught.value)
