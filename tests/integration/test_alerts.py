"""Alerts arrive at real servers, one for a storm, and are never in the way of the run."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path

import freezegun
import pytest
from alert_servers import PATIENCE, TOKEN, Mailbox, Webhook, a_mailbox, a_webhook
from commands import environment
from ports import free_port

import runledger
from runledger import InvalidValue, RunEvent, RunLedger, RunNotFound
from runledger.alerts import Alerts


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as server:
        yield server


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with a_mailbox() as server:
        yield server


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What the logger runledger has warned of, as it grows."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    keep = Keep()
    logging.getLogger("runledger").addHandler(keep)
    yield said
    logging.getLogger("runledger").removeHandler(keep)


def ledger_with(*alerts: Alerts) -> RunLedger:
    return runledger.connect("memory://", observers=alerts)


def test_a_failed_run_arrives_at_a_webhook(webhook: Webhook) -> None:
    ledger = ledger_with(Alerts(webhook.url, window=0))
    ledger.start("r", "acme").fail("no disk\nTraceback …")
    post = webhook.next()
    assert post["title"] == "Run failed: run 'r' of client 'acme'"
    assert post["message"].startswith("Run: run 'r' of client 'acme'\nStatus: Failed\nReason: no disk\nTime: 20")
    assert post["type"] == "failure"


def test_an_update_of_a_missing_run_arrives_with_its_call_site_and_a_read_does_not(webhook: Webhook) -> None:
    alerts = Alerts(webhook.url)
    ledger = ledger_with(alerts)
    with pytest.raises(RunNotFound):
        ledger.get("r", "acme")
    with pytest.raises(RunNotFound):
        ledger.updates.update("r", "acme", note="n")
    assert alerts.flush(PATIENCE)
    [post] = webhook.rest()
    assert post["title"] == "Update of a missing run: run 'r' of client 'acme'"
    assert f"Call site: {__file__}:" in post["message"]


def test_a_failed_run_arrives_as_plain_mail(mailbox: Mailbox) -> None:
    alerts = Alerts(mailbox.url)
    ledger_with(alerts).start("r", "acme").fail("a < b & <script>\nmore")
    assert alerts.flush(PATIENCE)
    mail = mailbox.next()
    assert mail["Subject"] == "Run failed: run 'r' of client 'acme'"
    assert "team@example.com" in mail["To"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Status: Failed\nReason: a < b & <script>\n" in body.get_content().replace("\r\n", "\n")
    assert mail.get_body(("html",)) is None
    assert mailbox.logins == [(b"jobs", TOKEN.encode())]


def test_a_storm_is_one_message_with_the_count(webhook: Webhook) -> None:
    alerts = Alerts(webhook.url)
    ledger = ledger_with(alerts)
    for number in range(1_000):
        ledger.start("r", str(number)).fail("no disk")
    assert alerts.flush(PATIENCE)
    [post] = webhook.rest()
    assert post["title"] == "Run failed (1,000 times): run 'r' of client '0'"
    assert "Then: run 'r' of client '1', " in post["message"]


def test_events_of_many_threads_are_all_counted(webhook: Webhook) -> None:
    alerts = Alerts(webhook.url)
    ledger = ledger_with(alerts)

    def fail(thread: int) -> None:
        for number in range(100):
            ledger.start("r", f"{thread}-{number}").fail("no disk")

    threads = [threading.Thread(target=fail, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert alerts.flush(PATIENCE)
    [post] = webhook.rest()
    assert post["title"].startswith("Run failed (800 times)")


def test_what_exceeds_the_limit_is_dropped_counted_and_reported(webhook: Webhook, warnings: list[str]) -> None:
    alerts = Alerts(webhook.url, limit=2)
    ledger = ledger_with(alerts)
    for number in range(5):
        place = compile(f"update('r', 'c{number}')", f"job{number}.py", "eval")
        with pytest.raises(RunNotFound):
            eval(place, {"__name__": "jobs", "update": ledger.updates.update})  # noqa: S307
    assert alerts.flush(PATIENCE)
    first, second = webhook.rest()
    assert first["message"].endswith("3 events dropped: more than 2 kinds and call sites were waiting.")
    assert "dropped" not in second["message"]
    assert warnings == ["alerts to json://…: 3 events dropped: more than 2 kinds and call sites were waiting"]


def test_a_service_that_answers_nothing_delays_no_call_and_what_happens_meanwhile_is_one_message(
    webhook: Webhook,
) -> None:
    webhook.released.clear()
    alerts = Alerts(webhook.url, window=0)
    ledger = ledger_with(alerts)
    ledger.start("r", "first").fail("no disk")
    assert webhook.reached.wait(PATIENCE)
    for number in range(100):  # while the first message is on its way, none of these waits for it
        ledger.start("r", str(number)).fail("no disk")
    assert webhook.posts.empty()
    assert alerts.flush(0) is False
    webhook.released.set()
    assert webhook.next()["title"] == "Run failed: run 'r' of client 'first'"
    assert alerts.flush(PATIENCE)
    [post] = webhook.rest()
    assert post["title"] == "Run failed (100 times): run 'r' of client '0'"


def test_what_a_service_refused_is_reported_and_counted_in_the_next_message(
    webhook: Webhook, warnings: list[str]
) -> None:
    webhook.status = 500
    alerts = Alerts(webhook.url)
    ledger = ledger_with(alerts)
    for number in range(3):
        ledger.start("r", str(number)).fail("no disk")
    assert alerts.flush(PATIENCE)
    assert warnings == [
        "alerts to json://…: 3 events could not be delivered: the service cannot be reached, or refused the message"
    ]
    webhook.status = 200
    for name in "xy":
        ledger.start("r", name).fail("no disk")
        assert alerts.flush(PATIENCE)
    first, second = webhook.rest()
    assert first["message"].endswith("3 events before this could not be delivered.")
    assert "could not be delivered" not in second["message"]
    assert len(warnings) == 1


def test_a_refused_connection_raises_nothing_and_is_reported(warnings: list[str]) -> None:
    alerts = Alerts(f"json://127.0.0.1:{free_port()}/{TOKEN}")
    ledger_with(alerts).start("r", "acme").fail("no disk")
    assert alerts.flush(PATIENCE)
    assert warnings == [
        "alerts to json://…: 1 event could not be delivered: the service cannot be reached, or refused the message"
    ]


def test_a_wrong_password_of_a_mail_server_is_reported(mailbox: Mailbox, warnings: list[str]) -> None:
    alerts = Alerts(mailbox.url.replace(TOKEN, "wrong"))
    ledger_with(alerts).start("r", "acme").fail("no disk")
    assert alerts.flush(PATIENCE)
    assert mailbox.mails.empty()
    assert [text.partition(":…")[0] for text in warnings] == [
        "alerts to mailto://…: 1 event could not be delivered: the service cannot be reached, or refused the message"
    ]


def test_two_services_do_not_wait_for_each_other(webhook: Webhook, mailbox: Mailbox) -> None:
    webhook.released.clear()
    slow, quick = Alerts(webhook.url, window=0), Alerts(mailbox.url, window=0)
    ledger_with(slow, quick).start("r", "acme").fail("no disk")
    assert mailbox.next()["Subject"].startswith("Run failed")
    assert webhook.posts.empty()
    webhook.released.set()
    webhook.next()


def test_alerts_are_due_while_a_test_has_frozen_the_clock(webhook: Webhook) -> None:
    alerts = Alerts(webhook.url, window=0.05)
    with freezegun.freeze_time("2025-11-24 08:15"):
        ledger_with(alerts).start("r", "acme").fail("no disk")
        assert webhook.next()["message"].endswith("Time: 2025-11-24 08:15:00 UTC")


def test_a_signal_handler_may_come_at_any_instant_of_an_alert(webhook: Webhook) -> None:
    events: list[RunEvent] = []
    runledger.connect("memory://", observers=[events.append]).start("r", "acme").fail("no disk")
    alerts = Alerts(webhook.url)
    within = calls = 0

    def handle(*_: object) -> None:
        nonlocal within
        within += 1
        alerts(events[-1])

    before = signal.signal(signal.SIGVTALRM, handle)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
    try:
        while within < 50:
            alerts(events[-1])
            calls += 1
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert alerts.flush(PATIENCE)
    assert webhook.next()["title"] == f"Run failed ({calls + within:,} times): run 'r' of client 'acme'"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_after_a_fork_parent_and_child_send_what_happened_in_them(webhook: Webhook) -> None:
    alerts = Alerts(webhook.url, window=3600)
    ledger = ledger_with(alerts)
    ledger.start("r", "parent").fail("no disk")
    pid = os.fork()
    if pid == 0:
        ledger.start("r", "child").fail("no disk")
        os._exit(not alerts.flush(PATIENCE))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert [post["title"] for post in webhook.rest()] == ["Run failed: run 'r' of client 'child'"]
    assert alerts.flush(PATIENCE)
    assert [post["title"] for post in webhook.rest()] == ["Run failed: run 'r' of client 'parent'"]


def fail_in_a_process(url: str) -> None:
    ledger_with(Alerts(url, window=3600, exit_wait=PATIENCE)).start("r", "process").fail("no disk")


@pytest.mark.parametrize("method", [get_context("fork"), get_context("spawn")])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_process_of_multiprocessing_sends_at_its_end(webhook: Webhook, method: ForkContext | SpawnContext) -> None:
    process = method.Process(target=fail_in_a_process, args=(webhook.url,))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0
    assert [post["title"] for post in webhook.rest()] == ["Run failed: run 'r' of client 'process'"]


SCRIPT = """
import os, signal, sys
import runledger
from runledger.alerts import Alerts

