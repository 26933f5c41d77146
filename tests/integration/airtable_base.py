"""A base with a table for runs, served over HTTP by a local server that behaves as Airtable's Web API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import quote

from attrs import define

from airtable_local import (
    AirtableServer,
    AirtableService,
    Column,
    Connection,
    Limits,
    LogEntry,
    Request,
    Response,
    Table,
    Token,
    Unknowns,
)
from airtable_local.transport import ServiceTransport
from runledger import RunKey
from runledger.adapters.airtable import AirtableRunRemoval, AirtableRunRepository, Columns, RateLimit
from runledger.adapters.airtable.transport import WithoutCreation
from runledger.testing import COLUMNS
from runledger.testing.airtable import run_table

TOKEN = "patTest.0123456789abcdef"  # noqa: S105 (a token of the local server)
TABLE = "Runs: 100% / all"
BASE = "appTestOfRunLedg0"

_COLUMN_OF = {
    float: lambda name: Column(name, "number", {"precision": 8}),
    str: lambda name: Column(name, "multilineText"),
    bool: lambda name: Column(name, "checkbox"),
    datetime: lambda name: Column(name, "dateTime"),
}
METRIC_COLUMNS = tuple(_COLUMN_OF[kind](name) for name, kind in COLUMNS.items())


class Clock:
    """A clock for server and adapter, which moves when somebody sleeps."""

    def __init__(self, begin: datetime = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)) -> None:
        self.now = begin
        self._lock = Lock()

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += timedelta(seconds=seconds)

    def seconds(self) -> float:
        return self.now.timestamp()


class UpdatesInProcess(WithoutCreation, ServiceTransport):
    """To a service in this process, for all requests but those that create."""


def in_process(connection: Connection) -> tuple[ServiceTransport, UpdatesInProcess]:
    """The transports of a repository, without a socket."""
    return ServiceTransport(connection), UpdatesInProcess(connection)


@define
class AirtableBase:
    """One base of a running server, with the table `TABLE` for runs."""

    server: AirtableServer
    service: AirtableService
    clock: Clock

    @property
    def store_url(self) -> str:
        return f"airtable://{BASE}/{quote(TABLE, safe='')}?endpoint={self.server.url}"

    def repository(self, columns: Columns = Columns(), *, token: str = TOKEN, **options: Any) -> AirtableRunRepository:
        """A repository of a process of its own, which is not paced unless a limit is given."""
        return AirtableRunRepository(token, BASE, TABLE, columns=columns, **self._settings(options))

    def removal(self, columns: Columns = Columns(), *, token: str = TOKEN, **options: Any) -> AirtableRunRemoval:
        """The removal of a process of its own, which is not paced unless a limit is given."""
        return AirtableRunRemoval(token, BASE, TABLE, columns=columns, **self._settings(options))

    def _settings(self, options: dict[str, Any]) -> dict[str, Any]:
        options.setdefault("limit", RateLimit(requests=10**6))
        return {"endpoint": self.server.url, "sleep": self.clock.sleep, **options}

    def insert(self, fields: dict[str, Any]) -> None:
        """Add a row, as a person or another system does."""
        self._asks("POST", {"records": [{"fields": fields}], "typecast": True})

    def write(self, key: RunKey, fields: dict[str, Any]) -> None:
        """Write into the row that a key refers to, as a person or another process does."""
        self._asks("PATCH", {"records": [{"id": key.reference, "fields": fields}]})

    def delete_all(self) -> None:
        for row in self.rows():
            self.delete(row["id"])

    def delete(self, reference: str) -> None:
        self._asks("DELETE", {}, f"/{reference}")

    def before_next(self, method: str, act: Callable[[], object]) -> None:
        """Do something just before the server sees the next request of this method."""
        handle = self.service.handle

        def handle_after(request: Request) -> Response:
            if request.method == method:
                self.service.handle = handle  # type: ignore[method-assign]
                act()
            return handle(request)

        self.service.handle = handle_after  # type: ignore[method-assign]

    def _asks(self, method: str, body: dict[str, Any], more: str = "") -> None:
        url = f"{self.server.url}/v0/{BASE}/{quote(TABLE, safe='')}{more}"
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        response = self.service.handle(Request(method, url, headers, json.dumps(body).encode()))
        assert response.status == 200, response.body

    def rows(self) -> list[dict[str, Any]]:
        return self.service.records(BASE, TABLE)

    def requests(self) -> list[str]:
        """What has been asked for since the last call: the method, and the last part of the path where it tells."""
        entries = list(self.server.log)
        self.server.log.clear()
        return [_described(entry) for entry in entries]


def _described(entry: LogEntry) -> str:
    *_, last = entry.request.segments
    return f"{entry.request.method} {last}" if last == "listRecords" else entry.request.method


@contextmanager
def served(
    *columns: Column,
    table_columns: Sequence[Column] = (),
    unknowns: Unknowns | None = None,
    limits: Limits | None = None,
    tokens: tuple[Token, ...] = (),
) -> Iterator[AirtableBase]:
    """A base whose table has these columns beside those of a run, or the columns of `table_columns` alone."""
    table = Table(TABLE, tuple(table_columns)) if table_columns else run_table(TABLE, columns)
    clock = Clock()
    service = AirtableService([Token(TOKEN), *tokens], unknowns=unknowns, limits=limits, now=clock)
    service.add_base("Operations", [table], BASE)
    with AirtableServer(Connection(service, now=clock, sleep=clock.sleep)) as server:
        yield AirtableBase(server, service, clock)
