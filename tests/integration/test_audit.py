"""`runledger audit`: on a table that people and an older service wrote to, and on stores that are clean."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from airtable_base import BASE, METRIC_COLUMNS, TOKEN, AirtableBase, served
from commands import on_a_terminal, piped_from_a_terminal, runledger

from airtable_local import Column, Request, Response
from runledger import StoreUnavailable, connect
from runledger.adapters.airtable import TURNS, Columns, RateLimit, Turns
from runledger.adapters.airtable.stored_rows import stored_row

Ask = Callable[..., CompletedProcess[str]]
MAPPED = Columns()


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(*METRIC_COLUMNS) as base:
        at = base.server.url, BASE
        TURNS[at] = Turns(limit=RateLimit(requests=10**6), sleep=base.clock.sleep)
        yield base
        del TURNS[at]


@pytest.fixture
def ask(base: AirtableBase) -> Ask:
    def ask(*arguments: str, code: int = 0) -> CompletedProcess[str]:
        return runledger(*arguments, store=base.store_url, code=code, AIRTABLE_API_KEY=TOKEN)

    return ask


def cells(run_id: str | None, client_id: str | None, start: str | None, **more: str) -> dict[str, str]:
    parts = {"run_id": run_id, "client_id": client_id, "started_at": start, "status": "Running", **more}
    return {getattr(MAPPED, part): value for part, value in parts.items() if value is not None}


MORNING, EVENING, NEXT_MONTH = "2025-11-24T08:00:00.000Z", "2025-11-24T20:00:00.000Z", "2025-12-24T08:00:00.000Z"


def test_a_table_of_an_older_service_is_told_row_by_row(ask: Ask, base: AirtableBase) -> None:
    base.insert(cells("251124-1", "acme", MORNING, status="Completed", ended_at=EVENING))
    base.clock.sleep(60)
    base.insert(cells("251124-1", "acme", NEXT_MONTH))  # a "repair"
    base.insert(cells("251124_1", "Acme", MORNING))
    base.insert(cells("251124-2", "acme", EVENING, status="Completed", ended_at=MORNING))
    base.insert(cells("251124-3", "acme", MORNING, status="Failed"))
    base.insert(cells("251124-4", "acme", None))
    base.insert(cells("251124-5", "acme", MORNING, status="Done, probably"))
    base.insert(cells(None, "acme", MORNING))
    base.insert(cells("251124-6", None, MORNING))
    base.server.log.clear()
    told = json.loads(ask("audit", "--running-longer-than", "1d", "--json", code=1).stdout)
    assert not any(entry.changed for entry in base.server.log)
    assert told["rows"] == 9
    assert told["counts"] == {
        "duplicate": {"2025-12": 1},
        "similar keys": {"2025-12": 1},
        "no id": {"2025-11": 2},
        "no start time": {"2025-11": 1},
        "unknown status": {"2025-11": 1},
        "end before start": {"2025-11": 1},
        "no end time": {"2025-11": 1},
        "running too long": {"2025-11": 4, "2025-12": 1},
    }
    first, second, *_ = (row["id"] for row in base.rows())
    duplicate = told["defects"][0]
    assert (duplicate["keep"], duplicate["remove"]) == (first, [second])
    assert told["remove"] == [second]


def test_the_report_for_people_lists_what_to_remove_by_hand(ask: Ask, base: AirtableBase) -> None:
    for _ in range(3):
        base.insert(cells("251124-1", "ac\u202eme", MORNING))
        base.clock.sleep(60)
    first, *others = (row["id"] for row in base.rows())
    told = ask("audit", "--skip", "running-too-long", code=1).stdout
    assert told.splitlines()[0].startswith("3 rows in airtable://")
    assert told.splitlines()[0].endswith(": 1 defect.")
    assert f"'ac\\u202eme': {first} is the run's record; remove {', '.join(others)}" in told
    assert told.endswith(f"2 duplicates to remove by hand:\n  {others[0]}\n  {others[1]}\n")
    assert TOKEN not in told


def test_of_many_defects_of_a_kind_ten_are_listed_unless_all_are_asked_for(ask: Ask, base: AirtableBase) -> None:
    for number in range(12):
        base.insert(cells(f"run-{number}", "acme", None))
    done = ask("audit", "--skip", "running-too-long", code=1)
    assert done.stdout.count("there is no start time") == 10
    assert done.stderr == "  … 2 more; --verbose lists them too.\n"
    done = ask("audit", "--skip", "running-too-long", "--verbose", code=1)
    assert done.stdout.count("there is no start time") == 12


def test_a_table_without_the_optional_columns_has_no_defect_for_that() -> None:
    needed = (Column("Run ID"), Column("Client ID"), Column("Status"))
    with served(table_columns=needed) as base:
        TURNS[base.server.url, BASE] = Turns(limit=RateLimit(requests=10**6), sleep=base.clock.sleep)
        base.insert(cells("r", "acme", None, status="Completed"))
        done = runledger("audit", store=base.store_url, AIRTABLE_API_KEY=TOKEN)
        assert done.stdout.endswith(": no defects.\n")
        del TURNS[base.server.url, BASE]


def test_a_listing_that_expires_reads_every_row_once(base: AirtableBase) -> None:
    for number in range(250):
        base.insert(cells(f"run-{number}", "acme", MORNING))
    rows = base.repository().stored_rows()
    read = [next(rows) for _ in range(150)]
    base.service.expire_iterators()
    references = [row.reference for row in [*read, *rows]]
    assert len(references) == len(set(references)) == 250


def test_a_listing_that_always_expires_before_its_first_page_is_an_error(base: AirtableBase) -> None:
    for number in range(150):
        base.insert(cells(f"run-{number}", "acme", MORNING))
    rows = base.repository().stored_rows()
    read = [next(rows) for _ in range(100)]
    assert len(read) == 100
    handle = base.service.handle

    def expired(request: Request) -> Response:
        base.service.expire_iterators()
        return handle(request)

    base.service.handle = expired  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="expired before it was read"):
        list(rows)


def test_a_person_who_waits_for_an_audit_sees_a_bar(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with connect(store, observers=()) as ledger:
        ledger.start_many("r", [f"{number:04}" for number in range(1200)])
    for options in (["--json"], []):
        written, seen = piped_from_a_terminal("audit", *options, store=store)
        assert "1000/?" in seen
        assert seen.endswith("\x1b[2K")  # and nothing of it stays
        alone = runledger("audit", *options, store=store)
        assert (written, alone.stderr) == (alone.stdout, "")


def test_a_clean_store_ends_with_zero(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    runledger("start", "run-1", "acme", store=store)
    runledger("start", "run-10", "acme", store=store)
    done = runledger("audit", store=store)
    assert done.stdout == f"2 rows in sqlite:///{store}: no defects.\n"
    assert not done.stderr
    assert json.loads(runledger("audit", "--json", store=store).stdout) == {
        "rows": 2,
        "counts": {},
        "defects": [],
        "remove": [],
    }
    assert "\x1b[2K2 rows in " in on_a_terminal("audit", store=store, columns=40)  # where the bar was


LATIN_1, BLOB = "CAST(x'41ff' AS TEXT)", "x'41ff'"
NOT_TEXT = [
    (f"UPDATE runs SET {column} = {value}", rf"the {column} b'A\xff', which is not text")  # noqa: S608
    for column in ("run_id", "client_name", "metrics", "error")
    for value in (LATIN_1, BLOB)
]
NOT_READABLE = [
    *NOT_TEXT,
    ("UPDATE runs SET updated_at = 7", "the updated_at '7', which is not a time in UTC"),
    ("UPDATE runs SET metrics = '[1'", "the metrics '[1', which are not a JSON object of metric values"),
    ("UPDATE runs SET notes = 'x'", "the notes 'x', which are not a number of lines"),
    ("UPDATE runs SET notes = -3", "the notes -3, which are not a number of lines"),
]
MEANS_NOTHING = [
    ("UPDATE runs SET status = 'Done'", "unknown status", "the status is 'Done'"),
    ("UPDATE runs SET status = x'41ff'", "unknown status", """the status is "b'A\\\\xff'\""""),
    ("UPDATE runs SET started_at = 'noon'", "no start time", "the start time is 'noon'"),
    ("UPDATE runs SET run_id = ''", "no id", "the run id is empty"),
]
NOT_WHOLE = [
    ("UPDATE runs SET notes = 5", "5 notes, and its log has 2, the last at position 2"),
    ("UPDATE runs SET notes = 1", "1 note, and its log has 2, the last at position 2"),
    ("UPDATE run_notes SET position = 7 WHERE position = 1 AND", "2 notes, and its log has 2, the last at position 7"),
    ("DELETE FROM run_notes", "2 notes, and its log has 0"),
]


