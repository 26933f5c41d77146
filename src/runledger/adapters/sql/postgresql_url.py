"""The URL of a store in PostgreSQL, as parameters of its connections."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ...domain import InvalidStoreURL

_DEFAULTS = conninfo_to_dict(
    "connect_timeout=5 keepalives_idle=30 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=20000",
    application_name="runledger",
)
_PREPARED = "prepared_statements"
"""The one option of a URL that is not libpq's."""


def connection_parameters(url: str) -> dict[str, Any]:
    """The connection parameters of a URL, with defaults. No message shows any of it: parts of a password that was
    not percent-encoded turn up as host, port or database."""
    url, prepared = _without_own_option(url)
    # Raised outside of any handler: the driver's error quotes the URL, and would stay in __context__.
    given: dict[str, Any] = {"port": "unreadable"}
    with suppress(psycopg.Error, ValueError):
        given = conninfo_to_dict(url)
    misplaced = any("@" in str(given.get(name, "")) for name in ("host", "dbname"))
    if misplaced or re.search("[^0-9,]", str(given.get("port", ""))):
        raise InvalidStoreURL(
            "the store URL cannot be read: write postgresql://user:password@host:port/database, percent-encode special "
            "characters in its parts, and after a ? give only options of libpq or prepared_statements."
        )
    fixed = {
        "options": given.get("options", ""),
        "client_encoding": "utf8",
        "prepare_threshold": 0 if prepared else None,
    }
    return {**_DEFAULTS, **given, **fixed}


def _without_own_option(url: str) -> tuple[str, bool]:
    """The URL as libpq reads it, and whether statements are prepared."""
    address, mark, query = url.partition("?")
    options = query.split("&")
    given = [option.partition("=")[2] for option in options if option.startswith(f"{_PREPARED}=")]
    if not given:
        return url, True
    if given[-1] not in ("on", "off"):
        raise InvalidStoreURL(f"{_PREPARED} in the store URL is on or off.")
    rest = "&".join(option for option in options if not option.startswith(f"{_PREPARED}="))
    return address + (mark + rest if rest else ""), given[-1] == "on"
