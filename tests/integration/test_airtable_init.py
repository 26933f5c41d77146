import json
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest
from commands import on_a_terminal
from operated_base import BASE, OPERATOR, READER, OperatedBase, operated

from airtable_local import Column, Fault, FaultKind, Request, Table
from runledger import RunStatus, connect
from runledger.testing.airtable import run_table


def test_init_makes_a_table_that_the_ledger_can_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRTABLE_API_KEY", OPERATOR)
    with operated() as base:
        done = base.runledger("init", table="Job runs")
        assert done.stdout.startswith("ok    made the table 'Job runs', whose id is tbl")
        assert "add one by hand (the API cannot), and name it in the store URL" in done.stdout
        with connect(base.url("Job runs"), observers=()) as ledger:
            run = ledger.start("251124-081500", "acme", client_name="Acme Ltd")
            run.update(note="half way")
            run.complete(with_errors="two of\nthree")
            record = ledger.get("251124-081500", "acme")
            (line,) = ledger.log("251124-081500", "acme")
    assert record.status is RunStatus.COMPLETED_WITH_ERRORS
    assert (record.error, record.notes, line.text) == ("two of\nthree", 1, "half way")


def test_init_follows_the_mapping_and_names_what_is_left_to_do() -> None:
    with operated() as base:
        options = {"updated_at": "", "client_name": "Client", "status.Failed": "Error", "number": "No"}
        done = base.runledger("init", code=7, **options)
        assert "fix   column 'No' is missing: add it by hand as an autonumber; the API cannot\n" in done.stdout
        found = base.runledger("doctor", "--json", code=7, **options).stdout.splitlines()
    asked = [each for each in map(json.loads, found) if each["verdict"] == "fix"]
    assert [each["finding"] for each in asked] == ["there is no column 'No'"]


def test_init_makes_the_column_for_marks_that_the_url_names() -> None:
    with operated() as base:
        without = base.runledger("init", table="Without")
        assert "note  without a column for marks, a retried start recognises its record by " in without.stdout
        assert "for marks" not in base.runledger("init", start_mark="Start Mark").stdout
        base.runledger("start", "--run-id", "r", "--client", "acme", start_mark="Start Mark")
        (row,) = base.rows("Runs")
    assert len(row["fields"]["Start Mark"]) == 16


def test_init_leaves_a_table_that_is_there_and_says_what_the_doctor_says() -> None:
    with operated(run_table("Runs")) as base:
        assert base.runledger("init").stdout == base.runledger("doctor").stdout
        assert base.writes() == []


def test_a_table_that_cannot_be_made_says_which_scopes_are_missing() -> None:
    with operated() as base:
        assert "schema.bases:write" in base.runledger("init", token=READER, code=7).stderr
        done = base.runledger("init", table="tbl0123456789abcd", code=7)
        assert "no table with the id tbl0123456789abcd: give a name" in done.stderr
        assert base.writes() == []
        assert BASE not in done.stdout


BARE = Table(
    "Runs",
    (
        Column("Run ID", "singleLineText"),
        Column("Client ID", "singleLineText"),
        Column("Status", "singleSelect", {"choices": [{"name": status.value} for status in RunStatus]}),
        Column("Tokens", "number", {"precision": 2}),
        Column("Title", "singleLineText"),
    ),
)
"""A table with what a ledger needs at least, and two metrics."""
LACKED = ("Client Name", "Start Time", "End Time", "Updated At", "Progress Log", "Error Details")
METRICS = ("--metric", "Cost:number.4", "--metric", "Memo:text", "--metric", "Paid:checkbox", "--metric", "Due:date")
NEWEST = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


def columns(base: OperatedBase, table: str = "Runs") -> dict[str, tuple[str, Any]]:
    """The columns that a table has: their types, and their decimals."""
    request = Request("GET", f"/v0/meta/bases/{BASE}/tables", {"Authorization": f"Bearer {OPERATOR}"}, b"")
    for found in json.loads(base.service.handle(request).body)["tables"]:
        if found["name"] == table:
            fields = found["fields"]
    return {field["name"]: (field["type"], field.get("options", {}).get("precision")) for field in fields}


def store(base: OperatedBase, monkeypatch: pytest.MonkeyPatch, **metrics: Any) -> Any:
    """What the ledger reads of a run with these metrics, which it wrote before."""
    monkeypatch.setenv("AIRTABLE_API_KEY", OPERATOR)
    with connect(base.url(), observers=()) as ledger:
        ledger.start("r", "acme", client_name="Acme").update(metrics=metrics, note="n")
        return ledger.get("r", "acme").metrics


