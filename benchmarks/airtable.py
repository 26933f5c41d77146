"""How many requests the ledger sends to Airtable, compared with the fewest possible and with pyairtable without checks.

    .venv/bin/python benchmarks/airtable.py

Counts requests on a local server that behaves like Airtable's Web API, and whose clock advances only when the code
waits. So the result is the same on every machine. Each request also takes a fifth of a second of a base's rate limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pyairtable import Api, Table
from pyairtable.formulas import AND, OR, Field

from airtable_local import AirtableService, Column, Connection, Token
from airtable_local.transport import ServiceTransport
from runledger import RunChange, RunKey, RunLedger
from runledger.adapters.airtable import AirtableRunRepository, RateLimit
from runledger.adapters.airtable.transport import WithoutCreation
from runledger.testing.airtable import run_table

BASE, TABLE, TOKEN = "appBenchmark00000", "Runs", "patBenchmark"
RUN = "251124-081500"
MANY = [f"client {i:03}" for i in range(100)]
Row = tuple[str, int, int, int]


class UpdatesInProcess(WithoutCreation, ServiceTransport):
    """To a service in this process, for all requests but those that create."""


class Base:
    """A separate base for each operation, with a client and a count of its requests."""

    def __init__(self) -> None:
        self.now = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
        service = AirtableService([Token(TOKEN)], now=lambda: self.now)
        service.add_base("Operations", [run_table(TABLE, [Column("Tokens", "number")])], BASE)
        self.connection = Connection(service, now=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ledger(self) -> RunLedger:
        repository = AirtableRunRepository(
            TOKEN,
            BASE,
            TABLE,
            limit=RateLimit(requests=10**6),
            transports=(ServiceTransport(self.connection), UpdatesInProcess(self.connection)),
            sleep=self.sleep,
        )
        return RunLedger(repository, clock=lambda: self.now, sleep=self.sleep)

    def table(self) -> Table:
        api = Api(TOKEN)
        api.session.mount("https://", ServiceTransport(self.connection))
        return api.table(BASE, TABLE)

    def requests_of(self, operation: Callable[[], object]) -> int:
        before = len(self.connection.log)
        operation()
        return len(self.connection.log) - before


def cells(client_id: str = "acme") -> dict[str, Any]:
    return {"Run ID": RUN, "Client ID": client_id, "Status": "Running", "Start Time": "2025-11-24T08:15:00.000Z"}


def of_key(client_id: str = "acme") -> Any:
    return AND(Field("Run ID").eq(RUN), Field("Client ID").eq(client_id))


def counted(
    name: str, fewest: int, ours: Callable[[RunLedger], object], plain: Callable[[Table], object], *there: str
) -> Row:
    """A line of the table: an operation on the runs of the base's clients."""
    safe, bare = Base(), Base()
    ledger, table = safe.ledger(), bare.table()
    if there:
        ledger.start_many(RUN, there)
        table.batch_create([cells(client_id) for client_id in there])
    return name, fewest, safe.requests_of(lambda: ours(ledger)), bare.requests_of(lambda: plain(table))


def plain_addition(table: Table) -> None:
    row = table.first(formula=of_key())
    assert row is not None
    table.update(row["id"], {"Tokens": row["fields"].get("Tokens", 0) + 5})


def plain_update_many(table: Table) -> None:
    rows = table.all(formula=OR([of_key(client_id) for client_id in MANY]))
    table.batch_update([{"id": row["id"], "fields": {"Tokens": 5}} for row in rows])


def plain_finish(table: Table) -> None:
    row = table.first(formula=of_key())
    assert row is not None
    table.update(row["id"], {"Status": "Completed", "End Time": "2025-11-24T08:16:00.000Z"})


def by_handle() -> Row:
    """Setting values in the process that started the run: both keep the record's id."""
    safe, bare = Base(), Base()
    run, row = safe.ledger().start(RUN, "acme"), bare.table().create(cells())
    ours = safe.requests_of(lambda: run.update(metrics={"Tokens": 5}))
    return "set values, by the handle", 1, ours, bare.requests_of(lambda: bare.table().update(row["id"], {"Tokens": 5}))


def rows() -> Iterator[Row]:
    changes = [(RunKey(RUN, client_id), RunChange(metrics={"Tokens": 5})) for client_id in MANY]
    yield counted("start", 3, lambda ledger: ledger.start(RUN, "acme"), lambda table: table.create(cells()))
    yield counted(
        "start of 100 clients",
        12,
        lambda ledger: ledger.start_many(RUN, MANY),
        lambda table: table.batch_create([cells(client_id) for client_id in MANY]),
    )
    yield by_handle()
    yield counted(
        "set values, by the key",
        2,
        lambda ledger: ledger.updates.update(RUN, "acme", metrics={"Tokens": 5}),
        plain_addition,
        "acme",
    )
    yield counted(
        "add to a number",
        2,
        lambda ledger: ledger.updates.update(RUN, "acme", add={"Tokens": 5}),
        plain_addition,
        "acme",
    )
    yield counted("finish", 2, lambda ledger: ledger.updates.complete(RUN, "acme"), plain_finish, "acme")
    yield counted("update 100 runs", 11, lambda ledger: ledger.updates.update_many(changes), plain_update_many, *MANY)
    yield counted("get", 1, lambda ledger: ledger.get(RUN, "acme"), lambda table: table.first(formula=of_key()), "acme")
    yield counted("list 100", 1, lambda ledger: list(ledger.find()), lambda table: table.all(), *MANY)


def printed(lines: Sequence[Row]) -> None:
    print("| operation | fewest that keep the rule | runledger | pyairtable, unchecked |\n| --- | --- | --- | --- |")
    for name, fewest, ours, bare in lines:
        print(f"| {name} | {fewest} | {ours} | {bare} |")


if __name__ == "__main__":
    printed(list(rows()))
