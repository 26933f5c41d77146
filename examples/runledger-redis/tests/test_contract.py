from collections.abc import Callable

import pytest

from redis_server import admin, server_url
from runledger.testing import OpenStore, RunRepositoryContract
from runledger_redis import RedisRunRepository


class TestRedis(RunRepositoryContract):
    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        def new() -> OpenStore:
            admin().flushdb()
            return lambda: RedisRunRepository(server_url())

        return new