def test_init_adds_the_columns_that_a_table_lacks_and_those_of_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    with operated(BARE) as base:
        done = base.runledger("init", "--yes", *METRICS, start_mark="Mark")
        added = [*LACKED, "Mark", "Cost", "Memo", "Paid", "Due"]
        assert [line.split("'")[1] for line in done.stderr.splitlines()] == added
        assert [line.split("'")[1] for line in done.stdout.splitlines()[: len(added)]] == added
        assert "ok    added the column 'Cost' (number with 4 decimals)\n" in done.stdout
        assert done.stdout.endswith(base.runledger("doctor", start_mark="Mark").stdout)
        assert len(base.writes()) == len(added)
        values = {"Tokens": 0.25, "Cost": 0.0001, "Memo": "two\nlines", "Paid": True, "Due": NEWEST}
        assert store(base, monkeypatch, **values) == values
        again = base.runledger("init", "--yes", *METRICS, start_mark="Mark")
        assert (again.stderr, again.stdout) == ("", base.runledger("doctor", start_mark="Mark").stdout)


def test_columns_that_the_url_leaves_out_are_not_added() -> None:
    with operated(BARE) as base:
        done = base.runledger("init", "--yes", updated_at="", log="", client_name="Client")
        assert [line.split("'")[1] for line in done.stderr.splitlines()] == [
            "Client",
            "Start Time",
            "End Time",
            "Error Details",
        ]


def test_a_new_table_has_the_columns_of_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    with operated() as base:
        mapping = {"metric.Cost": "Cost USD"}
        done = base.runledger("init", *METRICS, "--metric", "Posts Scored:number", code=0, **mapping)
        assert "metrics need columns" not in done.stdout + done.stderr
        assert done.stderr == ""
        found = columns(base)
        assert found["Cost USD"] == ("number", 4)
        assert (found["Memo"][0], found["Paid"][0], found["Due"][0]) == ("multilineText", "checkbox", "dateTime")
        assert found["Posts Scored"] == ("number", 0)
        assert "Cost" not in found


def test_without_metrics_a_new_table_says_how_to_add_their_columns() -> None:
    with operated() as base:
        advice = "note  metrics need columns: add one for each, by hand or with `runledger init --metric NAME:TYPE`\n"
        assert base.runledger("init").stdout.endswith(advice)


def test_where_nobody_can_be_asked_init_shows_what_it_would_do_and_does_nothing() -> None:
    with operated(BARE) as base:
        done = base.runledger("init", "--metric", "Cost:number", code=2)
        assert (
            "This will add the column 'Updated At' (date with the time included) to the table 'Runs'.\n" in done.stderr
        )
        assert "This will add the column 'Cost' (number with 0 decimals) to the table 'Runs'.\n" in done.stderr
        assert done.stderr.endswith("Error: nobody can be asked here: give --yes to make these changes.\n")
        assert done.stdout == ""
        assert base.writes() == []


@pytest.mark.parametrize(("typed", "is_added"), [("y\n", True), ("n\n", False), ("\n", False), ("\x04", False)])
def test_a_person_is_asked_and_only_yes_adds(typed: str, is_added: bool) -> None:
    table = run_table("Runs")
    with operated(table) as base:
        said = on_a_terminal(
            "init", "--metric", "Cost:number", store=base.url(), columns=200, typed=typed, AIRTABLE_API_KEY=OPERATOR
        )
        assert "This will add the column 'Cost' (number with 0 decimals) to the table 'Runs'.\n" in said
        assert "Make these changes? [y/N]: " in said
        assert ("Nothing was changed." in said) is not is_added
        assert ("Cost" in columns(base)) is is_added


@pytest.mark.parametrize("nth", [1, 3])
def test_a_refusal_in_the_middle_names_what_was_added_before(nth: int) -> None:
    with operated(BARE) as base:
        base.server.faults.arm(
            Fault(FaultKind.STATUS, method="POST", path="/fields$", nth=nth, status=403, after_commit=False)
        )
        done = base.runledger("init", "--yes", code=7)
        added = LACKED[: nth - 1]
        assert f"the column {LACKED[nth - 1]!r} cannot be added (403 " in done.stderr
        before = f"added before that: {', '.join(map(repr, added))}" if added else "no column was added before that"
        assert done.stderr.endswith(f"as docs/airtable.md describes; {before}.\n")
        assert [line.split("'")[1] for line in done.stdout.splitlines()] == list(added)
        assert [name for name in LACKED if name in columns(base)] == list(added)
        base.runledger("init", "--yes")
        assert [name for name in LACKED if name in columns(base)] == list(LACKED)


@pytest.mark.parametrize("commits", [False, True])
def test_an_answer_that_is_lost_in_the_middle_says_to_run_it_again(commits: bool) -> None:
    with operated(BARE) as base:
        base.server.faults.arm(Fault(FaultKind.DROP, method="POST", path="/fields$", nth=2, after_commit=commits))
        done = base.runledger("init", "--yes", code=6)
        note = "`runledger init` adds what is missing when it is run again; added before that: 'Client Name'.\n"
        assert done.stderr.endswith(note)
        base.runledger("init", "--yes")
        assert [name for name in LACKED if name in columns(base)] == list(LACKED)


