"""Alerts from the command line: by RUNLEDGER_ALERT_URL for commands that write, and by --alert for check."""

from __future__ import annotations

import platform
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_servers import TOKEN, Webhook, a_mailbox, a_webhook
from commands import RUNLEDGER, environment, in_a_process, runledger
from ports import free_port

import runledger as package


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Path:
    package.connect(tmp_path / "runs.db").close()
    return tmp_path / "runs.db"


def test_a_command_that_fails_is_an_alert_and_exec_exits_with_its_code(webhook: Webhook, store: Path) -> None:
    command = ["sh", "-c", "echo no disk >&2; exit 3"]
    in_a_process(
        "exec",
        "--run-id",
        "r",
        "--client",
        "acme",
        "--",
        *command,
        store=store,
        code=3,
        RUNLEDGER_ALERT_URL=webhook.url,
    )
    [post] = webhook.rest()
    assert post["title"] == "Run failed: run 'r' of client 'acme'"
    assert "Status: Failed\nReason: exit code 3: no disk\n" in post["message"]
    assert f"Call site: runledger exec on {platform.node()}\n" in post["message"]


def test_a_command_that_succeeds_is_none(webhook: Webhook, store: Path) -> None:
    in_a_process("exec", "--client", "acme", "--", "true", store=store, RUNLEDGER_ALERT_URL=webhook.url)
    assert webhook.rest() == []


@pytest.mark.parametrize(
    "command", [["start", "r", "acme"], ["exec", "--run-id", "r", "--client", "acme", "--", "true"]]
)
def test_a_store_that_cannot_be_opened_is_an_alert_of_a_failed_start(
    webhook: Webhook, tmp_path: Path, command: list[str]
) -> None:
    in_a_process(*command, store=tmp_path / "missing" / "runs.db", code=7, RUNLEDGER_ALERT_URL=webhook.url)
    [post] = webhook.rest()
    assert post["title"] == "Run could not be started: run 'r' of client 'acme'"
    assert "Reason: there is no folder " in post["message"]


def test_a_start_that_the_ledger_refused_is_reported_once_or_not_at_all(webhook: Webhook, store: Path) -> None:
    in_a_process("start", "r", "acme", store=store, RUNLEDGER_ALERT_URL=webhook.url)
    in_a_process("start", "r", "acme", store=store, code=4, RUNLEDGER_ALERT_URL=webhook.url)
    assert webhook.rest() == []
    in_a_process("start", "r\n", "acme", store=store, code=2, RUNLEDGER_ALERT_URL=webhook.url)
    [post] = webhook.rest()
    assert post["title"] == "Run could not be started"


def test_an_update_of_a_missing_run_is_an_alert_and_a_look_at_one_is_none(webhook: Webhook, store: Path) -> None:
    in_a_process("show", "r", "acme", store=store, code=3, RUNLEDGER_ALERT_URL=webhook.url)
    in_a_process("update", "r", "acme", store=store, code=3, RUNLEDGER_ALERT_URL=webhook.url)
    in_a_process("complete", "r", "acme", store=store, code=3, RUNLEDGER_ALERT_URL=webhook.url)
    first, second = webhook.rest()
    assert first["title"] == second["title"] == "Update of a missing run: run 'r' of client 'acme'"
    assert "Call site: runledger update on " in first["message"]
    assert "Call site: runledger complete on " in second["message"]


def test_check_sends_quiet_runs_and_overdue_clients_each_time(webhook: Webhook, store: Path) -> None:
    with package.connect(store) as ledger:
        for client in ("acme", "bolt"):
            ledger.start("r", client)
    expected = ["check", "--client", "acme", "--client", "bolt", "--client", "backup", "--quiet-after", "0s"]
    for _ in range(2):
        in_a_process(*expected, "--alert", webhook.url, store=store, code=2)
        quiet, overdue = sorted(webhook.rest(), key=lambda post: str(post["type"] + post["title"]), reverse=True)
        assert quiet["title"].startswith("Run went quiet (2 times): run 'r' of client 'acme' is quiet: no sign of life")
        assert "Then: run 'r' of client 'bolt' is quiet" in quiet["message"]
        assert overdue["title"] == "Client is overdue: client 'backup' never ran"
        assert {quiet["type"], overdue["type"]} == {"warning"}


def test_check_sends_to_each_url_of_its_options_or_else_of_the_environment(webhook: Webhook, store: Path) -> None:
    expected = ["check", "--client", "backup"]
    with a_mailbox() as mailbox:
        both = f"{webhook.url} {mailbox.url}"
        in_a_process(*expected, store=store, code=2, RUNLEDGER_ALERT_URL=both)
        assert mailbox.next()["Subject"] == webhook.next()["title"] == "Client is overdue: client 'backup' never ran"
        in_a_process(*expected, "--alert", mailbox.url, store=store, code=2, RUNLEDGER_ALERT_URL=webhook.url)
        mailbox.next()
        assert webhook.rest() == []


def test_check_sends_nothing_if_all_is_well(webhook: Webhook, store: Path) -> None:
    with package.connect(store) as ledger:
        ledger.start("r", "acme").complete()
    in_a_process("check", "--alert", webhook.url, store=store)
    assert webhook.rest() == []


def test_check_with_a_url_that_cannot_be_used_cannot_tell(store: Path) -> None:
    done = runledger("check", "--alert", f"slck://{TOKEN}/x", store=store, code=3)
    assert done.stdout == (
        "RUNLEDGER UNKNOWN - the alert URL slck://… cannot be used: Apprise knows no service with this scheme, "
        "so correct it.\n"
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("slack", "runledger: RUNLEDGER_ALERT_URL: the alert URL is not of the form scheme://…: "),
        ("slck://x", "alerts to slck://…: 1 event could not be delivered: the alert URL slck://… cannot be used: "),
    ],
)
def test_a_url_that_cannot_be_used_stops_no_command(url: str, message: str, store: Path) -> None:
    done = in_a_process("exec", "--client", "acme", "--", "false", store=store, code=1, RUNLEDGER_ALERT_URL=url)
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert "Failed" in runledger("list", store=store).stdout


def test_a_service_that_cannot_be_reached_changes_no_exit_code(store: Path) -> None:
    url = f"json://127.0.0.1:{free_port()}"
    done = in_a_process("check", "--client", "backup", "--alert", url, store=store, code=2)
    assert done.stdout.startswith("RUNLEDGER CRITICAL - client 'backup' never ran")
    assert done.stderr == (
        "alerts to json://…: 1 event could not be delivered: the service cannot be reached, or refused the message\n"
    )


def test_exec_that_sigterm_ends_while_an_alert_is_on_its_way_has_finished_its_record(
    webhook: Webhook, store: Path
) -> None:
    webhook.released.clear()
    process = subprocess.Popen(
        [*RUNLEDGER, "exec", "--run-id", "r", "--client", "acme", "--", "false"],
        env=environment(store, RUNLEDGER_ALERT_URL=webhook.url),
    )
    with process:
        assert webhook.reached.wait(60)
        with package.connect(store) as ledger:
            assert ledger.get("r", "acme").status is package.RunStatus.FAILED
        process.send_signal(signal.SIGTERM)
    assert process.returncode in (-signal.SIGTERM, 1)