url, lazy, wait, ending = sys.argv[1:]
alerts = Alerts(url, window=3600, lazy=lazy == "lazy", exit_wait=float(wait))
ledger = runledger.connect("memory://", observers=[alerts])
if ending == "SIGTERM":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
for number in range(3):
    ledger.start("r", str(number)).fail("no disk")
if ending == "SIGTERM":
    os.kill(os.getpid(), signal.SIGTERM)
if ending == "exception":
    raise SystemExit("the end")
"""


def run_script(url: str, lazy: str, wait: float, ending: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, url, lazy, str(wait), ending],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("lazy", ["lazy", "eager"])
@pytest.mark.parametrize(("ending", "code"), [("end", 0), ("SIGTERM", 143), ("exception", 1)])
def test_at_the_end_of_a_process_what_waits_is_sent(webhook: Webhook, lazy: str, ending: str, code: int) -> None:
    done = run_script(webhook.url, lazy, PATIENCE, ending)
    assert done.returncode == code, done.stderr
    assert [post["title"] for post in webhook.rest()] == ["Run failed (3 times): run 'r' of client '0'"]


def test_at_the_end_of_a_process_a_service_that_answers_nothing_is_waited_for_within_the_bound(
    webhook: Webhook,
) -> None:
    webhook.released.clear()
    done = run_script(webhook.url, "eager", 0.2, "end")
    assert done.returncode == 0
    assert done.stderr == ("alerts to json://…: 3 events may not have been sent: the service took longer than 0.2 s\n")
    assert webhook.posts.empty()


LAZY = """
import sys, runledger
from runledger.alerts import Alerts

