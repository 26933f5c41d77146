"""Tests that the contract cannot ask of every store: refusals, and data from external writers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread
from urllib.parse import urlsplit

import pytest
import redis

from redis_server import admin, server_url
from runledger import NewRun, Outcome, RunChange, RunKey, RunRecord, StoreUnavailable, StoreUnusable, UnusableForRun
from runledger.domain import RunAlreadyExists, RunQuery
from runledger.testing.line import line_to
from runledger_redis import RedisRunRepository

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("251124-081500", "acme")
START = RunRecord.start(KEY, AT)
EVERYTHING = RunQuery()
ADD = RunChange(add={"n": 1})


@pytest.fixture
def repository() -> Iterator[RedisRunRepository]:
    admin().flushdb()
    repository = RedisRunRepository(server_url())
    yield repository
    repository.close()


def test_without_a_server_nothing_was_written(repository: RedisRunRepository) -> None:
    repository.create(NewRun(START))
    server = urlsplit(server_url())
    with line_to(str(server.hostname), server.port or 6379) as line:
        distant = RedisRunRepository(f"redis://{line.host}:{line.port}/0")
    calls: list[Callable[[], object]] = [
        lambda: distant.create(NewRun(START)),
        lambda: distant.update(KEY, ADD, AT),
        lambda: distant.get(KEY),
        lambda: list(distant.find(EVERYTHING)),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable) as error:
            call()
        assert error.value.outcome is Outcome.NOT_APPLIED
    distant.close()


def test_a_full_server_refuses_and_writes_nothing(repository: RedisRunRepository) -> None:
    admin().config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable) as error:
            repository.create(NewRun(START))
    finally:
        admin().config_set("maxmemory", 0)
    assert error.value.outcome is Outcome.NOT_APPLIED
    assert list(repository.find(EVERYTHING)) == []


def test_a_busy_server_refuses_for_now(repository: RedisRunRepository) -> None:
    admin().config_set("busy-reply-threshold", 1)
    endless = Thread(target=_run_until_killed)
    endless.start()
    try:
        while not _is_busy():
            pass
        with pytest.raises(StoreUnavailable, match="BUSY") as error:
            repository.create(NewRun(START))
    finally:
        admin().script_kill()
        endless.join()
        admin().config_set("busy-reply-threshold", 5000)
    assert error.value.outcome is Outcome.NOT_APPLIED
    assert list(repository.find(EVERYTHING)) == []


def _run_until_killed() -> None:
    with redis.Redis.from_url(server_url()) as client, suppress(redis.ResponseError):
        client.eval("while true do end", 0)


def _is_busy() -> bool:
    try:
        admin().ping()
    except redis.ResponseError:
        return True
    return False


def test_a_start_that_cannot_take_its_place_in_the_order_leaves_nothing(repository: RedisRunRepository) -> None:
    admin().set("runledger:starts", "not a sorted set")
    with pytest.raises(StoreUnusable, match="nothing was written: WRONGTYPE"):
        repository.create(NewRun(START))
    assert admin().keys() == [b"runledger:starts"]


@pytest.mark.parametrize(
    ("name", "wanted", "value"),
    [
        ("appendonly", "yes", "no"),
        ("appendfsync", "always", "everysec"),
        ("maxmemory-policy", "noeviction", "allkeys-lru"),
    ],
)
def test_a_server_that_may_lose_records_is_refused(name: str, wanted: str, value: str) -> None:
    admin().config_set(name, value)
    try:
        with pytest.raises(StoreUnusable, match=f"set its {name} to {wanted}"):
            RedisRunRepository(server_url())
    finally:
        admin().config_set(name, wanted)


@pytest.mark.parametrize("ending", ["", "/one", "/0?decode_responses=True", ":port", "/0#x"])
def test_a_url_that_cannot_be_meant_is_refused_without_showing_it(ending: str) -> None:
    host = "" if not ending else ":secret@localhost"
    with pytest.raises(StoreUnusable) as error:
        RedisRunRepository(f"redis://{host}{ending}")
    assert "secret" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_wrong_password_is_no_missing_answer() -> None:
    url = server_url().replace("redis://", "redis://nobody:secret@")
    with pytest.raises(StoreUnusable) as error:
        RedisRunRepository(url)
    assert "secret" not in str(error.value)


def test_a_document_that_is_no_record_is_named(repository: RedisRunRepository) -> None:
    repository.create(NewRun(START))
    for document in ("", "{}", "[]", '{"status": "Paused"}', b"\xff"):
        admin().set(f"runledger:record:{KEY.run_id}\0{KEY.client_id}", document)
        with pytest.raises(UnusableForRun, match="is not a valid run record"):
            repository.get(KEY)
        with pytest.raises(UnusableForRun, match="is not a valid run record"):
            repository.update(KEY, RunChange(), AT)


def test_a_record_removed_by_hand_is_gone_and_can_be_started_again(repository: RedisRunRepository) -> None:
    repository.create(NewRun(START))
    admin().delete(f"runledger:record:{KEY.run_id}\0{KEY.client_id}")
    assert list(repository.find(EVERYTHING)) == []
    again = RunRecord.start(KEY, datetime(2025, 11, 25, tzinfo=UTC))
    repository.create(NewRun(again))
    assert list(repository.find(EVERYTHING)) == [again]
    with pytest.raises(RunAlreadyExists):
        repository.create(NewRun(START))
