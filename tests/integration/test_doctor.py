import json
import os
import pty
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands import RUNLEDGER, environment, runledger
from operated_base import BASE, NUMBER, OPERATOR, READER, operated
from postgres_server import admin, fresh_database
from psycopg import sql

from airtable_local import Column
from runledger import RunStatus
from runledger.adapters.airtable import Columns
from runledger.adapters.airtable.findings import column_findings
from runledger.testing.airtable import run_table


def test_a_sqlite_file_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    done = runledger("doctor", store=tmp_path / "runs.db")
    assert done.stdout == f"note  there is no file {tmp_path}/runs.db: `runledger init` or the first start makes it\n"
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_in_sqlite_fits(tmp_path: Path) -> None:
    runledger("init", store=tmp_path / "runs.db")
    before = (tmp_path / "runs.db").read_bytes()
    done = runledger("doctor", store=tmp_path / "runs.db")
    assert done.stdout == f"ok    {tmp_path}/runs.db is a ledger of this version, and may be written\n"
    assert (tmp_path / "runs.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


def test_a_sqlite_file_that_somebody_writes_to_needs_no_mending(tmp_path: Path) -> None:
    runledger("init", store=tmp_path / "runs.db")
    with closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        done = runledger("doctor", store=tmp_path / "runs.db")
    assert done.stdout.startswith(f"note  {tmp_path}/runs.db is locked by another process just now")


def test_an_empty_sqlite_file_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "runs.db").touch()
    assert "is empty: `runledger init`" in runledger("doctor", store=tmp_path / "runs.db").stdout
    assert (tmp_path / "runs.db").read_bytes() == b""


def test_alert_urls_that_can_and_cannot_be_used_are_pointed_out_without_their_secrets(tmp_path: Path) -> None:
    runledger("init", store=tmp_path / "runs.db")
    mail = "mailto://jobs:s3cr3t@mail.example.com?to=team@example.com"
    urls = f"{mail}  https://s3cr3t.example.com/s3cr3t slck://s3cr3t nonsense"
    found = runledger("doctor", store=tmp_path / "runs.db", RUNLEDGER_ALERT_URL=urls)
    told = "RUNLEDGER_ALERT_URL: the alert URL"
    assert found.stdout.splitlines() == [
        f"ok    {told} mailto://… can be used; nothing was sent",
        f"note  {told} https://… cannot be used: for a webhook of your own, write jsons:// instead. No alerts are sent "
        "there.",
        f"note  {told} slck://… cannot be used: Apprise knows no service with this scheme, so correct it. No alerts "
        "are sent there.",
        f"note  {told} is not of the form scheme://…: write it like mailto://user:password@mail.example.com. No alerts "
        "are sent there.",
        f"ok    {tmp_path}/runs.db is a ledger of this version, and may be written",
    ]
    assert found.stderr == ""


def test_alert_urls_are_looked_at_although_the_store_is_away() -> None:
    away = "postgresql://127.0.0.1:9/x"
    found = runledger("doctor", store=away, code=6, RUNLEDGER_ALERT_URL="nonsense").stdout
    assert found.startswith("note  RUNLEDGER_ALERT_URL: ")


