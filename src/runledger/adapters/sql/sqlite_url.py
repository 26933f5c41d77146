"""The URL of a SQLite file, and back to its path."""

from __future__ import annotations

import os

from ...domain import StoreUnusable


def path_of(url: str) -> str:
    """`sqlite:///relative.db` or `sqlite:////absolute.db`; other characters percent-encoded as in any URL."""
    path = url.removeprefix("sqlite:///")
    if "%" in path:
        from urllib.parse import unquote  # here, because it slows the start of every command, and few paths need it

        path = unquote(path, errors="surrogateescape")
    if "?" in url:
        raise StoreUnusable(
            "a SQLite URL is sqlite:///relative.db or sqlite:////absolute.db, without options after a ?."
        )
    if not url.startswith("sqlite:///") or not path or "\0" in path or path == ":memory:":
        raise StoreUnusable(
            "a SQLite URL is sqlite:///relative.db or sqlite:////absolute.db; for a store in memory use memory://."
        )
    return path


def url_of(path: str | os.PathLike[str]) -> str:
    """The URL that `path_of` reads as this path."""
    from urllib.parse import quote  # here, because it slows the start of every command that is given a URL

    return f"sqlite:///{quote(os.fsencode(path))}"
