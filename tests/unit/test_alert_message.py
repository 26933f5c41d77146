"""Which events become alerts, and how the messages read."""

from datetime import UTC, datetime, timedelta

import pytest

from runledger import EventKind, RunEvent, RunKey, RunNotFound, RunStatus
from runledger.adapters.observers.alert_message import Storm, is_alert

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("251124-081500", "acme")
FAILED = RunEvent(
    kind=EventKind.FINISHED, key=KEY, at=AT, status=RunStatus.FAILED, error="ConnectionError: no route\nat line 3"
)
MISSING = RunEvent(
    kind=EventKind.MISSING, key=KEY, at=AT, error=RunNotFound(KEY), call_site="/srv/post.py:12 in PostScorer.score"
)


def storm(*events: RunEvent) -> Storm:
    made = Storm.of(events[0])
    for event in events:
        made.add(event)
    return made


def of_client(name: str, seconds: int = 0) -> RunEvent:
    return RunEvent(
        kind=EventKind.FINISHED,
        key=RunKey("r", name),
        at=AT + timedelta(seconds=seconds),
        status=RunStatus.FAILED,
        error="no disk",
    )


def test_a_failed_run_reads_as_key_status_first_line_of_its_reason_and_time() -> None:
    message = storm(FAILED).message()
    assert message.title == "Run failed: run '251124-081500' of client 'acme'"
    assert message.body == (
        "Run: run '251124-081500' of client 'acme'\n"
        "Status: Failed\n"
        "Reason: ConnectionError: no route\n"
        "Time: 2025-11-24 08:15:00 UTC"
    )
    assert (message.severe, message.count) == (True, 1)


def test_an_update_of_a_missing_run_names_the_call_site() -> None:
    message = storm(MISSING).message()
    assert message.title == "Update of a missing run: run '251124-081500' of client 'acme'"
    assert message.body == (
        "Run: run '251124-081500' of client 'acme'\n"
        f"Reason: {RunNotFound(KEY)}\n"
        "Call site: /srv/post.py:12 in PostScorer.score\n"
        "Time: 2025-11-24 08:15:00 UTC"
    )


@pytest.mark.parametrize(
    ("kind", "title", "severe"),
    [
        (EventKind.START_FAILED, "Run could not be started: run '251124-081500' of client 'acme'", True),
        (EventKind.DUPLICATED, "Duplicate records of a run: run '251124-081500' of client 'acme'", False),
        (EventKind.QUIET, "Run went quiet: nothing for 2h", False),
        (EventKind.OVERDUE, "Client is overdue: nothing for 2h", False),
    ],
)
def test_each_kind_has_its_heading(kind: EventKind, title: str, severe: bool) -> None:
    message = storm(RunEvent(kind=kind, key=KEY, at=AT, detail="nothing for 2h")).message()
    assert (message.title, message.severe) == (title, severe)
    assert "Reason: nothing for 2h" in message.body


def test_without_a_key_the_heading_is_alone() -> None:
    event = RunEvent(kind=EventKind.START_FAILED, key=None, at=AT, error="the store is unavailable")
    assert storm(event).message().title == "Run could not be started"


def test_a_storm_is_one_message_with_the_count_the_first_event_and_some_of_the_others() -> None:
    message = storm(*(of_client(f"c{number % 4}", number) for number in range(1_200))).message()
    assert message.title == "Run failed (1,200 times): run 'r' of client 'c0'"
    assert message.body == (
        "1,200 times from 2025-11-24 08:15:00 UTC to 2025-11-24 08:34:59 UTC. The first:\n"
        "Run: run 'r' of client 'c0'\n"
        "Status: Failed\n"
        "Reason: no disk\n"
        "Time: 2025-11-24 08:15:00 UTC\n"
        "Then: run 'r' of client 'c1', run 'r' of client 'c2', run 'r' of client 'c3'"
    )
    assert message.count == 1_200


@pytest.mark.parametrize(
    ("clients", "ending"),
    [(1, "UTC"), (2, "Then: run 'r' of client 'c1'"), (5, "run 'r' of client 'c4'"), (6, "of client 'c4' and more")],
)
def test_of_a_storm_five_runs_are_named(clients: int, ending: str) -> None:
    events = [of_client(f"c{number}") for number in range(clients)]
    assert storm(*events, events[0]).message().body.endswith(ending)


def test_remarks_follow_at_the_end() -> None:
    assert storm(FAILED).message("7 events dropped.", "Sorry.").body.endswith("UTC\n7 events dropped.\nSorry.")


def test_nothing_that_came_from_data_steers_a_reader() -> None:
    event = RunEvent(
        kind=EventKind.FINISHED,
        key=RunKey("r\u202e1", "a\u200eb"),
        at=AT,
        status=RunStatus.FAILED,
        error="\n\r\x1b[2Jred\x07 \u202etxt\nsecond",
        call_site="/srv/a\x1b.py:1 in f",
    )
    message = storm(event, event).message()
    for text in (message.title, message.body):
        assert all(character == "\n" or character.isprintable() for character in text)
    assert "Reason: \\u001b[2Jred\\u0007 \\u202etxt\n" in message.body
    assert "second" not in message.body
    assert "Call site: /srv/a\\u001b.py:1 in f" in message.body


@pytest.mark.parametrize(("length", "shown"), [(500, "x" * 500), (501, "x" * 499 + "…")])
def test_a_long_reason_is_cut(length: int, shown: str) -> None:
    event = RunEvent(kind=EventKind.FINISHED, key=KEY, at=AT, status=RunStatus.FAILED, error="x" * length)
    assert f"Reason: {shown}\n" in storm(event).message().body


def test_an_empty_reason_is_left_out() -> None:
    event = RunEvent(kind=EventKind.START_FAILED, key=KEY, at=AT, error=ValueError())
    assert "Reason" not in storm(event).message().body


@pytest.mark.parametrize("status", list(RunStatus))
def test_of_finished_runs_those_that_failed_are_alerts(status: RunStatus) -> None:
    assert is_alert(RunEvent(kind=EventKind.FINISHED, key=KEY, at=AT, status=status)) is (status is RunStatus.FAILED)


def test_the_events_that_are_alerts() -> None:
    alerts = {kind for kind in EventKind if is_alert(RunEvent(kind=kind, key=KEY, at=AT))}
    assert alerts == {
        EventKind.START_FAILED,
        EventKind.MISSING,
        EventKind.DUPLICATED,
        EventKind.QUIET,
        EventKind.OVERDUE,
    }


def test_a_read_of_a_missing_run_is_no_alert() -> None:
    assert is_alert(RunEvent(kind=EventKind.MISSING, key=KEY, at=AT))
    assert not is_alert(RunEvent(kind=EventKind.MISSING, key=KEY, at=AT, reading=True))
