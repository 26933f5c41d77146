"""Files from Python: `runledger.histories`. Its messages name fields and columns, and no option of the command line."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runledger import InvalidValue, NewRun, RunChange, RunKey, RunLedgerError, RunRecord, RunStatus
from runledger.histories import BadRow, Gap, MissingColumns, UnreadableFile, read_history, write_history
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
    assert row.reason == "it counts 1 notes, but has no log: make the file with an export."
    [run] = read(json.dumps(noted.to_json()), "list.jsonl", rest_as_metrics=True)
    assert isinstance(run, NewRun)
    assert (run.record.notes, run.record.metrics["notes"]) == (0, 1)  # another tool's column may have that name
    [run] = read(json.dumps(history()[0].record.to_json()), "list.jsonl")
    assert isinstance(run, NewRun)
