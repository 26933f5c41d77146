"""The PostgreSQL adapter beside psycopg alone, which executes the same statements on the same schema."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg

from comparison import AT, AT_TEXT, CHANGE, Row, compared, new_run
from runledger import RunQuery
from runledger.adapters.sql import postgresql as adapter
from runledger.adapters.sql.postgresql_changes import GET, update_statement
from runledger.adapters.sql.rows import rows_of_texts


def database() -> AbstractContextManager[str]:
    """The URL of an empty database of a server that writes as safely, and as slowly, as one in use."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "integration"))
    import postgres_server

    postgres_server.durable = True
    return postgres_server.fresh_database()


def connected(url: str) -> tuple[psycopg.Connection[Any], psycopg.Cursor[Any]]:
    """A bare connection that prepares each statement immediately, as the ledger's do, and its cursor."""
    bare = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    return bare, bare.cursor(binary=True)


def postgresql_rows() -> Iterator[Row]:
    """The PostgreSQL adapter beside psycopg alone, against one server."""
    with database() as our_url, database() as bare_url:
        repository = adapter.PostgreSQLRunRepository(our_url)
        repository.create_schema()
        twin = adapter.PostgreSQLRunRepository(bare_url)
        twin.create_schema()
        twin.close()
        bare, cursor = connected(bare_url)
        news = [new_run(f"run-{i:06}") for i in range(1500)]
        values = list(rows_of_texts(news))
        batches = [[new_run(f"batch {b} {i:04}") for i in range(1000)] for b in range(15)]
        batch_values = [list(rows_of_texts(batch)) for batch in batches]

        listing = adapter._FIND.format("TRUE").replace("::text", "")  # as the driver decodes columns by itself

        def bare_update(i: int) -> None:
            change = {
                "run_id": f"run-{i:06}", "client_id": "acme", "at": AT_TEXT, "ends": False, "status": None,
                "ended_at": None, "error": None, "set": '{"Posts Scored":43}', "add": '{"Tokens":1500}',
            }  # fmt: skip
            cursor.execute(update_statement(True, False), change).fetchone()

        def bare_creates(i: int) -> None:
            with bare.transaction():
                cursor.executemany(adapter._INSERT, batch_values[i])

        yield compared(
            "PostgreSQL: create",
            1.25,
            len(news),
            lambda i: cursor.execute(adapter._INSERT, values[i]),
            lambda i: repository.create(news[i]),
        )
        yield compared(
            "PostgreSQL: update",
            1.25,
            len(news),
            bare_update,
            lambda i: repository.update(news[i].key, CHANGE, AT),
        )
        yield compared(
            "PostgreSQL: get",
            1.6,
            len(news),
            lambda i: cursor.execute(GET, (f"run-{i:06}", "acme")).fetchone(),
            lambda i: repository.get(news[i].key),
        )
        yield compared(
            "PostgreSQL: list of 100",
            2.0,
            300,
            lambda _: cursor.execute(listing, [100]).fetchall(),
            lambda _: list(repository.find(RunQuery(limit=100))),
        )
        yield compared(
            "PostgreSQL: 1,000 creates (bare: executemany)",
            0.8,
            15,
            bare_creates,
            lambda i: repository.create_many(batches[i]),
        )
        bare.close()
        repository.close()
