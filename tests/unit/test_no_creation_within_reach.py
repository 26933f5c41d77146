"""Who may only update cannot create, and only the removal removes: shown by the type checker, and by the objects."""

import ast
import asyncio
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from json import dumps
from pathlib import Path
from typing import Any

import pytest
import requests
from airtable_base import BASE, TOKEN, served
from drawn_arguments import public_methods
from postgres_server import fresh_database
from requests.adapters import BaseAdapter, HTTPAdapter

import runledger
from airtable_local import Column
from runledger import RunLedger, aio, open_repository
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.stores import open_removal
from runledger.testing import creators_within_reach, removers_within_reach
from runledger.testing.reach import things_within_reach


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("ledger.start('r', 'c')", True),
        ("ledger.updates.update('r', 'c', add={'n': 1})", True),
        ("_ = ledger.updates.update('r', 'c').metrics", True),
        ("_ = ledger.updates.update('r', 'c').metric", False),
        ("ledger.updates.start('r', 'c')", False),
        ("ledger.reads.start('r', 'c')", False),
        ("ledger.start('r', 'c').start('r', 'c')", False),
        ("updates.create(record)", False),
        ("reads.create(record)", False),
        ("access.create_many([record])", False),
        ("removal.remove_runs(finished)", True),
        ("ledger.remove_runs(finished)", False),
        ("updates.remove_runs(finished)", False),
        ("access.remove_runs(finished)", False),
        ("repository.remove_runs(finished)", False),
        ("removal.create(record)", False),
        ("removal.update(record.key, RunChange(), record.started_at)", False),
        ("ledger.updates.update('r', 'c', metric={'n': 1})", False),
        ("ledger.updates.update('r', 'c', add={'n': 'x'})", False),
        ("ledger.get('r', 'c').metrics['n'] = 1", False),
        ("_ = coroutines.start('r', 'c')", True),
        ("_ = coroutines.updates.update('r', 'c', add={'n': 1})", True),
        ("_ = coroutines.updates.start('r', 'c')", False),
        ("_ = coroutines.reads.start('r', 'c')", False),
        ("_ = coroutines.updates.run('r', 'c').start('r', 'c')", False),
        ("_ = coroutines.updates.update('r', 'c', metric={'n': 1})", False),
    ],
)
def test_a_type_checker_tells_updating_from_creating(line: str, accepted: bool, tmp_path: Path) -> None:
    program = f"""
from runledger import RunChange, RunLedger, RunRecord
from runledger.aio import AsyncRunLedger
from runledger.domain import FinishedRuns, RunAccess, RunReads, RunRemoval, RunRepository, RunUpdates

def use(
    ledger: RunLedger, updates: RunUpdates, reads: RunReads, access: RunAccess, repository: RunRepository,
    removal: RunRemoval, record: RunRecord, finished: FinishedRuns, coroutines: AsyncRunLedger,
) -> None:
    {line}
"""
    (tmp_path / "program.py").write_text(program)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(Path(".mypy_cache").absolute()),
        "program.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Success" if accepted else "program.py:10: error:"), done.stdout + done.stderr