def test_a_token_that_may_not_change_columns_says_which_scopes_are_missing() -> None:
    with operated(BARE) as base:
        done = base.runledger("init", "--yes", token=READER, code=7)
        assert "the base's tables cannot be read (403 " in done.stderr
        assert "schema.bases:write" in done.stderr
        assert base.writes() == []


@pytest.mark.parametrize(
    ("metric", "finding"),
    [
        ("Tokens:number", None),
        ("Tokens:number.2", None),
        ("Title:text", None),
        ("Tokens:number.3", "column 'Tokens' has 2 decimals, not 3 as asked for"),
        ("Title:number", "column 'Title' is single line text, not number as asked for"),
        ("Tokens:checkbox", "column 'Tokens' is number, not checkbox as asked for"),
        ("tokens:number", "there is no column 'tokens', but 'Tokens'"),
    ],
)
def test_a_column_that_exists_stays_and_one_that_cannot_hold_the_metric_is_named(
    metric: str, finding: str | None
) -> None:
    with operated(BARE) as base:
        before = columns(base)
        done = base.runledger("init", "--yes", "--metric", metric, code=0 if finding is None else 7)
        assert {name: kind for name, kind in columns(base).items() if name not in LACKED} == before
        fixes = [line for line in done.stdout.splitlines() if line.startswith("fix")]
        assert [line.removeprefix("fix   ").partition(":")[0] for line in fixes] == (
            [] if finding is None else [finding]
        )


def test_choices_that_the_status_lacks_are_named_to_add_by_hand() -> None:
    few = Column(
        "Status", "singleSelect", {"choices": [{"name": "Running"}, {"name": "Completed"}, {"name": "Failed"}]}
    )
    table = Table("Runs", tuple(few if each.name == "Status" else each for each in run_table("Runs").columns))
    with operated(table) as base:
        done = base.runledger("init")
        line = "note  column 'Status' lacks the choices 'Completed with Errors', 'Skipped', 'Cancelled': add choices "
        assert (
            f"{line}with exactly these names by hand (the API cannot, so `runledger init` does not), or map"
            in done.stdout
        )
        assert base.writes() == []


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("Tokens", "'Tokens' is not NAME:TYPE: give one of number, text, checkbox, date"),
        ("Tokens:float", "'Tokens:float' is not NAME:TYPE"),
        ("Tokens:number.", "'Tokens:number.' is not NAME:TYPE"),
        ("Tokens:number.x", "'Tokens:number.x' is not NAME:TYPE"),
        ("Tokens:number.9", "'Tokens' cannot have 9 decimals: give 0 to 8."),
        ("Tokens:text.2", "the text 'Tokens' has no decimals: only a number has."),
        (":number", "name of a metric is empty"),
        (" Tokens:number", "begins or ends with white space"),
    ],
)
def test_a_metric_that_cannot_have_a_column_is_one_clear_sentence(metric: str, message: str) -> None:
    with operated(BARE) as base:
        assert message in base.runledger("init", "--metric", metric, code=2).stderr
        assert base.writes() == []


def test_a_metric_whose_column_holds_something_else_is_refused() -> None:
    with operated(BARE) as base:
        done = base.runledger("init", "--yes", "--metric", "Status:text", code=2)
        assert (
            "the metric 'Status' cannot have the column 'Status', which holds something else: rename the" in done.stderr
        )
        twice = base.runledger("init", "--yes", "--metric", "A:text", "--metric", "A:number", code=2)
        assert "'A' is given twice: give it once." in twice.stderr
        assert base.writes() == []


def test_the_doctor_names_the_command_that_adds_what_a_table_lacks() -> None:
    mapping: dict[str, Any] = {"metric.Posts Scored": "Posts", "start_mark": "Mark"}
    with operated(BARE) as base:
        said = base.runledger("doctor", "--json", code=7, **mapping).stdout
        advice = {each["finding"]: each["advice"] for each in map(json.loads, said.splitlines())}
        assert [text.partition(" (")[0] for finding, text in advice.items() if finding.startswith("without")] == [
            "`runledger init` adds it"
        ] * len(LACKED)
        assert advice["there is no column 'Mark'"].startswith("`runledger init` adds it (single line text)")
        text = advice["there is no column 'Posts' for the metric 'Posts Scored'"]
        command = shlex.split(text.split("`")[1])
        assert command == ["runledger", "init", "--metric", "Posts Scored:number"]
        base.runledger(*command[1:], "--yes", **mapping)
        assert "runledger init" not in base.runledger("doctor", **mapping).stdout


def test_of_a_column_that_the_api_cannot_add_no_command_is_named() -> None:
    with operated(BARE) as base:
        said = base.runledger("doctor", code=7, number="No").stdout
        advice = (
            "fix   there is no column 'No': add it by hand (autonumber; the API cannot), or map it in the store URL\n"
        )
        assert advice in said