@pytest.fixture
def of_three_runs(tmp_path: Path) -> Path:
    with closing(connect(f"sqlite:///{tmp_path / 'runs.db'}")) as ledger:
        for run_id in ("a", "b", "c"):
            run = ledger.start(run_id, "acme")
            run.update(note="one")
            run.complete(note="two")
    return tmp_path / "runs.db"


def written_by_another_program(store: Path, statement: str) -> None:
    """Run b is changed, without the checks that the table makes."""
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("PRAGMA ignore_check_constraints = ON")
        other.execute(f"{statement}{'' if statement.endswith(' AND') else ' WHERE'} run_id = 'b'")


def defect_of_one_row(store: Path) -> tuple[str, str]:
    """Kind and line of the only defect among three rows, which are all read."""
    done = runledger("audit", "--skip", "similar-keys", store=store, code=1)
    first, *_, kind, _, line = done.stdout.splitlines()
    assert first == f"3 rows in sqlite:///{store}: 1 defect."
    return kind.partition(":")[0], line


@pytest.mark.parametrize(("statement", "fault"), NOT_READABLE)
def test_an_audit_reports_a_row_that_cannot_be_read_and_goes_on(
    statement: str, fault: str, of_three_runs: Path, tmp_path: Path
) -> None:
    written_by_another_program(of_three_runs, statement)
    kind, line = defect_of_one_row(of_three_runs)
    run_id = r"'A\\xff'" if "run_id" in statement else "'b'"
    assert kind == "unreadable"
    assert line.endswith(f"  {run_id} of 'acme' (row 2): it has {fault}: correct it in table runs.")
    runledger("init", store=tmp_path / "other.db")
    url, other = (f"sqlite:///{store}" for store in (of_three_runs, tmp_path / "other.db"))
    for command in (["list"], ["export"], ["compare", url, other], ["copy", url, other]):
        seen = runledger(*command, store=of_three_runs, code=7).stderr
        assert (
            f"the row of run {run_id} of client 'acme' was not written by this version of runledger, with {fault}: "
            in seen
        )