@pytest.fixture(params=["memory", "sqlite", "postgresql", "airtable"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "airtable":
        monkeypatch.setenv("AIRTABLE_API_KEY", TOKEN)
        with served(Column("Number", "autoNumber")) as base:
            yield f"{base.store_url}&number=Number"
        return
    if request.param == "postgresql":
        with fresh_database() as url:
            repository = PostgreSQLRunRepository(url)
            repository.create_schema()
            repository.close()
            yield url
    else:
        yield {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/runs.db"}[request.param]


def test_nothing_within_reach_of_updates_reads_or_a_handle_creates(url: str) -> None:
    ledger = RunLedger(open_repository(url), owns_repository=True)
    run = ledger.start("r", "acme")
    methods = (ledger.reads.get, ledger.updates.update, run.update)
    for thing in (ledger.updates, ledger.reads, run, ledger.updates.run("r", "acme"), *methods):
        assert creators_within_reach(thing) == set()
    assert creators_within_reach(ledger) != set()
    ledger.close()


def test_nothing_within_reach_of_the_updates_reads_or_a_handle_of_coroutines_creates(url: str) -> None:
    async def main() -> None:
        async with aio.connect(url, observers=()) as ledger:
            run = await ledger.start("r", "acme")
            records = ledger.reads.find()
            assert [record.key.client_id async for record in records] == ["acme"]
            methods = (ledger.reads.get, ledger.updates.update, run.update, records)
            for thing in (ledger.updates, ledger.reads, run, ledger.updates.run("r", "acme"), *methods):
                assert creators_within_reach(thing) == set()
                assert removers_within_reach(thing) == set()
            async with ledger.track("s", "acme", heartbeat=60) as tracked:
                assert creators_within_reach(tracked) == set()
            assert creators_within_reach(ledger) != set()
            assert removers_within_reach(ledger) == set()

    asyncio.run(main())


def test_nothing_within_reach_of_a_ledger_a_repository_or_a_handle_removes(url: str) -> None:
    repository = open_repository(url)
    ledger = RunLedger(repository, owns_repository=True)
    run = ledger.start("r", "acme")
    for thing in (repository, repository.without_creation(), ledger, ledger.updates, ledger.reads, run, ledger.start):
        assert removers_within_reach(thing) == set()
    ledger.close()


def test_nothing_within_reach_of_the_removal_creates_or_updates(url: str) -> None:
    open_repository(url).close()  # which makes the file
    with closing(open_removal(url)) as removal:
        assert removers_within_reach(removal) == {".remove_runs"}
        assert creators_within_reach(removal) == set()
        updaters = {"update", "update_many"}
        ours = [thing for _, thing in things_within_reach(removal) if type(thing).__module__.startswith("runledger.")]
        assert [thing for thing in ours if updaters & set(dir(thing))] == []


@pytest.mark.parametrize("connect", [runledger.connect, aio.connect])
def test_a_method_of_the_ledger_reads_closes_or_counts_as_one_that_creates(connect: Callable[[str], Any]) -> None:
    ledger = connect("memory://")
    creators = {path.removeprefix(".") for path in creators_within_reach(ledger) if path.count(".") == 1}
    assert set(public_methods(ledger)) - set(public_methods(ledger.reads)) - {"close"} == creators


def test_the_look_goes_wherever_an_object_may_hold_something() -> None:
    repository = open_repository("memory://")

    class Slots:
        __slots__ = ("__kept",)

        def __init__(self) -> None:
            self.__kept = repository

    def closing() -> object:
        return repository

    def with_default(kept: object = repository) -> object:
        return kept

    holders: list[object] = [Slots(), closing, with_default, partial(print, repository), partial(print, end=repository)]
    holders += [deque([repository]), {"kept": [repository]}, repository.get]
    for holder in holders:
        assert creators_within_reach(holder), holder
    assert creators_within_reach(repository.without_creation()) == set()
    removal = open_removal("memory://")
    for holder in ([removal], {"kept": removal}, partial(print, removal), removal.remove_runs, lambda: removal):
        assert removers_within_reach(holder), holder


def test_the_client_library_within_reach_sends_nothing_that_removes() -> None:
    with served() as base:
        table = base.repository().without_creation()._table.table
        acts: list[Callable[[], object]] = [
            lambda: table.delete("rec00000000000000"),
            lambda: table.batch_delete(["rec00000000000000"]),
            lambda: table.api.delete(table.urls.records, params={"records": ["rec00000000000000"]}),
        ]
        for act in acts:
            with pytest.raises(PermissionError, match="would remove a record: only updates and reads are sent here"):
                act()
        assert base.requests() == []


def test_the_client_library_within_reach_sends_nothing_that_creates() -> None:
    with served() as base:
        table = base.repository().without_creation()._table.table
        cells: dict[str, Any] = {"Run ID": "r", "Client ID": "c", "Status": "Running"}
        acts: list[Callable[[], object]] = [
            lambda: table.create(cells),
            lambda: table.batch_create([cells]),
            lambda: table.batch_upsert([{"fields": cells}], key_fields=["Run ID"]),
            lambda: table.batch_update([{"id": "rec00000000000000", "fields": cells}], replace=True),
            lambda: table.api.post(table.urls.records, json={"fields": cells}),
            lambda: table.api.table(BASE, "listRecords").create(cells),
        ]
        for act in acts:
            with pytest.raises(PermissionError, match="could create a record"):
                act()
        assert base.requests() == []


def test_every_transport_and_session_within_reach_sends_nothing_that_creates() -> None:
    with served() as base:
        access = base.repository().without_creation()
        things = [thing for _, thing in things_within_reach(access)]
        transports = [thing for thing in things if isinstance(thing, BaseAdapter)]
        sessions = [thing for thing in things if isinstance(thing, requests.Session)]
        assert len(transports) == 2  # one that paces, and the one beneath it that sends
        assert len(sessions) == 1
        url = access._table.table.urls.records
        cells: dict[str, Any] = {"Run ID": "r", "Client ID": "c", "Status": "Running"}
        body = {"records": [{"fields": cells}]}
        upsert = {**body, "performUpsert": {"fieldsToMergeOn": ["Run ID"]}}
        senders = [transport.send for transport in transports] + [session.send for session in sessions]
        of_that_name = f"{url.rpartition('/')[0]}/./listRecords"  # once the dot is gone, a table by that name
        for method, at, content in (
            ("POST", url, body),
            ("PUT", url, body),
            ("PATCH", url, upsert),
            ("POST", f"{url}#/v0/{BASE}/Runs/listRecords", body),
            ("POST", f"{url}?/v0/{BASE}/Runs/listRecords", body),
            ("POST", of_that_name, body),
            ("PATCH", url, dumps(upsert).replace("U", r"\u0055")),
            ("PATCH", url, iter([dumps(upsert).encode()])),
            ("PATCH", url, "[]"),
        ):
            data = dumps(content) if isinstance(content, dict) else content
            prepared = sessions[0].prepare_request(requests.Request(method, url, data=data))
            prepared.url = at
            for send in senders:
                with pytest.raises(PermissionError, match="could create a record"):
                    send(prepared)
        assert base.requests() == []
        prepared = sessions[0].prepare_request(requests.Request("POST", url, json=body))
        assert HTTPAdapter().send(prepared).ok  # what was refused would have created


def test_one_module_calls_create() -> None:
    package = Path(runledger.__file__).parent
    callers = {
        (path.relative_to(package).as_posix(), node.attr)
        for path in package.rglob("*.py")
        if "testing" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("create", "create_many") and is_repository(node.value)
    }
    assert callers == {("services/creation.py", "create"), ("services/creation.py", "create_many")}


_MAKES_ROWS = re.compile(
    r"\b(INSERT\s+(OR\s+\w+\s+)?INTO|REPLACE\s+INTO|MERGE\s+INTO|(?-i:COPY)\s+\w+|ON\s+CONFLICT)\b", re.I
)
_MAKES_RECORDS = {".create", ".batch_create", ".batch_upsert", ".post", ".put"}
"""Calls of pyairtable's Table and Api that make a record, or can be made to."""


def test_each_statement_or_request_that_makes_a_record_stands_in_one_function() -> None:
    assert places_of(_MAKES_ROWS, _MAKES_RECORDS) == {
        ("adapters/sql/sqlite.py", "_insert", "_INSERT"),
        ("adapters/sql/sqlite.py", "_insert", "_START"),
        ("adapters/sql/sqlite.py", "_append", "_APPEND"),  # a line of a log, and no run record
        ("adapters/sql/sqlite_migration.py", "_copy_runs", "_COPY_RUN"),  # a run that the file has already
        ("adapters/sql/sqlite_migration.py", "_copy_lines", "_COPY_LINE"),
        ("adapters/sql/sqlite_migration.py", "_copy_lines", "_COPY_LINES"),
        ("adapters/sql/postgresql.py", "_create", "_INSERT"),
        ("adapters/sql/postgresql.py", "_create", "_INSERT_NOTED"),
        ("adapters/sql/postgresql.py", "_copy_rows", "_COPY"),
        ("adapters/sql/postgresql.py", "_copy", "_COPY_LINES"),  # of the log that a new run brings
        ("adapters/sql/postgresql_changes.py", "update_statement", "_NOTED"),  # a line, for a row that was updated
        ("adapters/sql/postgresql_changes.py", "change_many", "_LINES"),  # lines, for rows that were updated
        ("adapters/sql/postgresql_version_1.py", "copy_runs", "_COPY_RUNS"),  # of the runs that an older version made
        ("adapters/sql/postgresql_version_1.py", "copy_runs", "_COPY_NOTES"),
        ("adapters/airtable/creation.py", "_post_batch", ".batch_create"),
        ("adapters/airtable/preparation.py", "_post", ".post"),  # a table, which then has no rows, or a column
        ("adapters/airtable/scratch.py", "_post", ".batch_create"),  # in a scratch table, and no run records
        ("adapters/observers/tally_file.py", "_add", "_NEW"),  # a count, in a file that is no ledger
        ("adapters/observers/tally_file.py", "_make", "_MADE"),
    }


_REMOVES_ROWS = re.compile(r"\b(DELETE\s+FROM|TRUNCATE)\b", re.I)
_REMOVES_RECORDS = {".delete", ".batch_delete"}
"""Calls of pyairtable's Table and Api that remove a record."""


def test_each_statement_or_request_that_removes_a_record_stands_in_one_function() -> None:
    of_the_probe = {"adapters/airtable/experiments.py", "adapters/airtable/scratch.py"}  # rows of a scratch table
    assert {place for place in places_of(_REMOVES_ROWS, _REMOVES_RECORDS) if place[0] not in of_the_probe} == {
        ("adapters/sql/sqlite_removal.py", "_remove", "_REMOVE"),
        ("adapters/sql/postgresql_removal.py", "_remove", "_REMOVE"),
        ("adapters/sql/sqlite_schema.py", "make_schema", "INDEXES"),  # a trigger, for the log of a run that is removed
        ("adapters/airtable/removal.py", "_remove", ".batch_delete"),
        ("adapters/airtable/creation.py", "_remove", ".batch_delete"),  # of a start that lost against an older record
    }


def places_of(statement: re.Pattern[str], requests: set[str]) -> set[tuple[str, str, str]]:
    """The functions outside of the kit that use such a statement, or call such a request of the Airtable client."""
    package = Path(runledger.__file__).parent
    places = set()
    for path in package.rglob("*.py"):
        module = path.relative_to(package)
        if module.parts[0] != "testing":
            tree = ast.parse(path.read_text())
            words_wanted = {name for name, text in _constants(tree) if statement.search(text)}
            words_wanted |= requests if "airtable" in str(module) else set()
            places |= {
                (module.as_posix(), function, word)
                for function, words in _words_by_function(tree)
                for word in words & words_wanted
            }
    return places


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The module's texts, each by the names that it is given, and by itself."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)]
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield from ((name, inner.value) for name in names)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.value


def _words_by_function(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, set[str]]]:
    """The names and texts that each outermost function uses, but for docstrings, and `.name` of its attributes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _words_by_function(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            words = set()
            for inner in ast.walk(node):
                match inner:
                    case ast.Name(id=word) | ast.Constant(value=str(word)):
                        words.add(word)
                    case ast.Attribute(attr=name, value=whose) if ast.unparse(whose) != "self":
                        words.add(f".{name}")
            yield node.name, words - {ast.get_docstring(node, clean=False)}


def is_repository(node: ast.expr) -> bool:
    """Anything but the creator and an adapter itself, whose methods have the same names."""
    is_own = isinstance(node, ast.Name) and node.id == "self"
    is_creator = isinstance(node, ast.Attribute) and node.attr == "_creator"
    return not is_own and not is_creator and ast.unparse(node) != "super()"
