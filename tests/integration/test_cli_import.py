import gzip
import json
import os
import resource
import shlex
import signal
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airtable_base import TOKEN, served
from commands import RUNLEDGER, environment, on_a_terminal, runledger
from documents import blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airtable_local import Column, Unknowns
from runledger import NewRun, RunChange, RunKey, RunRecord, connect
from runledger.adapters.airtable import Columns
from runledger.testing.airtable import run_table
from runledger.testing.strategies import runs

JOBS = """Job ID,Site,Site Name,User,Start Time,End Time,Run Time (s)
1,10,grid.example,u1,2005-11-20T00:00:05Z,2005-11-20T00:01:28Z,83
2,20,lancs.example,,2005-11-20T00:00:08Z,2005-11-20T01:00:19Z,3611.5
"""
MAPPING = [
    *("--column", "run_id=Job ID", "--column", "client_id=Site", "--column", "client_name=Site Name"),
    *("--column", "started_at=Start Time", "--column", "ended_at=End Time"),
    *("--default-status", "Completed", "--rest-as-metrics"),
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def everything(store: Path) -> list[RunRecord]:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        return list(ledger.find())


def runs_with_logs(store: Path) -> list[NewRun]:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        return list(ledger.reads.find_with_logs())


@pytest.mark.parametrize("compressed", [False, True])
def test_a_history_is_loaded_once(store: Path, tmp_path: Path, compressed: bool) -> None:
    file = tmp_path / ("jobs.csv.gz" if compressed else "jobs.csv")
    file.write_bytes(gzip.compress(JOBS.encode()) if compressed else JOBS.encode("utf-8-sig"))
    done = runledger("import", str(file), *MAPPING, store=store)
    assert done.stdout == "2 rows: 2 loaded, 0 already there, 0 refused\n"
    second, first = everything(store)
    assert first == RunRecord(
        key=RunKey("1", "10"),
        client_name="grid.example",
        status=first.status,
        started_at=datetime(2005, 11, 20, 0, 0, 5, tzinfo=UTC),
        ended_at=datetime(2005, 11, 20, 0, 1, 28, tzinfo=UTC),
        metrics={"User": "u1", "Run Time (s)": 83},
        updated_at=datetime(2005, 11, 20, 0, 1, 28, tzinfo=UTC),
    )
    assert second.metrics == {"Run Time (s)": 3611.5}
    done = runledger("import", "-v", str(file), *MAPPING, store=store)
    assert done.stdout == "2 rows: 0 loaded, 2 already there, 0 refused\n"
    assert "line 2: run '1' of client '10' is there already" in done.stderr
    assert everything(store) == [second, first]


def test_a_history_is_loaded_before_a_person_who_watches_a_bar(store: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text(JOBS)
    ours, terminal = os.openpty()
    done = subprocess.run(
        [*RUNLEDGER, "import", str(tmp_path / "jobs.csv"), *MAPPING],
        env=environment(store),
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=False,
    )
    os.close(terminal)
    seen = os.read(ours, 1 << 16)
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b"2 rows: 2 loaded, 0 already there, 0 refused\n"), seen
    assert b"Traceback" not in seen


def test_what_is_printed_while_a_bar_is_shown_is_on_separate_lines(store: Path, tmp_path: Path) -> None:
    rows = [
        f"{i},a,{'Oops' if i == 5000 else 'Skipped'},2025-01-01T00:00:00Z,2025-01-01T00:01:00Z" for i in range(9000)
    ]
    (tmp_path / "runs.csv").write_text("\n".join(["run_id,client_id,status,started_at,ended_at", *rows]))
    seen = on_a_terminal("import", str(tmp_path / "runs.csv"), store=store)
    assert "\r\x1b[2Kline 5002: status 'Oops' is not known: map it with --status Oops=STATUS.\n" in seen
    assert seen.endswith("9,000 rows: 8,999 loaded, 0 already there, 1 refused\n")


BAD = """run_id,client_id,status,started_at,ended_at,note
1,a,SUCCEED,2025-01-01T00:00:00Z,2025-01-01T00:00:01Z,
2,a,SUCCEED,2025-01-01T00:00:00Z,,no end
3,a,Running,2025-01-01T00:00:00Z,2025-01-01T00:00:01Z,an end
4,a,weird,2025-01-01T00:00:00Z,2025-01-01T00:00:01Z,
5,a,Running,yesterday,,
6,a,Running,2025-01-01 00:00:00,,
7,a,Running
8, a,Running,2025-01-01T00:00:00Z,,
9,a,Running,2025-01-01T00:00:00Z,,"two
lines"
1,a,Running,2025-01-01T00:00:00Z,,again
,a,Running,2025-01-01T00:00:00Z,,no id
"""


def test_each_bad_row_is_named_by_its_line_and_the_others_are_loaded(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "jobs.csv"
    file.write_text(BAD)
    done = runledger("import", str(file), "--status", "SUCCEED=Completed", store=store, code=1)
    assert done.stdout == "11 rows: 2 loaded, 0 already there, 8 refused, 1 there, but different\n"
    lines = done.stderr.splitlines()
    for line, words in zip(
        lines,
        [
            "line 3: the status is Completed, but ended_at is empty: if the file does not know it, give --ended-at",
            "line 4: the status is Running, but ended_at is '2025-01-01T00:00:01Z'.",
            "line 5: status 'weird' is not known: map it with --status weird=STATUS",
            "line 6: started_at 'yesterday' is not an ISO time: give --time-format",
            "line 7: started_at '2025-01-01 00:00:00' has no time zone: give --timezone",
            "line 8: 3 cells where the first line has 6",
            "line 9: client id ' a' begins or ends with white space",
            "line 13: run id is empty",
            "line 12: run '1' of client 'a' is there, but different: status is 'Running', in the ledger 'Completed'; "
            "ended_at is missing, in the ledger 2025-01-01T00:00:01.000Z",
        ],
        strict=True,
    ):
        assert line.startswith(words)
    done = runledger("import", str(file), "--status", "SUCCEED=Completed", "--strict", store=tmp_path / "2.db", code=1)
    assert done.stdout == "2 rows: 1 loaded, 0 already there, 1 refused\n"
    assert "stopped at line 3" in done.stderr
    done = runledger("import", str(file), "--timezone", "Europe/Berlin", store=tmp_path / "3.db", code=1)
    assert "time zone" not in done.stderr


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2025-07-01 02:30", "2025-07-01T00:30:00.000Z"),
        ("2025-10-26 02:30", "2025-10-26T00:30:00.000Z"),  # comes twice
        ("2025-03-30 02:30", "2025-03-30T01:30:00.000Z"),  # is skipped
    ],
)
def test_a_time_without_a_zone_is_of_the_zone_that_is_named(tmp_path: Path, local: str, utc: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"run_id,client_id,status,started_at\nr,c,Running,{local}\n")
    runledger("import", str(file), "--timezone", "Europe/Berlin", store=tmp_path / "runs.db")
    shown = json.loads(runledger("show", "r", "c", "--json", store=tmp_path / "runs.db").stdout)
    assert shown["started_at"] == utc


