"""Files from Python: `runledger.histories`. Its messages name fields and columns, and no option of the command line."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from runledger import InvalidValue, LogLine, NewRun, RunChange, RunKey, RunLedgerError, RunRecord, RunStatus
from runledger.histories import (
    BadRow,
    Gap,
    MissingColumns,
    UnknownFormat,
    UnreadableFile,
    UnusableColumns,
    read_history,
    write_history,
)
from runledger.testing.runs import changed

START = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
JOBS = """Job ID,Site,Result,Start Time,Tokens
1,10,OK,2025-11-24T09:15:00,5
2,10,weird,2025-11-24T09:15:00,5
3,10,,2025-11-24T09:15:00,5
4,10,Running,soon,5
"""
COLUMNS = {"run_id": "Job ID", "client_id": "Site", "status": "Result", "started_at": "Start Time"}


def history() -> list[NewRun]:
    first = RunRecord.start(RunKey("1", "acme"), START, metrics={"Seen": START, "Model": "a\rb"})
    second = changed(NewRun(RunRecord.start(RunKey("2", "acme"), START)), RunChange(note="half way"), at=START)
    failed = RunChange(status=RunStatus.FAILED, error="two\nlines")
    return [NewRun(first), changed(second, failed, at=START + timedelta(minutes=1))]


def read(content: str, name: str = "jobs.csv", **mapping: object) -> list[NewRun | BadRow]:
    file = io.BytesIO(content.encode())
    file.name = name
    return [row for _, row in read_history(file, **mapping)]  # type: ignore[arg-type]


def test_rows_become_records_by_the_columns_and_words_of_the_file() -> None:
    rows = read(
        JOBS,
        columns=COLUMNS,
        statuses={"OK": "Running", "weird": RunStatus.RUNNING},
        default_status="running",
        rest_as_metrics=True,
        timezone=ZoneInfo("Europe/Berlin"),
    )
    expected = [NewRun(RunRecord.start(RunKey(run, "10"), START, metrics={"Tokens": 5})) for run in "123"]
    problem = "Start Time 'soon' is not an ISO time"
    gap = Gap("time_formats", "started_at", problem, "soon")
    assert rows == [*expected, BadRow(5, f"{problem}: give the mapping the file's time formats.", gap)]


def test_a_bad_row_says_what_the_mapping_lacks_in_words_of_columns() -> None:
    text = JOBS.replace("OK", "Running") + "5,10,Running,2025-11-24T09:15:00Z,5\n"
    rows = read(text, columns={**COLUMNS, "log": "Tokens"})
    zone, word, empty, _, log = (row for row in rows if isinstance(row, BadRow))
    assert (zone.line, zone.reason) == (
        2,
        "Start Time '2025-11-24T09:15:00' has no time zone: give the mapping a time zone, or the time its own.",
    )
    assert log.reason == (
        "Tokens is not a JSON array of [time, text]: if the column holds something else, map the field log to "
        "no column."
    )
    assert log.gap == Gap("columns", "log", "Tokens is not a JSON array of [time, text]")
    rows = read(JOBS, columns=COLUMNS, timezone=UTC)
    _, word, empty, _ = (row for row in rows if isinstance(row, BadRow))
    assert word.reason == "status 'weird' is not known: map the word to a status."
    assert word.gap == Gap("statuses", "status", "status 'weird' is not known", "weird")
    assert empty.reason == "Result is empty: give the mapping a default status."
    [metrics] = read('{"run_id": "r", "client_id": "c", "started_at": "2025-01-01T00:00Z", "metrics": 7}', "a.jsonl")
    assert isinstance(metrics, BadRow)
    assert metrics.reason.startswith("metrics is not a JSON object of names and values: if the column holds something")


def test_a_name_that_comes_twice_among_very_many_is_found() -> None:
    names = [*(f"n{number}" for number in range(300_000)), "n299999"]
    [row] = read("{" + ", ".join(f'"{name}": 1' for name in names) + "}\n", "a.jsonl")
    assert isinstance(row, BadRow)
    assert row.reason == "the name 'n299999' is twice in one JSON object: remove or rename one."


def test_missing_columns_are_named_with_their_fields() -> None:
    with pytest.raises(MissingColumns) as raised:
        read("a,Site\n", columns={"client_id": "Site", "error": "Fault"})
    assert str(raised.value) == (
        "the file has no column 'Fault', 'run_id', 'started_at', 'status': map error, run_id, started_at, status to "
        "columns of the file (or give the mapping a default status). It has 'a', 'Site'."
    )
    assert raised.value.missing == {
        "error": "Fault",
        "run_id": "run_id",
        "started_at": "started_at",
        "status": "status",
    }
    assert raised.value.header == ("a", "Site")
    assert isinstance(raised.value, RunLedgerError)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "the file is empty"), (gzip.compress(b"x" * 999, mtime=0)[:-9], "damaged or cut short")],
)
def test_a_file_that_cannot_be_read_further_raises(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableFile, match=words):
        list(read_history(tmp_path / "a.csv"))


def test_what_is_no_parameter_is_rejected_before_the_file_is_opened() -> None:
    with pytest.raises(InvalidValue, match="'id' is not a field: use one of run_id, client_id, "):
        read_history("gone.csv", columns={"id": "Job ID"})
    with pytest.raises(InvalidValue, match="'fine' is not a status"):
        read_history("gone.csv", statuses={"OK": "fine"})
    with pytest.raises(InvalidValue, match="the file format is 'xml': use 'csv' or 'jsonl'"):
        read_history("gone.csv", file_format="xml")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="the file format is 'xml'"):
        write_history([], "no.csv", file_format="xml")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        next(read_history("gone.csv"))


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.csv.gz", "a.CSV.GZ", "a.jsonl", "a.NdJson.gz", "a.json"])
def test_what_is_written_is_read_exactly(tmp_path: Path, name: str) -> None:
    records = history()
    assert write_history(records, tmp_path / name) == 2
    assert [row for _, row in read_history(str(tmp_path / name))] == records
    assert name.lower().endswith(".gz") == (tmp_path / name).read_bytes().startswith(b"\x1f\x8b")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_open_files_stay_open() -> None:
    target = io.StringIO(newline="")
    assert write_history(history(), target, file_format="csv") == 2
    source = io.BytesIO(target.getvalue().encode())
    with closing(read_history(source, file_format="csv")) as rows:
        assert next(rows)[1] == history()[0]
    assert not source.closed
    assert not target.closed


def test_a_file_that_is_left_early_is_closed(tmp_path: Path) -> None:
    write_history(history(), tmp_path / "a.csv")
    rows = read_history(tmp_path / "a.csv")
    assert next(rows)[1] == history()[0]
    rows.close()  # otherwise the garbage collector warns, which fails a test here


def test_a_file_that_cannot_be_finished_leaves_what_was_there(tmp_path: Path) -> None:
    def broken() -> Iterator[NewRun]:
        yield history()[0]
        raise KeyboardInterrupt

    file = tmp_path / "a.csv"
    file.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write_history(broken(), file)
    assert file.read_text() == "before"
    assert [*tmp_path.iterdir()] == [file]


def test_a_record_without_its_log_is_no_run_of_a_file() -> None:
    noted = history()[1].record
    [row] = read(json.dumps(noted.to_json()), "list.jsonl")
    assert isinstance(row, BadRow)
    assert row.reason == "it counts 1 note, but has no log: make the file with an export."
    [run] = read(json.dumps(noted.to_json()), "list.jsonl", rest_as_metrics=True)
    assert isinstance(run, NewRun)
    assert (run.record.notes, run.record.metrics["notes"]) == (0, 1)  # another tool's column may have that name
    [run] = read(json.dumps(history()[0].record.to_json()), "list.jsonl")
    assert isinstance(run, NewRun)


ROW = {"run_id": "r", "client_id": "c", "status": "Running", "started_at": "2025-11-24T08:15Z"}


def one(**cells: object) -> dict[str, object]:
    return {**ROW, **cells}


def csv_of(row: Mapping[str, object], delimiter: str = ",") -> str:
    return f"{delimiter.join(row)}\r\n{delimiter.join(map(str, row.values()))}\r\n"


def read_one(content: str, name: str = "a.csv", **mapping: Any) -> NewRun:
    [run] = read(content, name, **mapping)
    assert isinstance(run, NewRun), run
    return run


def reason(content: str, name: str = "a.csv", **mapping: Any) -> str:
    [row] = read(content, name, **mapping)
    assert isinstance(row, BadRow), row
    return row.reason


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_column_names_show_the_delimiter(delimiter: str) -> None:
    odd = {"a,b;c|d": "5"} if delimiter == "\t" else {"a.b": "5"}
    run = read_one(csv_of(one(**odd), delimiter), rest_as_metrics=True)
    assert run.record.metrics == dict.fromkeys(odd, 5)
    assert read_one(f"sep={delimiter}\r\n" + csv_of(ROW, delimiter)) == read_one(csv_of(ROW))
    with pytest.raises(MissingColumns) as raised:
        read(csv_of({"Job": 1, "Site; Rack": 2, "End": 3}, delimiter).replace("Site; Rack", '"Site; Rack"'))
    assert raised.value.header == ("Job", "Site; Rack", "End")


def test_a_delimiter_that_is_given_is_the_only_one() -> None:
    assert read_one(csv_of(ROW, "~"), delimiter="~") == read_one(csv_of(ROW))
    for tab in ("\t", "tab", "\\t"):
        assert read_one(csv_of(ROW, "\t"), delimiter=tab) == read_one(csv_of(ROW))
    with pytest.raises(MissingColumns):
        read(csv_of(ROW, ";"), delimiter=",")
    for wrong in ("", ";;", "a", '"', "\n"):
        with pytest.raises(InvalidValue, match=r"the delimiter is .*: give one character"):
            read_history("gone.csv", delimiter=wrong)


@pytest.mark.parametrize(
    ("formats", "value", "time"),
    [
        (["epoch"], "1290050512", "2010-11-18T03:21:52+00:00"),
        (["epoch"], "-1.5", "1969-12-31T23:59:58.500000+00:00"),
        (["epoch"], "1290050512.1239", "2010-11-18T03:21:52.123000+00:00"),
        (["epoch-ms"], "1290050512345", "2010-11-18T03:21:52.345000+00:00"),
        (["%d.%m.%Y %H:%M"], "24.11.2025 08:15", "2025-11-24T07:15:00+00:00"),
        (["%m/%d/%y %I:%M %p", "iso"], "11/24/25 08:15 PM", "2025-11-24T19:15:00+00:00"),
        (["%m/%d/%y %I:%M %p", "iso"], "2025-11-24 20:15", "2025-11-24T19:15:00+00:00"),
        (["iso", "%Y-%m-%dT%H:%M:%S%z"], "2025-11-24T08:15:00Z", "2025-11-24T08:15:00+00:00"),
    ],
)
def test_a_time_is_read_in_the_notations_that_are_given(formats: list[str], value: str, time: str) -> None:
    mapping: dict[str, Any] = {"time_formats": formats, "timezone": ZoneInfo("Europe/Berlin")}
    assert read_one(csv_of(one(started_at=value)), **mapping).record.started_at.isoformat() == time
    if "epoch" in formats[0]:
        line = json.dumps(one(started_at=json.loads(value)))
        assert read_one(line, "a.jsonl", **mapping).record.started_at.isoformat() == time


def test_a_time_that_is_in_no_notation_or_differs_by_them_is_refused() -> None:
    both = ["%d/%m/%Y", "%m/%d/%Y"]
    assert reason(csv_of(one(started_at="04/03/2025")), time_formats=both, timezone=UTC) == (
        "started_at '04/03/2025' may be 2025-03-04T00:00:00+00:00 or 2025-04-03T00:00:00+00:00, by the time formats "
        "that were given: give fewer of them."
    )
    assert read_one(csv_of(one(started_at="24/11/2025")), time_formats=both, timezone=UTC)
    for value in ("12900505", "1290050512", "1290050512345", "99991231", "2025-11-24"):
        expected = "has no time zone" if "-" in value else "is not an ISO time"
        assert expected in reason(csv_of(one(started_at=value)))
    for value in ("9" * 13, "1e9", "nan", "true", "1_0", "٣"):
        assert "is not a time in epoch" in reason(csv_of(one(started_at=value)), time_formats=["epoch"])
    assert "is not a time in epoch" in reason(json.dumps(one(started_at=True)), "a.jsonl", time_formats=["epoch"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("ISO", "is not a time format: use iso, epoch, epoch-ms, or a pattern"),
        ("%Q", "is not a pattern of strptime"),
        ("%Y-%m-%d%", "is not a pattern of strptime"),
        ("%Y %Y", "is not a pattern of strptime"),
        ("%H:%M", "has no year, month and day"),
        ("%d.%m. %H:%M", "has no year, month and day"),
        ("%Y-%m-%d %H:%M %Z", "names of zones are ambiguous"),
        ("%Y-%m-%d %I:%M", "without %p"),
    ],
)
def test_a_time_format_that_would_guess_is_refused(wrong: str, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        read_history("gone.csv", time_formats=[wrong])


def test_words_for_nothing_and_columns_to_skip_are_not_read() -> None:
    row = one(status="Failed", ended_at="NaT", error="None", Tokens="NULL", Model="None", log="a.log", rack="x")
    run = read_one(
        csv_of(row),
        nulls=["NaT", "NULL", "None"],
        skip_columns=["log", "rack"],
        rest_as_metrics=True,
        default_end="started_at",
    )
    assert (run.record.ended_at, run.record.error, run.record.metrics) == (START, None, {})
    assert reason(csv_of(one(run_id="NULL")), nulls=["NULL"]).startswith("run id is empty")
    with pytest.raises(MissingColumns, match="the file has no column 'secrets': map skip_columns"):
        read(csv_of(row), skip_columns=["secrets"])
    with pytest.raises(MissingColumns, match="no column 'status'"):
        read(csv_of(row), skip_columns=["status"])
    for wrong in ({"nulls": "NULL"}, {"skip_columns": "x"}, {"time_formats": "iso"}):
        with pytest.raises(InvalidValue, match="is one text: give a list"):
            read_history("gone.csv", **wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="the column 'Job' holds run_id, and is to be skipped"):
        read_history("gone.csv", columns={"run_id": "Job"}, skip_columns=["Job"])


def test_an_end_that_is_not_known_is_that_of_a_field_or_refused() -> None:
    later = one(status="Failed", ended_at="", updated_at="2025-11-24T09:15Z")
    assert read_one(csv_of(later), default_end="updated_at").record.ended_at == START + timedelta(hours=1)
    assert read_one(csv_of(later), default_end="started_at").record.ended_at == START
    assert reason(csv_of(later)) == (
        "the status is Failed, but ended_at is empty: if the end is not known, give the mapping a default end."
    )
    assert reason(csv_of(later), columns={"ended_at": ""}).startswith("the status is Failed, but the end time is empty")
    running = one(ended_at="2025-11-24T09:15Z")
    assert reason(csv_of(running)) == "the status is Running, but ended_at is '2025-11-24T09:15Z'."
    early = one(status="Failed", ended_at="1969-12-31T23:59:59Z")
    assert "ends at 1969-12-31T23:59:59.000Z, before its start" in reason(csv_of(early), default_end="started_at")
    with pytest.raises(InvalidValue, match="the default end is 'now'"):
        read_history("gone.csv", default_end="now")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cells", "minutes"),
    [
        ({}, 0),
        ({"status": "Failed", "ended_at": "2025-11-24T08:20Z"}, 5),
        ({"log": '[["2025-11-24T08:18Z", "one"], ["2025-11-24T08:17Z", "two"]]'}, 3),
        ({"status": "Failed", "ended_at": "2025-11-24T08:20Z", "log": '[["2025-11-24T08:25Z", "late"]]'}, 10),
    ],
)
def test_a_row_without_an_update_time_was_updated_when_the_last_of_its_times_was(
    cells: dict[str, str], minutes: int
) -> None:
    row = json.dumps(one(**{**cells, "log": json.loads(cells.get("log", "[]"))}))
    assert read_one(row, "a.jsonl").record.updated_at == START + timedelta(minutes=minutes)


def test_a_column_that_cannot_be_a_metric_is_named_once_before_the_first_row() -> None:
    content = "run_id,client_id,status,started_at, a,,\n" + "r,c,Running,2025-11-24T08:15Z,1,,\n" * 3
    with pytest.raises(UnusableColumns) as raised:
        read(content, rest_as_metrics=True)
    assert str(raised.value) == (
        "the column ' a' cannot become a metric (metric name ' a' begins or ends with white space: remove it where the "
        "value is made); the column '' cannot become a metric (metric name is empty: give it 1 to 255 characters): "
        "rename them in the file, or name them in skip_columns."
    )
    assert len(read(content)) == len(read(content, rest_as_metrics=True, skip_columns=[" a", ""])) == 3
    lines = "\n".join(json.dumps(one(run_id=str(number), **{"": number})) for number in range(2))
    rows = read(lines, "a.jsonl", rest_as_metrics=True)
    assert [row.gap and row.gap.value for row in rows if isinstance(row, BadRow)] == ["", ""]


def test_an_integer_that_is_not_exact_as_a_number_stays_text() -> None:
    numbers = {"a": 2**53, "b": 2**53 + 1, "c": -(2**53) - 1, "d": 10**30, "e": -(2**53)}
    expected = {"a": 2**53, "b": "9007199254740993", "c": "-9007199254740993", "d": str(10**30), "e": -(2**53)}
    for content, name in ((csv_of(one(**numbers)), "a.csv"), (json.dumps(one(**numbers)), "a.jsonl")):
        metrics = read_one(content, name, rest_as_metrics=True).record.metrics
        assert metrics == expected
        assert [type(value) for value in metrics.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_log_that_could_not_be_read_again_is_not_written(tmp_path: Path, name: str) -> None:
    run = NewRun(RunRecord.start(RunKey("long", "acme"), START))
    lines = [LogLine(START, "ü" * 10_000)] * 1800
    run = NewRun(evolve(run.record, notes=len(lines)), lines)
    (tmp_path / name).write_text("before")
    with pytest.raises(InvalidValue, match=r"run 'long' .* its log of 1,800 lines is a row of 18,0\d\d,\d\d\d char"):
        write_history([run], tmp_path / name)
    assert (tmp_path / name).read_text() == "before"
    shorter = NewRun(evolve(run.record, notes=1600), lines[:1600])
    write_history([shorter], tmp_path / name)
    assert [row for _, row in read_history(tmp_path / name)] == [shorter]


def test_a_row_of_many_lines_is_as_bounded_as_one_line() -> None:
    header, rest = "run_id,client_id,status,started_at,text\n", ("x" * 999 + "\n") * 20_000
    rows = read(f'{header}r,c,Running,2025-11-24T08:15Z,"{rest}"\n', rest_as_metrics=True)
    assert isinstance(rows[0], BadRow)
    assert rows[0].reason.startswith("longer than 16,777,216 characters: is a quote not closed")


def test_a_path_that_shows_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=r"'a\.tsv' shows no format: end it in \.csv, \.jsonl, \.ndjson or \.json"):
        write_history(history(), tmp_path / "a.tsv")
    assert list(tmp_path.iterdir()) == []
    assert write_history(history(), tmp_path / "a.tsv", file_format="csv") == 2
    target = io.StringIO()
    assert write_history(history(), target) == 2