alerts = Alerts(sys.argv[1], window=3600, lazy=True, exit_wait=0)
runledger.connect("memory://", observers=[alerts]).start("r", "acme").fail("no disk")
alerts.close()
print(alerts._target._service is not None)
"""


def test_apprise_is_loaded_before_the_time_for_the_service_begins(webhook: Webhook) -> None:
    """A busy machine takes seconds for it, after which a message would be lost that the service never got."""
    webhook.released.clear()
    done = subprocess.run(
        [sys.executable, "-c", LAZY, webhook.url], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


LOADED_NEVER = """
import sys, runledger
from runledger.adapters.observers import alerts as module

module._LOADING_SECONDS = 0.2
alerts = module.Alerts("json://localhost/", window=3600, lazy=True, exit_wait=0.1)
runledger.connect("memory://", observers=[alerts]).start("r", "acme").fail("no disk")
"""


def test_a_process_ends_although_apprise_cannot_be_loaded_to_its_end(tmp_path: Path) -> None:
    """From a mounted folder whose server is away, for example."""
    (tmp_path / "apprise.py").write_text("import threading\nthreading.Event().wait()\n")
    variables = environment(PYTHONPATH=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", LOADED_NEVER], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stderr == "alerts to json://…: 1 event may not have been sent: loading Apprise took longer than 0.3 s\n"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("slck://T/B/X", "the alert URL slck://… cannot be used: Apprise knows no service with this scheme"),
        ("slack://x", "the alert URL slack://… cannot be used: the rest of it is not of the form that this service"),
        ("https://example.com/x", "the alert URL https://… cannot be used: for a webhook .*, write jsons:// instead"),
        ("http://example.com/x", "the alert URL http://… cannot be used: for a webhook .*, write json:// instead"),
        ("hooks.example.com/x", "the alert URL is not of the form scheme://…: write it like mailto://"),
        ("://x", "the alert URL is not of the form scheme://…"),
        ("mailto://", "the alert URL is not of the form scheme://…"),
        ("", "the alert URL is not of the form scheme://…"),
        (None, "the alert URL is not of the form scheme://…"),
    ],
)
def test_a_wrong_url_is_one_clear_sentence(url: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=message) as refused:
        Alerts(url)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", [{"window": -1}, {"window": float("inf")}, {"exit_wait": "5"}, {"limit": 0}, {"limit": 2.5}]
)
def test_a_wrong_argument_is_named(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidValue, match=next(iter(wrong))):
        Alerts("json://127.0.0.1", **wrong)  # type: ignore[arg-type]


def test_without_the_extra_the_message_names_it(tmp_path: Path) -> None:
    (tmp_path / "apprise.py").write_text("raise ModuleNotFoundError(\"No module named 'apprise'\", name='apprise')")
    script = "from runledger.alerts import Alerts\ntry: Alerts('json://x')\nexcept ValueError as error: print(error)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "alerts need the package 'apprise': pip install 'run-records[alerts]'.\n"


def test_without_an_alert_nothing_is_loaded_and_no_thread_is_started() -> None:
    script = (
        "import sys, threading, runledger\n"
        "from runledger.alerts import Alerts\n"
        "ledger = runledger.connect('memory://', observers=[Alerts('json://x', lazy=True)])\n"
        "ledger.start('r', 'acme').complete()\n"
        "print(threading.active_count(), 'apprise' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
