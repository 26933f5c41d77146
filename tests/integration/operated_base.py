"""A base that the command line is tried on: a local server that behaves as Airtable's Web API.

Commands in this process do not wait for it: they move its clock. Real processes wait as users do.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import quote

from airtable_base import in_process
from attrs import define
from commands import runledger
from pyairtable import Api

from airtable_local import (
    AirtableServer,
    AirtableService,
    Column,
    Connection,
    LogEntry,
    Table,
    Token,
    Unknowns,
)
from airtable_local.tokens import SCOPES
from airtable_local.transport import ServiceTransport
from runledger.adapters.airtable import TURNS, AirtableRunRepository, Columns, RateLimit, Turns
from runledger.testing.airtable import run_table

OPERATOR = "patOperator.0123456789abcdef"
"""The token of somebody who may do everything."""
READER = "patReader.0123456789abcdef"
"""Without a scope for writing or for looking at columns."""
BASE = "appOperatedBase00"

NUMBER = Column("Number", "autoNumber")
SCRATCH = run_table("Scratch", [Column("Tokens", "number", {"precision": 8}), Column("Flag", "checkbox"), NUMBER])


class InstantBase:
    """A base in this process, whose clock moves with each request and when somebody sleeps."""

    def __init__(self, *tables: Table, unknowns: Unknowns | None = None) -> None:
        self.now = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
        self.service = AirtableService([Token(OPERATOR)], unknowns=unknowns, now=lambda: self.now)
        self.service.add_base("Operations", tables, BASE)
        self.connection = Connection(self.service, now=lambda: self.now, on_request=lambda _: self.sleep(0.05))

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def repository(self, table: str = "Runs", columns: Columns = Columns()) -> AirtableRunRepository:
        limit, transports = RateLimit(requests=10**6), in_process(self.connection)
        return AirtableRunRepository(
            OPERATOR, BASE, table, columns=columns, limit=limit, transports=transports, sleep=self.sleep
        )

    @property
    def api(self) -> Api:
        api = Api(OPERATOR, retry_strategy=None)
        api.session.mount("https://", ServiceTransport(self.connection))
        return api

    def put(self, table: str, cells: dict[str, Any]) -> None:
        """Make a row, as a script or a person does."""
        self.api.table(BASE, table).create(cells)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.service.records(BASE, table)


class Clock:
    """The time as it is, and later by all that was slept: a sleep returns at once."""

    def __init__(self) -> None:
        self._skipped = 0.0
        self._lock = Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._skipped += seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._skipped)

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped


@contextmanager
def serving(
    tables: Iterable[Table],
    tokens: Iterable[Token],
    base_id: str = BASE,
    unknowns: Unknowns | None = None,
    on_request: Callable[[LogEntry], None] = lambda _: None,
) -> Iterator[tuple[AirtableServer, AirtableService, Clock]]:
    """A base, served over HTTP; where this process would wait for it, it moves the server's clock instead."""
    clock = Clock()
    service = AirtableService(tokens, unknowns=unknowns, now=clock.now)
    service.add_base("Operations", tables, base_id)
    with AirtableServer(Connection(service, now=clock.now, sleep=clock.sleep, on_request=on_request)) as server:
        TURNS[server.url, base_id] = Turns(RateLimit(clock=clock.monotonic, sleep=clock.sleep), sleep=clock.sleep)
        try:
            yield server, service, clock
        finally:
            del TURNS[server.url, base_id]


@define
class OperatedBase:
    server: AirtableServer
    service: AirtableService

    def url(self, table: str = "Runs", **options: str) -> str:
        query = "".join(f"&{name}={quote(value)}" for name, value in options.items())
        return f"airtable://{BASE}/{quote(table, safe='')}?endpoint={self.server.url}{query}"

    def runledger(
        self, *arguments: str, table: str = "Runs", token: str = OPERATOR, code: int = 0, **options: str
    ) -> subprocess.CompletedProcess[str]:
        """The command on a table of this base; whatever it says, the token is not in it."""
        url = self.url(table, **options)
        done = runledger(*arguments, store=url, code=code, AIRTABLE_API_KEY=token)
        assert token not in done.stdout + done.stderr
        return done

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.service.records(BASE, table)

    def writes(self) -> list[str]:
        """The requests that changed something."""
        return [f"{entry.request.method} {entry.request.path}" for entry in self.server.log if entry.changed]


@contextmanager
def operated(
    *tables: Table,
    unknowns: Unknowns | None = None,
    on_request: Callable[[LogEntry], None] = lambda _: None,
) -> Iterator[OperatedBase]:
    tokens = [Token(OPERATOR, SCOPES), Token(READER, frozenset({"data.records:read"}))]
    with serving(tables, tokens, unknowns=unknowns, on_request=on_request) as (server, service, _):
        yield OperatedBase(server, service)
