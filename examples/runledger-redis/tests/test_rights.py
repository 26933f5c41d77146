"""The commands that the README names are enough for a user of the server, and needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from redis_server import admin, server_url
from runledger import RunLedger, StoreUnusable
from runledger.domain import FinishedRuns
from runledger_redis import RedisRunRemoval, RedisRunRepository

README = (Path(__file__).parents[1] / "README.md").read_text()
[ROW] = re.findall(r"\| commands that the user needs \| (.*) on these keys; ZREM .*; CONFIG GET;", README)
COMMANDS = re.findall(r"[A-Z]+", ROW)
KEYS = re.findall(r"^\| (`runledger:.*?) \|", README, re.MULTILINE)


@contextmanager
def user_of(commands: Sequence[str]) -> Iterator[str]:
    """The URL of the server for a user with these commands on the keys that the README names."""
    patterns = [f"~{name.replace('…', '*')}" for row in KEYS for name in re.findall("`(.*?)`", row)]
    allowed = [f"+{name.lower()}" for name in (*commands, "CONFIG|GET")]
    admin().flushdb()
    _acl("SETUSER", "job", "reset", "on", ">secret", *patterns, *allowed)
    try:
        yield server_url().replace("//", "//job:secret@")
    finally:
        _acl("DELUSER", "job")


def _acl(*words: str) -> None:
    admin().execute_command("ACL", *words)  # type: ignore[no-untyped-call]


def everything(url: str) -> None:
    with RunLedger(RedisRunRepository(url), observers=(), owns_repository=True) as ledger:
        run = ledger.start("r", "acme")
        run.update(metrics={"n": 1}, note="half way")
        run.complete(note="the end")
        ledger.start_many("s", ["a", "b"])
        assert [line.text for line in ledger.log("r", "acme")] == ["half way", "the end"]
        assert ledger.summary().runs == 3


def remove(url: str) -> list[int]:
    with closing(RedisRunRemoval(url)) as removal:
        return list(removal.remove_runs(FinishedRuns(before=datetime.now(UTC) + timedelta(days=1))))


def test_the_commands_are_enough() -> None:
    with user_of(COMMANDS) as url:
        everything(url)
        with pytest.raises(StoreUnusable, match="zrem"):
            remove(url)
    with user_of([*COMMANDS, "ZREM"]) as url:
        everything(url)
        assert remove(url) == [1]


def everything_and_remove(url: str) -> None:
    everything(url)
    remove(url)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_needed(command: str) -> None:
    others = [each for each in COMMANDS if each != command]
    with user_of([*others, "ZREM"]) as url, pytest.raises(StoreUnusable, match=f"(?i){command}"):
        everything_and_remove(url)
