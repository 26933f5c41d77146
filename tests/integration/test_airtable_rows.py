"""What the Airtable adapter reads out of rows and answers that it did not write itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from airtable_base import METRIC_COLUMNS, served
from requests import ConnectionError as Unconnected
from requests import Response
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from airtable_local import Fault, FaultKind
from runledger import (
    InvalidValue,
    LogLine,
    Outcome,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    StoreUnavailable,
)
from runledger.adapters.airtable import Columns
from runledger.adapters.airtable.stored_rows import stored_row
from runledger.adapters.airtable.transport import ServerClock, sent
from runledger.domain import NewRun

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("r", "acme")
CREATED = "2025-11-24T08:00:00.000Z"
CELLS = {"Run ID": "r", "Client ID": "acme", "Status": "Running", "Start Time": "2025-11-24T08:15:00.000Z"}
STAMP = "2025-11-24T08:{}:00.000Z {}"


def read(columns: Columns = Columns(), /, **cells: Any) -> tuple[RunRecord, tuple[LogLine, ...]]:
    row = columns.row("rec1", CREATED, {**CELLS, **{name.replace("_", " "): value for name, value in cells.items()}})
    return row.record, columns.lines(row)


def minute(count: int) -> datetime:
    return AT.replace(minute=count)


@pytest.mark.parametrize(
    ("log", "lines"),
    [
        ("", []),
        (f"{STAMP.format(20, 'one')}\nby hand", [LogLine(minute(20), "one"), LogLine(minute(20), "by hand")]),
        (f"by hand\n{STAMP.format(20, 'one')}", [LogLine(AT, "by hand"), LogLine(minute(20), "one")]),
        (
            f"{STAMP.format(20, 'one')}\n{STAMP.format(99, 'no such minute')}",
            [LogLine(minute(20), "one"), LogLine(minute(20), STAMP.format(99, "no such minute"))],
        ),
        (
            f"{STAMP.format(20, 'one')}\r\nby hand\r\n\r\n{STAMP.format(21, 'two')}\r\n",
            [LogLine(minute(20), "one"), LogLine(minute(20), "by hand"), LogLine(minute(21), "two")],
        ),
    ],
)
def test_lines_of_a_log_that_a_person_wrote_have_the_time_of_the_line_before(log: str, lines: list[LogLine]) -> None:
    record, read_lines = read(Progress_Log=log)
    assert list(read_lines) == lines
    assert record.notes == len(lines)


@pytest.mark.parametrize(
    ("cells", "updated_at"),
    [
        ({}, AT),
        ({"Progress_Log": STAMP.format(20, "one")}, minute(20)),
        ({"End_Time": "2025-11-24T08:30:00.000Z", "Status": "Completed"}, minute(30)),
        (
            {
                "End_Time": "2025-11-24T08:30:00.000Z",
                "Status": "Completed",
                "Progress_Log": f"{STAMP.format(40, 'late')}\n{STAMP.format(35, 'out of order')}",
            },
            minute(40),
        ),
        ({"Updated_At": "2025-11-24T08:16:00.000Z", "Progress_Log": STAMP.format(20, "one")}, minute(16)),
    ],
)
def test_a_row_without_an_update_time_was_updated_when_the_last_sign_of_life_came(
    cells: dict[str, Any], updated_at: datetime
) -> None:
    assert read(**cells)[0].updated_at == updated_at


def test_a_log_may_fill_its_cell_to_the_last_character() -> None:
    columns = Columns()
    rest = 100_000 - len(STAMP.format(20, "") + "\n" + STAMP.format(20, ""))
    row = columns.row("rec1", CREATED, {**CELLS, "Progress Log": STAMP.format(20, "x" * (rest - 1))})
    line = LogLine(minute(20), "y")
    cells = columns.of_change(row, row.record.apply(RunChange(note="y"), AT), [line])
    assert len(cells["Progress Log"]) == 100_000
    with pytest.raises(InvalidValue, match="100,001 characters"):
        columns.of_change(row, row.record.apply(RunChange(note="yy"), AT), [LogLine(minute(20), "yy")])


@pytest.mark.parametrize("number", [10**400, -(10**400), float("inf")], ids=["long", "long and negative", "infinite"])
def test_a_number_that_no_double_holds_makes_the_row_unreadable(number: int) -> None:
    with pytest.raises(InvalidValue, match="column 'n' holds"):
        read(n=number)


@pytest.mark.parametrize("column", ["Start Time", "End Time", "Updated At"])
@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", ["2025-11-24T08:15:00.000Z"], {"a": 1}, 5]
)
def test_a_cell_without_a_time_makes_the_row_unreadable_and_an_audit_goes_on(column: str, value: object) -> None:
    """Such as a time that no clock in UTC shows, and what a computed column holds."""
    cells = {**CELLS, column: value}
    with pytest.raises(InvalidValue, match=f"column '{column}' holds .*, which is not a date and time"):
        Columns().row("rec1", CREATED, cells)
    row = stored_row(Columns(), {"id": "rec1", "createdTime": CREATED, "fields": cells})
    assert row.fault.endswith("which is not a date and time.")
    if column == "Start Time":
        assert (row.started_at, row.start) == (None, str(value))


def test_text_that_only_looks_like_a_time_is_text() -> None:
    assert read(when="2025-11-24T08:99:00.000Z")[0].metrics == {"when": "2025-11-24T08:99:00.000Z"}
    assert read(when="2025-11-24T08:15:00.000Z")[0].metrics == {"when": AT}


class TestListing:
    def test_without_a_column_for_the_start_the_newest_record_comes_first(self) -> None:
        with served(*METRIC_COLUMNS) as base:
            repository = base.repository(Columns(started_at=None))
            keys = []
            for run_id in "bca":
                keys.append(repository.create(NewRun(RunRecord.start(RunKey(run_id, "acme"), AT))))
                base.clock.sleep(5)
            found = list(repository.find(RunQuery()))
        assert [record.key for record in found] == keys[::-1]
        assert len({record.started_at for record in found}) == 3

    @pytest.mark.parametrize(
        "query",
        [
            RunQuery(since=datetime(1, 1, 1, tzinfo=UTC)),
            RunQuery(until=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
            RunQuery(since=datetime(1, 1, 1, tzinfo=UTC), until=datetime(9999, 12, 31, tzinfo=UTC)),
        ],
        ids=["since year 1", "until year 9999", "both"],
    )
    def test_a_window_may_reach_to_the_ends_of_time(self, query: RunQuery) -> None:
        with served(*METRIC_COLUMNS) as base:
            repository = base.repository()
            repository.create(NewRun(RunRecord.start(KEY, AT)))
            assert [record.key for record in repository.find(query)] == [KEY]


class TestAnswers:
    @pytest.mark.parametrize(
        ("method", "act", "outcome"),
        [
            ("PATCH", lambda repository, key: repository.update(key, RunChange(metrics={"n": 1}), AT), Outcome.UNKNOWN),
            ("GET", lambda repository, key: repository.get(key), Outcome.NOT_APPLIED),
        ],
        ids=["a write", "a read"],
    )
    def test_a_server_that_gave_up_waiting_may_have_written(
        self, method: str, act: Callable[[Any, RunKey], object], outcome: Outcome
    ) -> None:
        with served(*METRIC_COLUMNS) as base:
            repository = base.repository()
            key = repository.create(NewRun(RunRecord.start(KEY, AT)))
            base.server.faults.arm(Fault(FaultKind.STATUS, method=method, status=408))
            with pytest.raises(StoreUnavailable, match="answered 408") as refusal:
                act(repository, key)
        assert (refusal.value.outcome, refusal.value.key) == (outcome, KEY)

    @pytest.mark.parametrize("kind", [NameResolutionError, NewConnectionError])
    def test_a_server_that_was_never_reached_has_written_nothing(self, kind: type[NewConnectionError]) -> None:
        pool = HTTPConnectionPool("api.example.org")
        reason = kind("api.example.org", pool, OSError(-2)) if kind is NameResolutionError else kind(pool, "refused")  # type: ignore[arg-type]

        def send() -> None:
            raise Unconnected(MaxRetryError(pool, "/v0", reason))

        with pytest.raises(StoreUnavailable, match="no connection to the server") as refusal:
            sent(send, writes=True)
        assert refusal.value.outcome is Outcome.NOT_APPLIED
        with pytest.raises(StoreUnavailable, match="did not arrive whole") as refusal:
            sent(lambda: (_ for _ in ()).throw(requests.ReadTimeout()), writes=True)
        assert refusal.value.outcome is Outcome.UNKNOWN


def test_the_servers_time_is_that_of_the_last_answer_to_this_thread() -> None:
    clock = ServerClock()

    def answer(date: str) -> None:
        response = Response()
        response.headers["Date"] = date
        clock.read(response)

    answer("Mon, 24 Nov 2025 08:15:00 GMT")
    other = threading.Thread(target=answer, args=("Mon, 24 Nov 2025 08:15:09 GMT",))
    other.start()
    other.join()
    assert (clock.now(), clock.last()) == (AT, AT + timedelta(seconds=9))
