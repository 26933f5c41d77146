"""Rows that cannot be read, and duplicates: every command says on standard error what it left out, and why."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from airtable_base import BASE, METRIC_COLUMNS, TABLE, TOKEN, AirtableBase, served
from commands import runledger

from airtable_local import Request, Response, Token
from airtable_local.tokens import SCOPES
from runledger.adapters.airtable import TURNS, Columns, RateLimit, Turns

STATUS, START = Columns().status, Columns().started_at or ""
Ask = Callable[..., CompletedProcess[str]]


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(*METRIC_COLUMNS) as base:
        # The base's clock moves when somebody sleeps.
        at = base.server.url, BASE
        TURNS[at] = Turns(limit=RateLimit(requests=10**6), sleep=base.clock.sleep)
        yield base
        del TURNS[at]


@pytest.fixture
def ask(base: AirtableBase) -> Ask:
    def ask(*arguments: str, code: int = 0) -> CompletedProcess[str]:
        return runledger(*arguments, store=base.store_url, code=code, AIRTABLE_API_KEY=TOKEN)

    ask("start", "r", "good")
    for client in ("a", "b", "c"):
        ask("start", "r", client)
    fields = {row["fields"][Columns().client_id]: row["fields"] for row in base.rows()}
    base.delete_all()
    base.insert(fields["good"])
    for client, change in (("a", {STATUS: "Done"}), ("b", {STATUS: "Done"}), ("c", {START: None})):
        base.insert({name: value for name, value in {**fields[client], **change}.items() if value is not None})
    return ask


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["list"], 0),
        (["list", "--json"], 0),
        (["latest"], 9),
        (["summary"], 9),
        (["export"], 9),
    ],
)
def test_a_command_says_once_per_reason_how_many_rows_it_left_out(ask: Ask, command: list[str], code: int) -> None:
    done = ask(*command, code=code)
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("runledger: 2 rows left out: ")
    assert "Done" in lines[0]
    assert lines[1].startswith("runledger: 1 row left out: ")
    assert "\n" not in lines[1]
    assert done.stdout


@pytest.mark.parametrize(
    "command",
    ["list", "latest", "summary", "export", "stale --older-than 0s", "update r a --note x", "start r z"],
)
@pytest.mark.parametrize("part", ["run_id", "client_id", "status", "started_at"])
def test_a_column_of_the_mapping_that_is_not_there_is_named_with_those_that_are(
    base: AirtableBase, command: str, part: str
) -> None:
    for client in ("a", "b"):
        runledger("start", "r", client, store=base.store_url, AIRTABLE_API_KEY=TOKEN)
    renamed = f"{base.store_url}&{part}=Job"
    done = runledger(*command.split(), store=renamed, code=7, AIRTABLE_API_KEY=TOKEN)
    said = f"there is no column 'Job': name another with {part}=COLUMN in the store URL, or add it. The table has "
    assert done.stderr.startswith(f"runledger: {said}the columns 'Run ID', 'Client ID', ")
    assert done.stderr.count("\n") == 1
    assert len(base.rows()) == 2


def test_without_the_right_to_read_the_schema_only_the_missing_column_is_named() -> None:
    writer = "patWriter.0123456789abcdef"
    with served(tokens=(Token(writer, scopes=SCOPES - {"schema.bases:read"}),)) as base:
        base.insert({Columns().run_id: "r", Columns().client_id: "a", STATUS: "Running"})
        done = runledger("list", store=f"{base.store_url}&run_id=Job", code=7, AIRTABLE_API_KEY=writer)
    assert done.stderr == (
        "runledger: there is no column 'Job': name another with run_id=COLUMN in the store URL, or add it.\n"
    )


def test_what_may_be_stale_but_cannot_be_read_is_reported(ask: Ask) -> None:
    assert ask("stale", "--older-than", "0s", "--exit-code", code=9).stdout.count("\n") == 2
    done = ask("stale", "--older-than", "0s", "--json", code=9)
    assert done.stderr.splitlines() == [
        f"runledger: 2 rows left out: column '{STATUS}' holds 'Done', which is not a status: correct it or map it.",
        f"runledger: 1 row left out: column '{START}' is empty: fill it in.",
    ]
    assert json.loads(done.stdout)["client_id"] == "good"


def test_rows_of_another_status_are_not_read_for_one(ask: Ask, base: AirtableBase) -> None:
    ask("complete", "r", "good")
    handle, rows = base.service.handle, list[dict[str, str]]()

    def handle_and_note(request: Request) -> Response:
        response = handle(request)
        if "filterByFormula" in request.url:
            rows.extend(record["fields"] for record in json.loads(response.body)["records"])
        return response

    base.service.handle = handle_and_note  # type: ignore[method-assign]
    done = ask("list", "--status", "running", "--json")
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    assert sorted(row[Columns().client_id] for row in rows) == ["a", "b", "c"]


def test_what_was_left_out_does_not_hide_what_is_there(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    assert ask("export", str(file), code=9).stdout == f"1 run written to {file}\n"
    assert json.loads(file.read_text())["client_id"] == "good"
    assert json.loads(ask("summary", "--json", code=9).stdout)["runs"] == 1


def test_an_update_of_a_duplicated_run_says_so(ask: Ask, base: AirtableBase) -> None:
    (good,) = [row for row in base.rows() if row["fields"][Columns().client_id] == "good"]
    base.clock.sleep(60)  # so that it is younger
    base.insert(good["fields"])
    done = ask("update", "r", "good", "--note", "still here")
    assert "runledger: run 'r' of client 'good' is duplicated: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert f"{good['id']} is the run's record; remove rec" in done.stderr
    assert TABLE not in done.stderr


def test_a_mistyped_table_is_answered_in_one_sentence(base: AirtableBase) -> None:
    url = base.store_url.replace("Runs", "Rums")
    for command in ("list", "start r c", "update r c"):
        assert runledger(*command.split(), store=url, code=7, AIRTABLE_API_KEY=TOKEN).stderr == (
            "runledger: Airtable refused the request: the base or the table is not there, or the token may not see it "
            "(INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND): see `runledger doctor`.\n"
        )
