"""`runledger missing`: the list of call sites on terminals, in pipes and as JSON; docs/command-line.md shows it."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import environment, on_a_terminal, runledger
from documents import blocks, typed

from runledger import EventKind, RunEvent, RunKey
from runledger.kept_events import KeptEvents

AT = datetime(2025, 11, 24, 8, 15, 7, 123_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCORE, SEND, START = "/srv/jobs/score.py:43 in score", "/srv/jobs/send\x1b[31m.py:7 in send", "/srv/jobs/go.py:3 in go"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three updates from one call site, one from another whose path and ids steer a terminal, and a failed start."""
    file = tmp_path / "missing.db"
    kept = KeptEvents(file)
    for number, client in enumerate(("acme", "bolt", "core")):
        key = RunKey("251124-081500", client)
        kept(RunEvent(kind=EventKind.MISSING, key=key, at=AT + number * HOUR, call_site=SCORE))
    kept(RunEvent(kind=EventKind.MISSING, key=RunKey("r\u202e\u200b", "c"), at=AT + 5 * HOUR, call_site=SEND))
    kept(RunEvent(kind=EventKind.START_FAILED, key=None, at=AT, call_site=START))
    assert kept.flush(60)
    return file


def test_a_pipe_gets_tab_separated_lines_the_most_frequent_first(file: Path) -> None:
    done = runledger("missing", str(file), code=1)
    assert done.stdout.splitlines() == [
        "event\tcount\tfirst\tlast\trun id\tclient id\tcall site",
        "run_missing\t3\t2025-11-24T08:15:07.123Z\t2025-11-24T10:15:07.123Z\t251124-081500\tcore\t" + SCORE,
        f"start_failed\t1\t2025-11-24T08:15:07.123Z\t2025-11-24T08:15:07.123Z\t\t\t{START}",
        "run_missing\t1\t2025-11-24T13:15:07.123Z\t2025-11-24T13:15:07.123Z\tr\\u202e\\u200b\tc\t"
        "/srv/jobs/send\\u001b[31m.py:7 in send",
    ]


def test_a_terminal_gets_a_table(file: Path) -> None:
    said = on_a_terminal("missing", str(file), store=":", columns=120, NO_COLOR="1")
    assert said.splitlines() == [
        "Times  First (UTC)       Last (UTC)        Newest run     Client  Call site",
        "    3  2025-11-24 08:15  2025-11-24 10:15  251124-081500  core    /srv/jobs/score.py:43 in score",
        "    1  2025-11-24 08:15  2025-11-24 08:15                         /srv/jobs/go.py:3 in go (failed start)",
        "    1  2025-11-24 13:15  2025-11-24 13:15  r\\u202e\\u200b  c       /srv/jobs/send\\u001b[31m.py:7 in send",
    ]


def test_a_narrow_terminal_gets_some_lines_for_each_call_site(file: Path) -> None:
    said = on_a_terminal("missing", str(file), store=":", columns=40, NO_COLOR="1")
    assert said.splitlines()[:12] == [
        SCORE,
        "  3 times",
        "  first 2025-11-24 08:15 UTC",
        "  last 2025-11-24 10:15 UTC",
        "  newest: 251124-081500",
        "    of core",
        f"{START} (failed start)",
        "  1 time",
        "  first 2025-11-24 08:15 UTC",
        "  last 2025-11-24 08:15 UTC",
        "/srv/jobs/send\\u001b[31m.py:7 in send",
        "  1 time",
    ]
    assert "  newest: r\\u202e\\u200b\n    of c\n" in said
    assert "\x1b[31m" not in said


@pytest.mark.parametrize(("columns", "is_table"), [(104, True), (103, False)])
def test_a_table_is_printed_where_it_just_fits(file: Path, columns: int, is_table: bool) -> None:
    said = on_a_terminal("missing", str(file), store=":", columns=columns, NO_COLOR="1")
    assert said.startswith("Times") is is_table