def test_what_is_no_ledger_in_sqlite_wants_mending(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    (tmp_path / "text.db").write_text("not a database at all, but long enough to be looked at" * 100)
    for name, words in [
        ("other.db", "a database of another application"),
        ("text.db", "is not a SQLite database: choose another file"),
        ("no/folder/runs.db", f"there is no folder {tmp_path}/no/folder: make it"),
    ]:
        done = runledger("doctor", store=tmp_path / name, code=7)
        assert done.stdout.startswith("fix   ")
        assert words in done.stdout


AS_A_USER = """
import os, sys
import runledger.adapters.sql.sqlite
from runledger.cli.doctor import examine
if os.geteuid() == 0:  # who may write everything
    os.setgroups([])
    os.setuid(65534)
for finding in examine(f"sqlite:///{sys.argv[1]}"):
    print(finding.verdict.value, finding.what)
"""


@pytest.mark.parametrize(("of_folder", "of_file"), [(0o755, 0o600), (0o777, 0o600), (0o700, 0o644)])
def test_a_sqlite_file_that_may_not_be_read_is_said_before_what_may_not_be_written(
    of_folder: int, of_file: int
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        path = Path(name) / "runs.db"
        runledger("init", store=path)
        path.chmod(of_file)
        path.parent.chmod(of_folder)
        done = subprocess.run([sys.executable, "-c", AS_A_USER, path], check=True, stdout=subprocess.PIPE, text=True)
        assert done.stdout == f"fix the file {path} may not be read\n"


def test_what_may_not_be_written_in_sqlite_wants_mending() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # which another user can reach
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("file", "folder"):
            (folder / part).mkdir()
            runledger("init", store=folder / part / "runs.db")
        (folder / "file").chmod(0o777)
        (folder / "file" / "runs.db").chmod(0o444)
        (folder / "folder").chmod(0o555)
        seen = [
            subprocess.run(
                [sys.executable, "-c", AS_A_USER, folder / part / "runs.db"],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            for part in ("file", "folder")
        ]
        assert [each.stdout for each in seen] == [
            f"fix the file {folder}/file/runs.db may not be written\n",
            f"fix the folder {folder}/folder may not be written\n",
        ]
        (folder / "folder").chmod(0o755)


def test_postgresql_is_looked_at_with_the_eyes_of_its_role() -> None:
    with fresh_database() as url:
        done = runledger("doctor", store=url, code=7)
        assert "fix   there are no tables runs and run_notes: `runledger init` makes them\n" in done.stdout
        assert runledger("init", store=url).stdout == "The store is ready.\n"
        done = runledger("doctor", store=url)
        assert "ok    the role may INSERT on runs\n" in done.stdout
        database = url.rpartition("/")[2]
        with admin() as connection:
            role = f"updater_{database}"
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'hush'").format(sql.Identifier(role)))
        try:
            runledger_as = f"postgresql://{role}:hush@" + url.split("@", 1)[1]
            assert "fix   the role may not SELECT on runs" in runledger("doctor", store=runledger_as, code=7).stdout
            _grant(url, "SELECT, UPDATE ON runs", role)
            done = runledger("doctor", store=runledger_as, code=7)
            advice = f"it cannot add notes to runs; GRANT INSERT ON run_notes TO {role} if it should"
            assert f"fix   the role may not INSERT on run_notes: {advice}\n" in done.stdout
            _grant(url, "SELECT, INSERT ON run_notes", role)
            done = runledger("doctor", store=runledger_as)
            assert "note  the role may not INSERT on runs: it cannot start runs" in done.stdout
            assert "hush" not in done.stdout
        finally:
            _drop(url, role)


def _grant(url: str, rights: str, role: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("GRANT " + rights + " TO {}").format(sql.Identifier(role)))


def _drop(url: str, role: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(role)))


def test_a_store_that_does_not_answer_or_is_unknown_is_told() -> None:
    runledger("doctor", store="postgresql://postgres:hush@127.0.0.1:1/x", code=6)
    done = runledger("doctor", "--json", store="mysql://u:hush@h/x", code=7)
    assert json.loads(done.stdout)["verdict"] == "fix"
    assert "hush" not in done.stdout
    done = runledger("doctor", store="runs.db", code=7)
    assert done.stdout.startswith("fix   the store URL has no scheme: for the file runs.db write sqlite:///runs.db")
    assert runledger("doctor", store="memory://").stdout == "ok    the store of memory:// opens\n"


def test_a_base_that_fits_needs_no_change() -> None:
    with operated(run_table("Runs", [NUMBER, Column("Start Mark")])) as base:
        fitting: dict[str, Any] = {"number": "Number", "start_mark": "Start Mark"}
        done = base.runledger("doctor", "--json", **fitting)
        assert base.writes() == []
        table = json.loads(base.runledger("doctor", "--json").stdout.splitlines()[2])["advice"].split(", ")[1]
        done = base.runledger("doctor", "--json", table=table, **fitting)
    assert {json.loads(line)["verdict"] for line in done.stdout.splitlines()} == {"ok"}


@pytest.mark.parametrize(
    ("token", "table", "options", "line"),
    [
        ("patWrong.0", "Runs", {}, "fix   Airtable does not accept the token"),
        ("\t", "Runs", {}, "fix   Airtable needs a personal access token"),
        (OPERATOR, "Jobs", {}, "fix   the base has no table 'Jobs': `runledger init` makes it"),
        (READER, "Runs", {}, "fix   the token cannot write its records (403 INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND)"),
        (READER, "Runs", {}, "note  the token cannot read the types of columns: give it the scope"),
        (READER, "Runs", {"log": "Log"}, "fix   there is no column 'Log': add it, or map it in the store URL"),
        (READER, "Runs", {"log": "Log"}, "ok    column 'Error Details' exists"),
        (READER, "Jobs", {}, "fix   the table's records cannot be read (403"),
    ],
)
def test_what_is_wrong_with_a_base_is_said(token: str, table: str, options: Mapping[str, str], line: str) -> None:
    with operated(run_table("Runs")) as base:
        done = base.runledger("doctor", table=table, token=token, code=7, **options)
        assert any(each.startswith(line) for each in done.stdout.splitlines()), done.stdout
        assert base.writes() == []


def test_a_base_that_the_token_does_not_reach_is_named() -> None:
    with operated(run_table("Runs")) as base:
        url = base.url().replace(BASE, "appAnotherBase000")
        done = runledger("doctor", store=url, code=7, AIRTABLE_API_KEY=OPERATOR)
    assert "fix   the token has no access to the base appAnotherBase000: add the base to the token" in done.stdout


COLUMNS = Columns(
    number="No", start_mark="Mark", metrics={"Tokens": "Token Count"}, statuses={RunStatus.FAILED: "Error"}
)
STATUSES = [{"name": COLUMNS.label(status)} for status in RunStatus]


@pytest.mark.parametrize(
    ("name", "kind", "options", "line"),
    [
        ("Run ID", "singleLineText", {}, "ok column 'Run ID' is single line text"),
        ("Run ID", "multilineText", {}, "note column 'Run ID' is long text, without rich text formatting"),
        ("Run ID", "richText", {}, "fix column 'Run ID' is long text with rich text formatting"),
        ("Run ID", "number", {}, "fix column 'Run ID' is number"),
        ("run id", "singleLineText", {}, "fix there is no column 'Run ID', but 'run id'"),
        ("Status", "singleLineText", {}, "fix column 'Status' is single line text"),
        ("Status", "singleSelect", {"choices": STATUSES}, "ok column 'Status' has a choice for each status"),
        ("Status", "singleSelect", {"choices": STATUSES[1:]}, "fix column 'Status' lacks the choices 'Running'"),
        (
            "Status",
            "singleSelect",
            {"choices": [*STATUSES, {"name": "Failed"}]},
            "note column 'Status' has choices that no status is mapped to, 'Failed'",
        ),
        ("Start Time", "dateTime", {}, "ok column 'Start Time' is date with the time included"),
        ("Start Time", "date", {}, "fix column 'Start Time' is date without a time"),
        ("Start Time", "createdTime", {}, "fix column 'Start Time' is createdTime"),
        ("Progress Log", "richText", {}, "fix column 'Progress Log' is long text with rich text formatting"),
        ("Progress Log", "singleLineText", {}, "fix column 'Progress Log' is single line text"),
        ("No", "autoNumber", {}, "ok column 'No' is autonumber"),
        ("No", "number", {}, "fix column 'No' is number"),
        ("Mark", "singleLineText", {}, "ok column 'Mark' is single line text"),
        ("Mark", "number", {}, "fix column 'Mark' is number"),
        ("x", "singleLineText", {}, "fix there is no column 'No'"),
        ("x", "singleLineText", {}, "fix there is no column 'Token Count' for the metric 'Tokens'"),
        (
            "Token Count",
            "number",
            {"precision": 2},
            "ok column 'Token Count' (number) accepts a number as a metric, with 2 decimals; "
            "a loss of precision is reported",
        ),
        (
            "Notes",
            "richText",
            {},
            "note column 'Notes' (long text with rich text formatting) may alter text",
        ),
        ("Cost", "formula", {}, "ok column 'Cost' (formula) is computed: it can be read as a metric, but not set"),
        (
            "Files",
            "multipleAttachments",
            {},
            "ok column 'Files' (multipleAttachments) cannot hold a metric, and is ignored",
        ),
    ],
)
def test_a_column_fits_or_it_is_said_why_not(name: str, kind: str, options: dict[str, object], line: str) -> None:
    found = column_findings(COLUMNS, [{"name": name, "type": kind, "options": options}])
    assert line in [f"{each.verdict.value} {each.what}" for each in found]


def test_an_autonumber_that_nobody_uses_is_pointed_out() -> None:
    for columns, words in [([Column("No 1", "autoNumber")], "number=No%201"), ([], "add one by hand")]:
        with operated(run_table("Runs", columns)) as base:
            assert words in base.runledger("doctor").stdout


def test_a_url_without_a_column_for_marks_is_pointed_out() -> None:
    cost = "note  without a column for marks, a retried start recognises its record by start time and client name: "
    for columns, advice in [([Column("start mark")], "start_mark=start%20mark\n"), ([], "add one (single line text)")]:
        with operated(run_table("Runs", columns)) as base:
            found = base.runledger("doctor").stdout
            assert cost in found
            assert advice in found
            assert cost not in base.runledger("doctor", start_mark="Mark", code=7).stdout


def test_a_terminal_of_80_columns_shows_every_line_whole() -> None:
    with operated(run_table("Runs")) as base:
        leader, follower = pty.openpty()
        variables = {"COLUMNS": "80", "NO_COLOR": "1", "AIRTABLE_API_KEY": OPERATOR}
        subprocess.run(
            [*RUNLEDGER, "doctor"], env=environment(base.url("Nope"), **variables), stdout=follower, check=False
        )
        os.close(follower)
        shown = os.read(leader, 10_000).decode().splitlines()
        os.close(leader)
    assert max(map(len, shown)) <= 80
    assert shown[2].startswith("fix   the base has no table 'Nope'")
    assert shown[3].startswith("      ")


def test_a_command_that_is_advised_needs_the_store_that_the_doctor_was_given(tmp_path: Path) -> None:
    """Without it, the command would make a store in the person's data directory."""
    url = f"sqlite:///{tmp_path}/runs.db"
    reminder = "`runledger init` needs the same --store.\n"
    assert runledger("doctor", "--store", url).stderr == reminder
    assert runledger("doctor", store=url).stderr == ""
    runledger("init", store=url)
    assert runledger("doctor", "--store", url).stderr == ""
