"""docs/alerts.md: its code runs, its URLs are accepted, and its commands write what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_servers import Webhook, a_webhook
from commands import environment
from documents import ROOT, blocks, typed

from runledger.adapters.observers import alert_message
from runledger.alerts import Alerts
from runledger.cli import alerts as of_commands

PAGE = "docs/alerts.md"
TEXT = (ROOT / PAGE).read_text()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as server:
        yield server


def test_the_code_sends_the_message_that_the_page_shows(webhook: Webhook, tmp_path: Path) -> None:
    code = "".join(text for _, text in blocks(PAGE, "python"))
    subprocess.run(
        [sys.executable, "-c", code], env=environment(RUNLEDGER_ALERT_URL=webhook.url), cwd=tmp_path, check=True
    )
    [post] = webhook.rest()
    [(_, shown)] = blocks(PAGE, "text")
    assert re.sub(r"[\d-]+ [\d:]+ UTC", "2025-11-24 08:15:00 UTC", f"{post['title']}\n\n{post['message']}\n") == shown


@pytest.mark.parametrize(
    "url", re.findall(r"^\| [^|`]+ \| `(\w+://\S+)` \|$", TEXT.replace("`title`, `message` and `type`", ""), re.M)
)
def test_the_urls_of_the_page_are_accepted(url: str) -> None:
    assert repr(Alerts(url)) == f"<Alerts to {url.partition('://')[0]}://…>"


def test_there_are_such_urls() -> None:
    urls = [each for each in TEXT.splitlines() if re.search(r"\| `\w+://", each)]
    assert len(urls) == 5


def test_the_commands_write_what_the_page_shows(tmp_path: Path) -> None:
    [(_, console)] = blocks(PAGE, "console")
    variables = environment(tmp_path / "runs.db")
    variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
    for command, shown in typed(console):
        done = subprocess.run(["sh", "-c", command], env=variables, capture_output=True, text=True, check=False)
        assert done.stdout + done.stderr == shown


def test_every_heading_and_command_is_named() -> None:
    for heading in alert_message._HEADINGS.values():
        assert heading in TEXT
    assert of_commands.VARIABLE in TEXT
