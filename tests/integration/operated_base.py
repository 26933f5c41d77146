"""A base that the command line is tried on: a local server that behaves as Airtable's Web API, in real time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from attrs import define
from commands import runledger

from runledger.testing.airtable import (
    AirtableServer,
    AirtableService,
    Column,
    Connection,
    Table,
    Token,
    Unknowns,
    run_table,
)
from runledger.testing.airtable.service import SCOPES

OPERATOR = "patOperator.0123456789abcdef"
"""The token of somebody who may do everything."""
READER = "patReader.0123456789abcdef"
"""Without a scope for writing or for looking at columns."""
BASE = "appOperatedBase00"

NUMBER = Column("Number", "autoNumber")
SCRATCH = run_table("Scratch", [Column("Tokens", "number", {"precision": 8}), Column("Flag", "checkbox"), NUMBER])


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
def operated(*tables: Table, unknowns: Unknowns | None = None) -> Iterator[OperatedBase]:
    tokens = [Token(OPERATOR, SCOPES), Token(READER, frozenset({"data.records:read"}))]
    service = AirtableService(tokens, unknowns=unknowns)
    service.add_base("Operations", tables, BASE)
    with AirtableServer(Connection(service)) as server:
        yield OperatedBase(server, service)