@pytest.mark.parametrize(("statement", "kind", "detail"), MEANS_NOTHING)
def test_an_audit_goes_on_after_a_row_without_a_part(
    statement: str, kind: str, detail: str, of_three_runs: Path
) -> None:
    written_by_another_program(of_three_runs, statement)
    assert defect_of_one_row(of_three_runs)[0] == kind
    assert defect_of_one_row(of_three_runs)[1].endswith(f" of 'acme' (row 2): {detail}")


@pytest.mark.parametrize(("statement", "counts"), NOT_WHOLE)
def test_an_audit_reports_a_log_with_other_lines_than_its_record_counts(
    statement: str, counts: str, of_three_runs: Path
) -> None:
    written_by_another_program(of_three_runs, statement)
    kind, line = defect_of_one_row(of_three_runs)
    assert kind == "unreadable"
    assert f"  'b' of 'acme' (row 2): its record counts {counts}: in run_notes, renumber the positions of its" in line


def test_an_audit_reads_a_row_that_another_program_gave_a_number_below_zero(of_three_runs: Path) -> None:
    written_by_another_program(of_three_runs, "UPDATE runs SET rowid = -5, status = 'Done'")
    assert defect_of_one_row(of_three_runs)[1].endswith("  'b' of 'acme' (row -5): the status is 'Done'")


@pytest.mark.parametrize("column", ["run_id", "client_id", "status", "started_at"])
def test_an_audit_prints_the_beginning_of_a_value_that_is_too_long(column: str, of_three_runs: Path) -> None:
    written_by_another_program(of_three_runs, f"UPDATE runs SET {column} = printf('%.*c', 100000, 'x')")  # noqa: S608
    assert len(defect_of_one_row(of_three_runs)[1]) < 300


def test_an_audit_prints_the_beginning_of_a_position_that_is_a_long_text(of_three_runs: Path) -> None:
    written_by_another_program(
        of_three_runs, "UPDATE run_notes SET position = printf('%.*c', 100000, 'x') WHERE position = 2 AND"
    )
    line = defect_of_one_row(of_three_runs)[1]
    assert f"its log has 2, the last at position '{'x' * 56}…': " in line


def test_an_audit_reports_a_key_that_no_call_can_name(of_three_runs: Path) -> None:
    written_by_another_program(of_three_runs, "UPDATE runs SET run_id = 'b '")
    kind, line = defect_of_one_row(of_three_runs)
    assert kind == "unreadable"
    assert "'b ' of 'acme' (row 2): run id 'b ' begins or ends with white space" in line


@pytest.mark.parametrize("option", [["--skip", "typos"], ["--running-longer-than", "soon"]])
def test_a_wrong_option_is_one_sentence(option: list[str], tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    runledger("init", store=store)
    assert "Traceback" not in runledger("audit", *option, store=store, code=2).stderr


def test_a_number_that_no_double_holds_is_a_row_like_any_other() -> None:
    columns = Columns(number="Number")
    raw = {"id": "rec1", "createdTime": MORNING, "fields": {**cells("r", "acme", MORNING), "Number": 10**400}}
    row = stored_row(columns, raw)
    assert (row.run_id, row.order and row.order[0], row.fault) == ("r", 10**400, "")
