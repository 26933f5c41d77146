from collections.abc import Callable

import pytest

from redis_server import admin, server_url
from runledger.testing import OpenRemoval, OpenStore, RunRepositoryContract
from runledger_redis import RedisRunRemoval, RedisRunRepository


class TestRedis(RunRepositoryContract):
    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        def new() -> OpenStore:
            admin().flushdb()
            return lambda: RedisRunRepository(server_url())

        return new

    @pytest.fixture
    def open_removal(self) -> OpenRemoval:
        return lambda _: RedisRunRemoval(server_url())
