"""A service in this process, asked by plain requests, with a clock that moves only on `advance`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from airtable_local import AirtableService, Column, Limits, Request, Table, Token, Unknowns

BASE, TOKEN = "appFidelityTest01", "patFidelity"
CHOICES = {"choices": [{"name": name} for name in ("Low", "Mid", "High")]}

TASKS = Table(
    "Tasks",
    (
        Column("Name"),
        Column("Notes", "multilineText"),
        Column("Rich", "richText"),
        Column("Count", "number", {"precision": 1}),
        Column("Price", "currency"),
        Column("Share", "percent"),
        Column("Took", "duration"),
        Column("Stars", "rating"),
        Column("Done", "checkbox"),
        Column("Level", "singleSelect", CHOICES),
        Column("Tags", "multipleSelects", CHOICES),
        Column("Day", "date"),
        Column("At", "dateTime"),
        Column("No", "autoNumber"),
        Column("Made", "createdTime"),
        Column("Touched", "lastModifiedTime"),
        Column("Sum", "formula"),
    ),
)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 14, 15, 9, 26, 535_897, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Client:
    """A client of a new service. Paths are relative to the table Tasks unless they begin with a slash."""

    def __init__(
        self,
        *tables: Table,
        unknowns: Unknowns | None = None,
        limits: Limits | None = None,
        tokens: tuple[Token, ...] = (Token(TOKEN),),
    ) -> None:
        self.clock = Clock()
        self.service = AirtableService(tokens, unknowns=unknowns, limits=limits, now=self.clock)
        self.service.add_base("Fidelity", tables or (TASKS,), BASE)
        self.token = tokens[0].value
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str = "", body: object = None, **query: Any) -> tuple[int, Any]:
        """The status and the parsed body of the answer."""
        place = f"/{BASE}/Tasks{path and '/'}{path}" if not path.startswith("/") else path
        url = f"http://localhost/v0{place}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.service.handle(Request(method, url, {"Authorization": f"Bearer {self.token}"}, sent))
        self.headers = dict(answer.headers)
        return answer.status, json.loads(answer.body)

    def create(self, *, typecast: Any = False, **fields: Any) -> dict[str, Any]:
        status, record = self.ask("POST", body={"fields": fields, "typecast": typecast})
        assert status == 200, record
        return dict(record)

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        status, page = self.ask("GET", **query)
        assert status == 200, page
        return list(page["records"])

    def names(self, formula: str) -> set[str]:
        """The names of the records that a formula selects."""
        return {record["fields"]["Name"] for record in self.listed(filterByFormula=formula)}

    def records(self) -> list[dict[str, Any]]:
        return self.service.records(BASE, "Tasks")


def error_of(answer: tuple[int, Any]) -> tuple[int, str]:
    """The status and the error type of an answer."""
    status, body = answer
    error = body.get("error") or body["errors"][0]
    return status, str(error if isinstance(error, str) else error.get("type") or error.get("error"))


def encoded(name: str) -> str:
    return quote(name, safe="")