GOOD = b'{"run_id": "x", "client_id": "c", "status": "Running", "started_at": "2025-01-01T00:00Z", %b}'


@pytest.mark.parametrize(
    ("name", "content", "options", "code", "words"),
    [
        ("a.csv", b"", [], 1, "is empty"),
        (
            "a.csv",
            b"a,status\n",
            ["--column", "run_id=A"],
            2,
            "the file has no column 'A', 'client_id', 'started_at': say which it is with --column run_id=…, "
            "--column client_id=…, --column started_at=…. It has 'a', 'status'.",
        ),
        ("a.csv", b"run_id,client_id,started_at\n", [], 2, "--default-status"),
        ("a.csv", b"a,a\n", [], 1, "the first line has the column 'a' twice: rename"),
        ("a.csv", JOBS.encode() + b"\xff\xfe\n", MAPPING, 1, "not UTF-8"),
        ("a.csv", JOBS.encode("utf-16"), MAPPING, 1, "but is not UTF-8 text"),
        ("a.xlsx", b"PK\x03\x04\x14\0", MAPPING, 1, "is a ZIP archive or a spreadsheet: save its rows as CSV"),
        ("old.db", b"SQLite format 3\0\x10", MAPPING, 1, "if it is a ledger, copy it by its URL."),
        ("a.csv", b"\n" + JOBS.encode(), MAPPING, 1, "but is empty: remove the lines before them."),
        ("a.csv", b'a,"b"c\n', [], 1, "the first line must hold the column names, but is not CSV"),
        ("a.csv.gz", gzip.compress(JOBS.encode() * 500, mtime=0)[:-40], MAPPING, 1, "damaged or cut short"),
        ("a.csv", JOBS.encode() + b'3,"un"closed\n', MAPPING, 1, "not CSV"),
        ("a.bin", b"x", [], 2, "no column 'run_id', 'client_id'"),
        (
            "a.jsonl",
            b"1\n[2]\n{\n\n",
            [],
            1,
            "line 1: not a JSON object: each line must be one. line 2: not a JSON object",
        ),
        ("a.jsonl", b"{}\n" + b"[" * 100_000, [], 1, "line 2: not a JSON object"),
        (
            "a.json",
            b"\xef\xbb\xbf\n [\n{}\n]\n",
            [],
            1,
            "runledger: the file is a JSON array, and not JSON Lines: write one",
        ),
        ("a", b"[" * 10**8, ["--format", "jsonl"], 1, "the file is a JSON array"),
        ("a", b"[{}]", [], 1, "the file is a JSON array"),
        ("a.jsonl", b'{"run_id": ["x"]}', [], 1, "run id is list"),
        ("a.jsonl", b'{"run_id": "x", "client_id": "c", "status": {}, "started_at": 5}', [], 1, "not an ISO time"),
        ("a.jsonl", GOOD % b'"client_name": false', [], 1, "client name is bool"),
        ("a.jsonl", GOOD % b'"error": false', [], 1, "error is bool"),
        ("a.jsonl", GOOD % b'"log": {}', [], 1, "log is not a JSON array"),
        ("a.csv", JOBS.encode(), [*MAPPING, "--column", "metrics=User"], 1, "User is not a JSON object"),
        ("a.csv", JOBS.encode(), [*MAPPING[2:], "--column", "run_id="], 2, "--column run_id=…"),
        (
            "a.jsonl",
            b'{"run_id": "x", "client_id": "c", "status": [1], "started_at": "2025-01-01T00:00Z"}',
            [],
            1,
            "[1]",
        ),
        (
            "a.jsonl",
            b'{"run_id": "x", "client_id": "c", "status": "Timed out", "started_at": "2025-01-01T00:00Z"}',
            [],
            1,
            "--status 'Timed out'=STATUS",
        ),
        ("a.csv", JOBS.encode(), ["--column", "id=Job ID"], 2, "'id' is not a field: use one of run_id, "),
        ("a.csv", JOBS.encode(), ["--column", "run_id=User", "--column", "run_id=Site"], 2, "'run_id' is given twice"),
        ("a.csv", JOBS.encode(), ["--status", "Completed"], 2, "WORD=STATUS"),
        ("a.csv", JOBS.encode(), ["--status", "OK=Failed", "--status", "OK=Skipped"], 2, "'OK' is given twice"),
        ("a.csv", JOBS.encode(), ["--status", "OK=Fine"], 2, "is not a status"),
        ("a.csv", JOBS.encode(), ["--timezone", "Mars/Base"], 2, "not a known time zone"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    store: Path, tmp_path: Path, name: str, content: bytes, options: list[str], code: int, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = runledger("import", str(tmp_path / name), *options, store=store, code=code)
    assert words in " ".join(done.stderr.split())


SPOILT = b"""run_id,client_id,status,started_at,client_name
1,a,Running,2025-01-01T00:00:00Z,one
2,"a"b,Running,2025-01-01T00:00:00Z,
3,a,Running,2025-01-01T00:00:00Z,"thr\xffe
e"
4,a,Running,2025-01-01T00:00:00Z,vi\xc3\xa8r
"5,a
5,a,Running,2025-01-01T00:00:00Z,"five"
6,a,Running,2025-01-01T00:00:00Z,six
"unclosed
"""


def test_a_row_that_the_table_cannot_keep_is_refused_or_named_and_the_rest_is_loaded(tmp_path: Path) -> None:
    choices = [{"name": name} for name in ("Running", "Completed")]
    parts = run_table(columns=Columns(number="Number")).columns
    status = Column("Status", "singleSelect", {"choices": choices})
    cost = Column("Cost", "number", {"precision": 2})
    columns = [*(status if each.name == "Status" else each for each in parts), cost]
    file = tmp_path / "jobs.csv"
    rows = [(f"{number}", "Completed", "1.25") for number in range(3)]
    rows[1:1] = [("no choice", "Skipped", "1"), ("no number", "Completed", "much"), ("rounded", "Completed", "0.126")]
    at = "2025-11-24T08:15:00Z"
    text = "".join(f"{run},acme,{status},{at},{at},{cost}\n" for run, status, cost in rows)
    file.write_text(f"run_id,client_id,status,started_at,ended_at,Cost\n{text}")
    with served(table_columns=columns, unknowns=Unknowns(rounds_numbers_to_precision=True)) as base:
        url = f"{base.store_url}&number=Number"
        load = ["import", str(file), "--rest-as-metrics"]
        done = runledger(*load, store=url, code=1, AIRTABLE_API_KEY=TOKEN)
        assert done.stdout == "6 rows: 4 loaded, 0 already there, 2 refused, 1 of those loaded altered by the store\n"
        lines = sorted(done.stderr.splitlines())
        assert [line.split(":")[0] for line in lines] == ["line 3", "line 4", "line 5"]
        assert "run 'no choice' of client 'acme' is refused: " in lines[0]
        assert "Add the choice to the status column" in lines[0]
        assert "run 'no number' of client 'acme' is refused: " in lines[1]
        assert "run 'rounded' of client 'acme' was loaded, but altered by the store: metric 'Cost' is 0.126" in lines[2]
        assert {row["fields"]["Run ID"] for row in base.rows()} == {"0", "1", "2", "rounded"}
        done = runledger(*load, "--strict", "--json", store=url, code=1, AIRTABLE_API_KEY=TOKEN)
        assert json.loads(done.stdout)["refused"] == 1
        assert "stopped at line 3, because of --strict." in done.stderr


def test_a_name_that_is_twice_in_one_object_refuses_its_row_alone(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "jobs.jsonl"
    rest = '"client_id": "a", "status": "Running", "started_at": "2025-01-01T00:00:00Z"'
    file.write_text(
        f'{{"run_id": "1", "run_id": "2", {rest}}}\n'
        f'{{"run_id": "3", {rest}, "metrics": {{"A": 1, "B": 2, "A": 1}}}}\n'
        f'{{"run_id": "4", {rest}, "metrics": {{"T": {{"datetime": "2025-01-01T00:00:00Z", "datetime": "x"}}}}}}\n'
        f'{{"run_id": "5", {rest}, "metrics": {{"A": 1}}, "A": 2}}\n'
        f'{{"run_id": "6", {rest}, "metrics": {{"A": 1}}, "B": 2}}\n'
        "{}\n"
    )
    done = runledger("import", str(file), "--rest-as-metrics", store=store, code=1)
    assert done.stdout == "6 rows: 1 loaded, 0 already there, 5 refused\n"
    assert done.stderr.splitlines() == [
        "line 1: the name 'run_id' is twice in one JSON object: remove or rename one.",
        "line 2: the name 'A' is twice in one JSON object: remove or rename one.",
        "line 3: the name 'datetime' is twice in one JSON object: remove or rename one.",
        "line 4: the metric 'A' is given twice, in its column and in metrics: remove one.",
        "line 6: not a JSON object: each line must be one.",
    ]
    assert [dict(record.metrics) for record in everything(store)] == [{"A": 1, "B": 2}]
    file = tmp_path / "jobs.csv"
    cell = '"{""A"": 1, ""A"": 2}"'
    file.write_text(f"run_id,client_id,status,started_at,metrics\n1,a,Running,2025-01-01T00:00:00Z,{cell}\n")
    done = runledger("import", str(file), store=store, code=1)
    assert done.stderr == "line 2: the name 'A' is twice in one JSON object: remove or rename one.\n"


def test_a_bad_spot_in_a_file_refuses_its_row_alone(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "jobs.csv"
    file.write_bytes(SPOILT)
    done = runledger("import", str(file), store=store, code=1)
    assert done.stdout == "7 rows: 3 loaded, 0 already there, 4 refused\n"
    assert done.stderr.splitlines() == [
        "line 3: not CSV (',' expected after '\"').",
        "line 5: not UTF-8 text: convert the file.",
        "line 8: not CSV (',' expected after '\"', from line 7 on).",
        "line 10: not CSV (unexpected end of data).",
    ]
    assert {record.key.run_id: record.client_name for record in everything(store)} == {
        "1": "one",
        "4": "vièr",
        "6": "six",
    }
    done = runledger("import", str(file), "--strict", store=tmp_path / "2.db", code=1)
    assert done.stdout == "2 rows: 1 loaded, 0 already there, 1 refused\n"
    assert "stopped at line 3" in done.stderr
    file = tmp_path / "jobs.jsonl"
    file.write_bytes(b"\n".join((GOOD % b'"client_name": "%b"' % name) for name in (b"\xff", b"x", b"\\udcff")))
    done = runledger("import", str(file), "--json", store=tmp_path / "3.db", code=1)
    assert json.loads(done.stdout) == {"loaded": 1, "already_there": 0, "different": 0, "refused": 2, "altered": 0}
    assert done.stderr.splitlines()[0] == "line 1: not UTF-8 text: convert the file."


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_any_column_can_be_a_metric(store: Path, tmp_path: Path, form: str) -> None:
    row = {"run_id": "r", "client_id": "c", "started_at": "2025-01-01T00:00:00Z", "log": "a.log", "metrics": 7}
    lines = [json.dumps(row)] if form == "jsonl" else [",".join(row), ",".join(map(str, row.values()))]
    (tmp_path / f"runs.{form}").write_text("\n".join(lines))
    options = ["--default-status", "Running", "--rest-as-metrics"]
    done = runledger("import", str(tmp_path / f"runs.{form}"), *options, store=store, code=1)
    assert "if it is something else, give --column log=." in done.stderr
    runledger(
        "import", str(tmp_path / f"runs.{form}"), *options, "--column", "log=", "--column", "metrics=", store=store
    )
    assert everything(store)[0].metrics == {"log": "a.log", "metrics": 7}


def test_a_row_of_csv_beyond_what_is_read_is_refused(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    row = b"%d,c,Running,2025-01-01T00:00Z\n"
    file.write_bytes(b"run_id,client_id,status,started_at\n" + row % 1 + b"x," * 2**26 + b"\n" + row % 2)
    done = runledger("import", str(file), store=store, code=1)
    assert done.stdout == "3 rows: 2 loaded, 0 already there, 1 refused\n"
    assert done.stderr == ("line 3: longer than 16,777,216 characters: is a quote not closed, or a line end missing?\n")


def test_a_line_without_end_is_a_row_that_is_refused(store: Path, tmp_path: Path) -> None:
    good = b'{"run_id": "%d", "client_id": "c", "status": "Running", "started_at": "2025-01-01T00:00Z"}\r\n'
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(
        b"".join(
            gzip.compress(part, 1) for part in [good % 1, *[b" " * 2**24] * 9, b"\n", good % 2, *[b"[" * 2**24] * 9]
        )
    )
    done = runledger("import", str(file), store=store, code=1)
    assert done.stdout == "4 rows: 2 loaded, 0 already there, 2 refused\n"
    assert "line 2: longer than 16,777,216 characters" in done.stderr
    assert [record.key.run_id for record in everything(store)] == ["2", "1"]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(runs(), max_size=30), st.sampled_from(["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz"]))
def test_what_is_exported_is_imported_exactly(
    tmp_path_factory: pytest.TempPathFactory, history: list[NewRun], name: str
) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    with connect(f"sqlite:///{folder / 'from.db'}", observers=()) as ledger:
        ledger.import_records(history)
    runledger("export", str(folder / name), store=folder / "from.db")
    runledger("import", str(folder / name), store=folder / "to.db")
    there, back = runs_with_logs(folder / "from.db"), runs_with_logs(folder / "to.db")
    assert [exactly(run) for run in back] == [exactly(run) for run in there]


def exactly(run: NewRun) -> tuple[NewRun, list[tuple[str, type]]]:
    return run, sorted((name, type(value)) for name, value in run.record.metrics.items())


def test_standard_input_and_output_serve_as_files(store: Path, tmp_path: Path) -> None:
    runledger("import", "-", "--format", "csv", *MAPPING, store=store, given=JOBS)
    text = runledger("export", "--format", "csv", store=store).stdout
    assert text.startswith("run_id,client_id,")
    lines = runledger("export", "--client", "10", store=store).stdout.splitlines()
    assert [json.loads(line)["client_id"] for line in lines] == ["10"]
    runledger("import", "-", "--format", "csv", store=tmp_path / "2.db", given=text)
    assert everything(tmp_path / "2.db") == everything(store)
    done = runledger("export", str(tmp_path / "no" / "such.csv"), store=store, code=2)
    assert "cannot be written" in done.stderr


def test_a_text_with_any_line_break_survives_csv(store: Path, tmp_path: Path) -> None:
    runledger("start", "--client", "a", "--run-id", "r", "--set", "m=1\r2", store=store)
    runledger("fail", "r", "a", "--error", "one\rtwo\r\nthree\nfour", store=store)
    runledger("export", str(tmp_path / "x.csv"), store=store)
    runledger("import", str(tmp_path / "x.csv"), store=tmp_path / "2.db")
    shown = [runledger("show", "r", "a", "--json", store=path).stdout for path in (store, tmp_path / "2.db")]
    assert shown[0] == shown[1]
    assert json.loads(shown[0])["error"] == "one\rtwo\r\nthree\nfour"


def test_a_log_of_millions_of_characters_survives_csv(store: Path, tmp_path: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        run = ledger.start("r", "a")
        key = run.key
        ledger.updates.update_many([(key, RunChange(note="x" * 10_000))] * 300)
    runledger("export", str(tmp_path / "x.csv"), store=store)
    done = runledger("import", str(tmp_path / "x.csv"), store=tmp_path / "2.db")
    assert done.stdout == "1 row: 1 loaded, 0 already there, 0 refused\n"
    assert [len(run.log) for run in runs_with_logs(tmp_path / "2.db")] == [300]


@pytest.mark.parametrize("compressed", [False, True])
def test_what_standard_input_holds_is_seen_from_its_beginning(store: Path, compressed: bool) -> None:
    line = b'{"run_id": "r", "client_id": "a", "status": "Running", "started_at": "2025-01-01T00:00:00Z"}\n'
    for content, loaded in ((line, 1), (b"run_id,client_id,status,started_at\nr2,a,Running,2025-01-01T00:00:00Z\n", 1)):
        done = subprocess.run(
            [*RUNLEDGER, "import", "-"],
            input=gzip.compress(content) if compressed else content,
            env=environment(store),
            capture_output=True,
            check=True,
        )
        assert done.stdout == b"%d row: %d loaded, 0 already there, 0 refused\n" % (loaded, loaded)


def test_a_named_pipe_is_read_before_a_person_too(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jobs.csv")
    with subprocess.Popen(["sh", "-c", 'printf "%s" "$0" > "$1"', JOBS, str(tmp_path / "jobs.csv")]):
        seen = on_a_terminal("import", str(tmp_path / "jobs.csv"), *MAPPING, store=store)
    assert seen == "2 rows: 2 loaded, 0 already there, 0 refused\n"


def test_of_very_many_refused_rows_the_first_are_named_and_all_if_asked_for(store: Path, tmp_path: Path) -> None:
    rows = [f"{i},a,Oops,2025-01-01T00:00:00Z" for i in range(150)]
    (tmp_path / "runs.csv").write_text("\n".join(["run_id,client_id,status,started_at", *rows]))
    told = runledger("import", str(tmp_path / "runs.csv"), store=store, code=1).stderr.splitlines()
    assert (len(told), told[99][:9], told[100]) == (
        101,
        "line 101:",
        "… 50 refused rows more; --verbose lists them too.",
    )
    told = runledger("import", "-v", str(tmp_path / "runs.csv"), store=store, code=1).stderr.splitlines()
    assert (len(told), told[149][:9]) == (150, "line 151:")


def test_a_file_far_larger_than_the_memory_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    rows = "".join(f"r{i},c,Running,2025-01-01T00:00Z,{'x' * 10_000}\n" for i in range(100))
    block = gzip.compress(rows.encode(), 1)
    with open(file, "wb") as out:
        out.write(gzip.compress(b"run_id,client_id,status,started_at,text\n"))
        for _ in range(300):
            out.write(block)
    done = subprocess.run(
        [*RUNLEDGER, "import", str(file), "--rest-as-metrics"],
        env=environment(tmp_path / "runs.db"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (250_000_000, 250_000_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("30,000 rows: 100 loaded, 29,900 already there, 0 refused\n", "")


@pytest.mark.parametrize(("length", "rows", "loaded"), [(60_000_000, 12, 0), (8_000_000, 24, 24)])
def test_a_small_file_that_holds_very_much_fills_no_memory(tmp_path: Path, length: int, rows: int, loaded: int) -> None:
    file = tmp_path / "a.jsonl.gz"
    note = '["2025-01-01T00:00:00Z", "%s"]' % ("x" * 9_900)
    log = gzip.compress(b'"log": [' + ",".join([note] * (length // len(note))).encode() + b"]}\n", 1)
    with open(file, "wb") as out:
        for number in range(rows):
            out.write(gzip.compress(f'{{"run_id": "{number}", "client_id": "c", "status": "Running", '.encode()))
            out.write(gzip.compress(b'"started_at": "2025-01-01T00:00:00Z", '))
            out.write(log)
    assert file.stat().st_size < 4_000_000
    done = subprocess.run(
        [*RUNLEDGER, "import", str(file)],
        env=environment(tmp_path / "runs.db"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (250_000_000, 250_000_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    refused = "longer than 16,777,216 characters: is a quote not closed, or a line end missing?"
    expected = [f"line {number}: {refused}" for number in range(1, rows - loaded + 1)]
    assert done.stderr.splitlines() == expected
    assert done.stdout == f"{rows} rows: {loaded} loaded, 0 already there, {rows - loaded} refused\n"


def test_rows_of_a_key_that_the_ledger_has_otherwise_are_named_and_counted(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    header = "run_id,client_id,status,started_at,n\n"
    file.write_text(header + "z,c,Running,2025-11-24T00:00Z,1\n" * 2 + "z,c,Running,2025-11-25T00:00Z,1\n")
    done = runledger("import", str(file), "--rest-as-metrics", store=store, code=1)
    assert done.stdout == "3 rows: 1 loaded, 1 already there, 0 refused, 1 there, but different\n"
    assert done.stderr == (
        "line 4: run 'z' of client 'c' is there, but different: started_at is 2025-11-25T00:00:00.000Z, in the "
        "ledger 2025-11-24T00:00:00.000Z; updated_at is 2025-11-25T00:00:00.000Z, in the ledger "
        "2025-11-24T00:00:00.000Z\n"
    )
    rows = [f"{number},c,Running,2025-11-24T00:00:{number % 60:02}Z,1\n" for number in range(120)]
    file.write_text(header + "".join(rows))
    runledger("import", str(file), "--rest-as-metrics", store=store)
    for number in (7, 110):
        runledger("update", str(number), "c", "--set", "n=2", store=store)
    done = runledger("import", "--json", str(file), "--rest-as-metrics", store=store, code=1)
    assert json.loads(done.stdout) == {"loaded": 0, "already_there": 118, "different": 2, "refused": 0, "altered": 0}
    assert [line.partition(",")[0] for line in done.stderr.splitlines()] == [
        "line 9: run '7' of client 'c' is there",
        "line 112: run '110' of client 'c' is there",
    ]
    assert "metric 'n' is 1, in the ledger 2" in done.stderr


@pytest.mark.parametrize("number", [3, 30])
def test_a_run_whose_row_cannot_be_read_is_named_and_the_others_are_loaded(
    store: Path, tmp_path: Path, number: int
) -> None:
    file = tmp_path / "a.csv"
    rows = [f"{each},c,Running,2025-11-24T00:00:{each:02}Z\n" for each in range(number)]
    file.write_text("run_id,client_id,status,started_at\n" + "".join(rows[:-1]))
    runledger("import", str(file), store=store)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("""UPDATE runs SET metrics = '{"n": [1]}' WHERE run_id = '1'""")
    file.write_text("run_id,client_id,status,started_at\n" + "".join(rows))
    done = runledger("import", str(file), store=store, code=1)
    there = f"{number - 2} already there, 0 refused, 1 there, but different"
    assert done.stdout == f"{number} rows: 1 loaded, {there}\n"
    assert done.stderr.startswith(
        "line 3: run '1' of client 'c' is there, but different: the row of run '1' of client 'c' was not written by "
    )


REAL = {
    "travis-2012-2015-builds.csv": (
        "Build,Project,Status,Start Time,Commit,Source Churn",
        "775937,BaseXdb/basex,failed,2012-03-01T22:25:44Z,ea9b1678901dd6a5412fbdb8bb10f00e66e5e7b0,66",
        "1023923,BaseXdb/basex,canceled,2012-04-05T11:02:14Z,183d6be1459b5851a089297f99280dc1ba3606b3,2940",
    ),
    "wfinstances-tasks.csv": (
        "Run,Task,Run Executed At,Cores",
        "a,1,20200407T151432+0000,2",
        "a,2,12-22-20T01:12:23Z,2",
        "a,3,2020-12-28T04:29:02+00:00,",
        "a,4,2023-03-27T13:54:12-10:00,",
    ),
}
"""Lines of two histories as their sources wrote them: without any end, and with four notations of time."""


def test_an_end_that_the_file_does_not_know_is_given_or_its_row_is_refused(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "builds.csv"
    file.write_text("\n".join(REAL["travis-2012-2015-builds.csv"]))
    mapping = [
        *("--column", "run_id=Build", "--column", "client_id=Project", "--column", "status=Status"),
        *("--column", "started_at=Start Time", "--status", "canceled=Cancelled", "--rest-as-metrics"),
    ]
    done = runledger("import", str(file), *mapping, store=store, code=1)
    words = "but ended_at is empty: if the file does not know it, give --ended-at started_at."
    assert done.stderr == f"line 2: the status is Failed, {words}\nline 3: the status is Cancelled, {words}\n"
    runledger("import", str(file), *mapping, "--ended-at", "started_at", store=store)
    assert [record.duration for record in everything(store)] == [timedelta(), timedelta()]
    assert everything(store)[1].metrics == {
        "Commit": "ea9b1678901dd6a5412fbdb8bb10f00e66e5e7b0",
        "Source Churn": 66,
    }


def test_each_notation_of_time_is_given_or_its_row_is_refused(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "tasks.csv"
    file.write_text("\n".join(REAL["wfinstances-tasks.csv"]))
    mapping = [
        *("--column", "run_id=Run", "--column", "client_id=Task", "--column", "started_at=Run Executed At"),
        *("--default-status", "Running"),
    ]
    done = runledger("import", str(file), *mapping, store=store, code=1)
    assert done.stderr == (
        "line 3: Run Executed At '12-22-20T01:12:23Z' is not an ISO time: give --time-format, such as epoch, epoch-ms "
        "or '%d.%m.%Y %H:%M'.\n"
    )
    formats = ["--time-format", "iso", "--time-format", "%m-%d-%yT%H:%M:%S%z"]
    done = runledger("import", str(file), *mapping, *formats, store=store)
    assert done.stdout == "4 rows: 1 loaded, 3 already there, 0 refused\n"
    assert {record.key.client_id: record.started_at.isoformat() for record in everything(store)} == {
        "1": "2020-04-07T15:14:32+00:00",
        "2": "2020-12-22T01:12:23+00:00",
        "3": "2020-12-28T04:29:02+00:00",
        "4": "2023-03-27T23:54:12+00:00",
    }


def test_the_options_for_a_file_reach_its_reader(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("run_id;client_id;status;started_at; n;n,m\n1;a;NULL;1290050512;7;None\n")
    options = ["--delimiter", ";", "--null", "NULL", "--null", "None", "--default-status", "Running"]
    options += ["--time-format", "epoch", "--rest-as-metrics"]
    done = runledger("import", str(file), *options, store=store, code=2)
    said = "the column ' n' cannot become a metric (metric name ' n' begins or ends with white space: remove it where "
    assert f"{said}the value is made): rename it in the file, or give --skip-column ' n'." in " ".join(
        done.stderr.replace("\n", " ").split()
    ).replace("│ ", "")
    done = runledger("import", str(file), *options, "--skip-column", "m", store=store, code=2)
    assert "the file has no column 'm': say which it is with --skip-column …" in done.stderr
    runledger("import", str(file), *options, "--skip-column", " n", store=store)
    [record] = everything(store)
    assert (record.started_at.isoformat(), record.metrics) == ("2010-11-18T03:21:52+00:00", {})
    lines = [f'{{"run_id": {n}, "client_id": "b", "status": "Running", "started_at": 5, " n": 1}}\n' for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    jsonl = ["--time-format", "epoch-ms", "--rest-as-metrics"]
    done = runledger("import", str(tmp_path / "a.jsonl"), *jsonl, store=store, code=1)
    assert len(done.stderr.splitlines()) == 1, "a column is named once, and not for each row"
    assert done.stdout == "3 rows: 0 loaded, 0 already there, 3 refused\n"


@pytest.mark.parametrize("digits", ["12900505", "1290050512", "1290050512345"])
def test_bare_digits_are_no_time(store: Path, tmp_path: Path, digits: str) -> None:
    (tmp_path / "a.csv").write_text(f"run_id,client_id,status,started_at\n1,a,Running,{digits}\n")
    done = runledger("import", str(tmp_path / "a.csv"), "--timezone", "UTC", store=store, code=1)
    assert done.stderr.startswith(f"line 2: started_at '{digits}' is not an ISO time: give --time-format")
    for option in ("--since", "--until"):
        assert f"'{digits}' is not a time" in runledger("list", option, digits, store=store, code=2).stderr


def test_the_commands_of_the_page_load_the_histories(store: Path, tmp_path: Path) -> None:
    for name, lines in REAL.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    commands = "".join(text for _, text in blocks("docs/files.md", "sh")).replace("\\\n", "").splitlines()
    shown = [command for command in commands if command.startswith("runledger import ")]
    assert len(shown) == len(REAL)
    for command in shown:
        words = [str(tmp_path / word) if word.endswith(".gz") else word for word in shlex.split(command)]
        done = runledger(*words[1:], store=store)
        assert (done.stdout[-33:], done.stderr) == ("loaded, 0 already there, 0 refused\n"[-33:], "")
    assert len(everything(store)) == sum(len(lines) - 1 for lines in REAL.values())


def test_the_command_of_the_page_brings_some_runs_to_another_store(store: Path, tmp_path: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("r", "acme", metrics={"Posts": 1}).update(note="half way")
        ledger.start("s", "bolt")
    [command] = [
        line for line in "".join(text for _, text in blocks("docs/files.md", "sh")).splitlines() if " | " in line
    ]
    program = command.replace("runledger ", f"{' '.join(RUNLEDGER)} ")
    subprocess.run(["sh", "-c", program], env=environment(store), cwd=tmp_path, capture_output=True, check=True)
    assert runs_with_logs(tmp_path / "acme.db") == [run for run in runs_with_logs(store) if run.key.run_id == "r"]


def test_an_interrupted_import_says_so_and_goes_on_when_it_is_made_again(store: Path) -> None:
    row = '{{"run_id": "{}", "client_id": "acme", "status": "Running", "started_at": "2025-11-24T08:15:00Z"}}\n'
    rows = [row.format(number) for number in range(2500)]
    runledger("import", "-", store=store, given=rows[0])
    command = [*RUNLEDGER, "import", "-", "--verbose"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(store), stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.writelines(rows)
        process.stdin.flush()  # the end of the file never comes
        assert process.stderr.readline() == "line 1: run '0' of client 'acme' is there already\n"  # of the first batch
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        counts = process.stdout.read()
    assert process.returncode == 130
    assert said == (
        "runledger: interrupted: the rest of the file is not loaded: import it again, and what is there already stays "
        "as it is.\n"
    )
    assert counts == "2,000 rows: 1,999 loaded, 1 already there, 0 refused\n"
    again = runledger("import", "-", store=store, given="".join(rows))
    assert again.stdout == "2,500 rows: 500 loaded, 2,000 already there, 0 refused\n"


def test_rows_of_several_kinds_beyond_those_listed_are_counted_in_words(store: Path) -> None:
    row = '{{"run_id": "{}", "client_id": "acme", "status": "{}", "started_at": "2025-11-24T08:15:00Z"}}\n'
    runledger("import", "-", store=store, given=row.format("r", "Running"))
    different = row.format("r", "Running").replace("08:15", "08:16")
    done = runledger("import", "-", store=store, given=different + row.format("s", "") * 101, code=1)
    assert "… 2 rows of these kinds more; --verbose lists them too.\n" in done.stderr
    done = runledger("import", "-", store=store, given=different + row.format("s", "") * 100, code=1)
    assert "… 1 row of these kinds more; --verbose lists them too.\n" in done.stderr
