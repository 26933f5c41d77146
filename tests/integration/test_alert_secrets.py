"""What an alert's URL holds besides its scheme is shown nowhere: no log, error, repr, help or traceback."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_servers import PATIENCE, TOKEN, a_mailbox, a_webhook
from commands import all_output, environment, in_a_process
from ports import free_port

import runledger
from runledger import InvalidValue
from runledger.adapters.observers.alert_storms import Storms
from runledger.adapters.observers.alert_target import AlertTarget
from runledger.alerts import Alerts


@pytest.fixture
def everything_logged() -> Iterator[list[str]]:
    """All that any logger writes at any level, with tracebacks, as it grows."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    root, keep = logging.getLogger(), Keep()
    level = root.level
    root.addHandler(keep)
    root.setLevel(logging.NOTSET + 1)
    yield written
    root.removeHandler(keep)
    root.setLevel(level)


def send(url: str) -> Alerts:
    alerts = Alerts(url)
    runledger.connect("memory://", observers=[alerts]).start("r", "acme").fail("no disk")
    assert alerts.flush(PATIENCE)
    return alerts


def test_a_delivery_logs_no_secret(everything_logged: list[str]) -> None:
    with a_webhook() as webhook, a_mailbox() as mailbox:
        for url in (webhook.url, mailbox.url, mailbox.url.replace(TOKEN, f"{TOKEN}x")):
            send(url)
        webhook.status = 404
        send(webhook.url)
        assert webhook.paths == [f"/hooks/{TOKEN}?key={TOKEN}q"] * 2
    send(f"json://user:{TOKEN}@127.0.0.1:{free_port()}/{TOKEN}")
    assert [line for line in everything_logged if TOKEN in line] == []
    assert len([line for line in everything_logged if "could not be delivered" in line]) == 3


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", ["A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"]),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", ["TIiajkdnlazkcOXrIdevi7FQ"]),
        ("pagerduty://integration-7f3a@api-9b1c", ["integration-7f3a", "api-9b1c"]),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", ["JHMHI8qBe7bk2ZwO5U711o3dV_js"]),
        ("tgram://123456789:AAHq5K8v7c_x9d0e1f2g3h4i5j6k7l8m9n0/12315544", ["AAHq5K8v7c_x9d0e1f2g3h4i5j6k7l8m9n0"]),
        ("mailtos://jobs:p4ssw0rd@127.0.0.1:1?from=a@example.com&to=b@example.com", ["p4ssw0rd"]),
    ],
)
def test_a_service_that_cannot_be_reached_logs_no_secret(
    url: str, secrets: list[str], everything_logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")  # nothing leaves this machine
    send(url)
    assert [line for line in everything_logged if any(secret in line for secret in secrets)] == []
    [said] = [line for line in everything_logged if "could not be delivered" in line]
    assert said.startswith(f"alerts to {url.partition(':')[0]}://…: 1 event could not be delivered: ")


def test_the_loggers_of_the_libraries_write_as_before_in_other_threads(everything_logged: list[str]) -> None:
    with a_webhook() as webhook:
        send(webhook.url)
    for name in ("apprise", "urllib3.connectionpool"):
        logging.getLogger(name).debug("from the application, by %s", name)
    assert "from the application, by apprise" in everything_logged
    assert "from the application, by urllib3.connectionpool" in everything_logged


@pytest.mark.parametrize(
    "url",
    [
        f"slck://{TOKEN}/{TOKEN}",
        f"slack://{TOKEN}",
        f"https://user:{TOKEN}@hooks.example.com/{TOKEN}?key={TOKEN}",
        f"hooks.example.com/{TOKEN}",
        f"{TOKEN}://x",
        f"mailto:{TOKEN}",
        f"pagerduty://{TOKEN}",
        f"json://host:{TOKEN}/",
        f"mailto://{TOKEN}@:9999999/{TOKEN}?to={TOKEN}",
    ],
)
def test_a_wrong_url_is_not_shown(url: str, everything_logged: list[str]) -> None:
    with pytest.raises(InvalidValue) as refused:
        Alerts(url)
    assert TOKEN not in str(refused.value)
    assert TOKEN not in "".join(traceback.format_exception(refused.value))
    assert [line for line in everything_logged if TOKEN in line] == []


def test_a_traceback_that_shows_variables_shows_none_of_the_url_below_the_constructor() -> None:
    with pytest.raises(InvalidValue) as refused:
        Alerts(f"slack://{TOKEN}")
    frames = traceback.TracebackException.from_exception(refused.value, capture_locals=True).stack
    own = [frame for frame in frames if frame.name not in ("__init__", sys._getframe().f_code.co_name)]
    assert own
    assert TOKEN not in repr([frame.locals for frame in own])


def test_no_repr_shows_the_url() -> None:
    with a_webhook() as webhook:
        alerts = send(webhook.url)
    shown = [repr(alerts), str(alerts), repr(vars(alerts)), repr(vars(alerts._target))]
    assert shown[0] == "<Alerts to json://…>"
    assert [text for text in shown if TOKEN in text] == []
    ours = [each for each in gc.get_objects() if isinstance(each, (Alerts, AlertTarget, Storms)) and vars(each)]
    assert ours
    assert [text for text in map(repr, ours) if TOKEN in text] == []


@pytest.mark.parametrize("command", ["check", "exec", "start", "update"])
def test_the_help_shows_the_variable_and_not_its_value(command: str) -> None:
    shown = all_output(command, "--help", RUNLEDGER_ALERT_URL=f"slack://{TOKEN}")
    assert TOKEN not in shown
    assert ("RUNLEDGER_ALERT_URL" in shown) is (command in ("check", "exec"))


@pytest.mark.parametrize("url", [f"slack://{TOKEN}", TOKEN, f"slck://{TOKEN}/x", f"json://127.0.0.1:1/{TOKEN}"])
def test_the_command_line_shows_no_secret(url: str, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    outputs = [
        in_a_process("exec", "--client", "acme", "--", "false", store=store, code=1, RUNLEDGER_ALERT_URL=url),
        in_a_process("update", "r", "acme", store=store, code=3, RUNLEDGER_ALERT_URL=url),
        in_a_process("check", "--client", "x", store=store, code=3 - url.startswith("json"), RUNLEDGER_ALERT_URL=url),
        in_a_process("check", "--client", "x", "--alert", url, store=store, code=3 - url.startswith("json")),
        in_a_process("doctor", store=store, RUNLEDGER_ALERT_URL=url),
    ]
    assert [done for done in outputs if TOKEN in done.stdout + done.stderr] == []
    assert [done for done in outputs[:4] if "://…" not in done.stdout + done.stderr] == []


def test_the_warnings_that_python_prints_show_no_secret(tmp_path: Path) -> None:
    with a_webhook() as webhook:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-m", "runledger", "exec", "--client", "acme", "--", "false"],
            env=environment(tmp_path / "runs.db", RUNLEDGER_ALERT_URL=webhook.url),
            capture_output=True,
            text=True,
            check=False,
        )
        assert webhook.next()["title"].startswith("Run failed")
    assert TOKEN not in done.stdout + done.stderr


def test_a_message_has_no_part_of_the_url() -> None:
    with a_webhook() as webhook:
        send(webhook.url)
        assert TOKEN not in str(webhook.next())