def test_times_may_be_local(file: Path) -> None:
    said = on_a_terminal("missing", str(file), "--local", store=":", columns=120, NO_COLOR="1", TZ="Asia/Tokyo")
    assert "First (local)" in said
    assert "2025-11-24 17:15" in said
    assert "leave out --local" in runledger("missing", str(file), "--local", "--json", code=2).stderr


def test_json_has_the_values_as_they_are(file: Path) -> None:
    lines = runledger("missing", str(file), "--json", code=1).stdout.splitlines()
    first, second, third = map(json.loads, lines)
    assert first == {
        "event": "run_missing",
        "call_site": SCORE,
        "count": 3,
        "first_at": "2025-11-24T08:15:07.123Z",
        "last_at": "2025-11-24T10:15:07.123Z",
        "run_id": "251124-081500",
        "client_id": "core",
    }
    assert (second["run_id"], second["client_id"]) == (None, None)
    assert (third["run_id"], third["call_site"]) == ("r\u202e\u200b", SEND)
    assert "\u202e" not in lines[2]


def test_since_leaves_out_call_sites_where_it_no_longer_happens(file: Path) -> None:
    def sites(since: str) -> list[str]:
        done = runledger("missing", str(file), "--json", "--since", since, code=1)
        return [json.loads(line)["call_site"] for line in done.stdout.splitlines()]

    assert sites("2025-11-24T10:15:07.123Z") == [SCORE, SEND]
    assert sites("2025-11-24T10:15:07.124Z") == [SEND]
    done = runledger("missing", str(file), "--since", "2025-11-25")
    assert done.stdout == ""
    assert done.stderr == "No update of a missing run and no failed start since 2025-11-25 00:00 UTC.\n"
    assert runledger("missing", str(file), "--json", "--since", "2025-11-25").stdout == ""


def test_where_there_is_none_the_answer_says_since_when_and_the_exit_code_is_0(tmp_path: Path) -> None:
    file = tmp_path / "missing.db"
    kept = KeptEvents(file)
    kept(RunEvent(kind=EventKind.STARTED, key=RunKey("r", "acme"), at=AT))
    assert kept.flush(60)
    nothing = "No update of a missing run and no failed start since 2025-11-24 08:15 UTC.\n"
    assert on_a_terminal("missing", str(file), store=":") == nothing
    assert runledger("missing", str(file)).stderr == nothing
    assert runledger("missing", str(file), "--since", "2025-11-01").stderr == nothing


def test_a_file_that_is_missing_or_another_one_is_not_taken_for_a_clean_one(tmp_path: Path) -> None:
    done = runledger("missing", str(tmp_path / "no\x1b.db"), code=7)
    assert done.stderr == (
        f"runledger: there is no file {tmp_path}/no\\u001b.db: correct the path, or see that a service keeps its "
        "events there.\n"
    )
    runledger("start", "r", "acme", store=tmp_path / "runs.db")
    other = runledger("missing", str(tmp_path / "runs.db"), code=7)
    assert "is not a file of kept events of this version: give another path.\n" in other.stderr
    assert "Missing argument 'FILE'" in runledger("missing", code=2).stderr


def test_a_path_that_cannot_be_looked_at_is_no_fault_of_the_output(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)
    done = runledger("missing", str(long), code=7)
    assert done.stderr == f"runledger: {long} cannot be read (File name too long): correct the path, or allow it.\n"
    (tmp_path / "file").touch()
    done = runledger("missing", str(tmp_path / "file" / "missing.db"), code=7)
    assert "cannot be read (Not a directory)" in done.stderr


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [(_, code)] = blocks("docs/command-line.md", "python")
    (tmp_path / "nightly.py").write_text(code)
    subprocess.run([sys.executable, "nightly.py"], env=environment(), cwd=tmp_path, check=True, capture_output=True)
    [console] = [text for _, text in blocks("docs/command-line.md", "console") if "runledger missing" in text]
    [(command, shown)] = typed(console)
    said = on_a_terminal(*command.split()[1:], store=":", columns=200, NO_COLOR="1")
    said = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2025-11-24 08:15", said).replace(str(tmp_path), "/srv/jobs")
    assert said == shown
