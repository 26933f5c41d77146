"""Runs in an Airtable table, over pyairtable: created once by a protocol, updated by list and PATCH alone."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from ...domain import StoreUnusable
from .columns import Columns
from .repository import AirtableRunAccess, AirtableRunRepository
from .transport import ENDPOINT, RateLimit

__all__ = ["AirtableRunAccess", "AirtableRunRepository", "Columns", "RateLimit", "open_url"]


def open_url(url: str) -> AirtableRunRepository:
    """`airtable://BASE_ID/TABLE`, the table by id or percent-encoded name; the token from AIRTABLE_API_KEY.

    `?endpoint=` names another server; every other option is a part of `Columns.of_query`.
    """
    parts = urlsplit(url)
    table = unquote(parts.path[1:])
    if "@" in parts.netloc or parts.netloc.startswith("pat"):
        raise StoreUnusable("the token does not belong in the store URL: put it into AIRTABLE_API_KEY.")
    if not parts.netloc.startswith("app") or not table:
        raise StoreUnusable("an Airtable URL is airtable://BASE_ID/TABLE, with the base id that begins with app.")
    token = os.environ.get("AIRTABLE_API_KEY", "").strip()
    if not token:
        raise StoreUnusable("Airtable needs a personal access token: put it into AIRTABLE_API_KEY.")
    options = parse_qsl(parts.query, keep_blank_values=True)
    columns = Columns.of_query(urlencode([pair for pair in options if pair[0] != "endpoint"]))
    return AirtableRunRepository(
        token, parts.netloc, table, columns=columns, endpoint=dict(options).get("endpoint") or ENDPOINT
    )
