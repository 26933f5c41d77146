"""Whether a token and a base fit: what the metadata API says of its tables, and what a request is refused for.

The token's scopes: https://airtable.com/developers/web/api/scopes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from attrs import frozen
from pyairtable import Api
from requests.adapters import HTTPAdapter

from ...domain import Finding
from . import AirtableAddress, token_from_environment, turns_of
from .findings import column_findings, left_out, mapping_findings
from .metadata import find_table, tables_of
from .transport import Paced, Refusal, Refused, ServerClock, api_over, sent

NO_RECORD = "recNoSuchRecord00"
"""A well-formed id of no record. Airtable refuses a write to it, and the error shows whether the token may write."""


def api_of(at: AirtableAddress, token: str) -> Api:
    """A client that keeps to the rate limit and sends nothing twice."""
    return api_over(Paced(HTTPAdapter(), turns_of(at).limit, ServerClock()), token, at.endpoint)


def examine_base(url: str) -> Iterator[Finding]:
    """Findings about the token, base, table and columns that a store URL names."""
    at = AirtableAddress.of(url)
    api = api_of(at, token_from_environment())
    try:
        # Raises StoreUnusable if Airtable does not accept the token.
        scopes = sent(lambda: dict(api.get(api.build_url("meta", "whoami"))).get("scopes"), writes=False)
    except Refused as error:
        yield Finding.fix(f"the server does not identify the token ({_code(error.refusal)})", "check the endpoint")
        return
    yield Finding.ok("the token is accepted")
    yield from _Examination(at, api, frozenset(scopes or ())).findings()


@frozen
class _Examination:
    """An examination of a base. `scopes` are the token's; empty if Airtable does not return them."""

    at: AirtableAddress
    api: Api
    scopes: frozenset[str]

    def findings(self) -> Iterator[Finding]:
        try:
            tables = tables_of(self.api, self.at.base_id)
        except Refused:
            yield from self._without_schema()
            return
        yield Finding.ok(f"the base {self.at.base_id} exists")
        table = find_table(tables, self.at.table)
        if table is None:
            names = ", ".join(repr(each["name"]) for each in tables)
            advice = f"`runledger init` makes it, or correct the store URL: the base has {names or 'no tables'}"
            yield Finding.fix(f"the base has no table {self.at.table!r}", advice)
            return
        if self.at.table == table["id"]:
            yield Finding.ok(f"the table {table['name']!r} exists")
        else:
            advice = f"use its id in the store URL, {table['id']}, which stays the same if somebody renames the table"
            yield Finding.note(f"the table {table['name']!r} exists", advice)
        refusal = self._listing([])
        yield from self._rights(refusal)
        if refusal is None:
            yield from column_findings(self.at.columns, table["fields"])

    def _without_schema(self) -> Iterator[Finding]:
        """Findings from a list request and a refused write alone."""
        refusal = self._listing([])
        if refusal is not None and "schema.bases:read" in self.scopes:
            yield Finding.fix(
                f"the token has no access to the base {self.at.base_id}",
                "add the base to the token, or correct the store URL",
            )
            return
        yield from self._rights(refusal)
        if refusal is not None:
            return
        yield Finding.note(
            "the token cannot read the types of columns", "give it the scope schema.bases:read and run this again"
        )
        left = list(self.at.columns.of_parts.values())
        while (refusal := self._listing(left)) is not None:
            missing = [name for name in left if refusal.names(name)]
            if not missing:
                yield Finding.fix(f"Airtable refuses to list the columns ({_code(refusal)})")
                return
            left.remove(name := max(missing, key=len))
            part = next((part for part, optional in self.at.columns.optional.items() if optional == name), None)
            if part is None:
                yield Finding.fix(f"there is no column {name!r}", "add it, or map it in the store URL")
            else:
                yield left_out(part)
        for name in left:
            yield Finding.ok(f"column {name!r} exists")
        yield from mapping_findings(self.at.columns)

    def _rights(self, listing: Refusal | None) -> Iterator[Finding]:
        if listing is not None:
            advice = "check base and table, that the token has the scope data.records:read, and that it has the base"
            yield Finding.fix(f"the table's records cannot be read ({_code(listing)})", advice)
            return
        yield Finding.ok("the token can read its records")
        refusal = self._refused_write()
        if refusal is None or refusal.status == 422:
            yield Finding.ok("the token can write its records")
        else:
            advice = "give the token the scope data.records:write, and its user the role of an editor"
            yield Finding.fix(f"the token cannot write its records ({_code(refusal)})", advice)

    def _listing(self, fields: Sequence[str]) -> Refusal | None:
        """Why Airtable refuses to list a row with these columns; None if it does not."""
        url, options = self.api.build_url(self.at.base_id, quote(self.at.table, safe="")), {"page_size": 1}
        try:
            sent(lambda: self.api.request("get", url, options={**options, "fields": list(fields)}), writes=False)
        except Refused as error:
            return error.refusal
        return None

    def _refused_write(self) -> Refusal | None:
        """Why Airtable refuses a write to a missing record. Only a batch update shows a missing right separately."""
        url = self.api.build_url(self.at.base_id, quote(self.at.table, safe=""))
        try:
            sent(lambda: self.api.patch(url, json={"records": [{"id": NO_RECORD, "fields": {}}]}), writes=True)
        except Refused as error:
            return error.refusal
        return None


def _code(refusal: Refusal) -> str:
    return f"{refusal.status} {refusal.kind}".rstrip()
