from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import pytest

from redis_server import admin, server_url
from runledger.testing import OpenRemoval, OpenStore, RunRepositoryContract, ServedStore
from runledger_redis import RedisRunRemoval, RedisRunRepository


class TestRedis(RunRepositoryContract):
    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        def new() -> OpenStore:
            admin().flushdb()
            return partial(RedisRunRepository, server_url())

        return new

    @pytest.fixture
    def open_removal(self) -> OpenRemoval:
        return lambda _: RedisRunRemoval(server_url())

    @pytest.fixture
    def served_store(self) -> ServedStore:
        server = urlsplit(server_url())
        return ServedStore(
            str(server.hostname), server.port or 6379, lambda host, port: RedisRunRepository(f"redis://{host}:{port}/0")
        )
