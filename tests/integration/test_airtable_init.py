import json

import pytest
from operated_base import BASE, OPERATOR, READER, operated

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
