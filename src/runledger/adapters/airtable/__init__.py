"""Runs in an Airtable table, over pyairtable: created once by a protocol, updated by list and PATCH alone."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote, urlencode, urlsplit

from attrs import field, frozen

from ...domain import InvalidStoreURL, StoreUnusable
from .columns import Columns
from .locks import Locks
from .options import options_of
from .rate import RateLimit
from .removal import AirtableRunRemoval
from .repository import AirtableRunAccess, AirtableRunRepository
from .transport import ENDPOINT

__all__ = [
    "AirtableAddress",
    "AirtableRunAccess",
    "AirtableRunRemoval",
    "AirtableRunRepository",
    "Columns",
    "RateLimit",
    "open_removal",
    "open_url",
]

T = TypeVar("T")


@frozen(kw_only=True)
class AirtableAddress:
    """The parts of a store URL: base, table, columns, and the server."""

    base_id: str
    table: str
    columns: Columns
    endpoint: str = ENDPOINT

    @classmethod
    def of(cls, url: str) -> AirtableAddress:
        """`airtable://BASE_ID/TABLE`, the table by id or percent-encoded name.

        `?endpoint=` names another server; every other option is a part of `Columns.of_query`. Raises InvalidValue.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            raise InvalidStoreURL("the store URL is malformed: an Airtable URL is airtable://BASE_ID/TABLE.") from None
        table = unquote(parts.path[1:])
        if "@" in parts.netloc or parts.netloc.startswith("pat"):
            raise InvalidStoreURL("the token does not belong in the store URL: put it into AIRTABLE_API_KEY.")
        if not re.fullmatch("app[A-Za-z0-9]*", parts.netloc) or not table:
            raise InvalidStoreURL(
                "an Airtable URL is airtable://BASE_ID/TABLE, with the base id that begins with app and has letters and"
                " digits alone."
            )
        options = options_of(parts.query)
        columns = Columns.of_query(urlencode([pair for pair in options if pair[0] != "endpoint"]))
        endpoint = dict(options).get("endpoint") or ENDPOINT
        return cls(base_id=parts.netloc, table=table, columns=columns, endpoint=endpoint)


@frozen
class Turns:
    """What all stores of one base share within a process: the rate limit, the locks, and how they wait."""

    limit: RateLimit = field(factory=RateLimit)
    locks: Locks = field(factory=Locks)
    sleep: Callable[[float], None] = time.sleep


TURNS: dict[tuple[str, str], Turns] = {}
"""By endpoint and base. A test may put in those of a base whose clock it moves, before anything uses that base."""
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=TURNS.clear)  # in a child nobody would release a lock that another thread holds


def turns_of(at: AirtableAddress) -> Turns:
    """The rate limit and the locks of a base: one of each in a process, for all its tables, threads and stores."""
    return TURNS.setdefault((at.endpoint, at.base_id), Turns())


def token_from_environment() -> str:
    """The personal access token, from AIRTABLE_API_KEY. Raises StoreUnusable if it is not set."""
    token = os.environ.get("AIRTABLE_API_KEY", "").strip()
    if not token:
        raise StoreUnusable("Airtable needs a personal access token: put it into AIRTABLE_API_KEY.")
    return token


def open_url(url: str) -> AirtableRunRepository:
    """The store at a URL that AirtableAddress reads; the token from AIRTABLE_API_KEY."""
    return _opened(AirtableRunRepository, AirtableAddress.of(url))


def open_removal(url: str) -> AirtableRunRemoval:
    """The removal for the store at a URL that AirtableAddress reads; the token from AIRTABLE_API_KEY."""
    return _opened(AirtableRunRemoval, AirtableAddress.of(url))


def _opened(kind: Callable[..., T], at: AirtableAddress) -> T:
    turns = turns_of(at)
    return kind(
        token_from_environment(),
        at.base_id,
        at.table,
        columns=at.columns,
        endpoint=at.endpoint,
        limit=turns.limit,
        locks=turns.locks,
        sleep=turns.sleep,
    )
