"""The tables of runs in PostgreSQL: how version 1 comes to this version, which indexes are used, and the logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from commands import runledger
from postgres_server import fresh_database
from psycopg import sql
from test_postgresql import AT, KEY, LATER, OTHER, UPDATING, connected_as, locked, terminate, wait_for_blocked

from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql import postgresql, rows
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository, open_url
from runledger.adapters.sql.postgresql_pool import Connections
from runledger.adapters.sql.postgresql_schema import make_schema
from runledger.adapters.sql.postgresql_texts import array, copy_block
from runledger.domain import (
    LogLine,
    NewRun,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnusableForRun,
)
from runledger.testing.runs import changed

VERSION_1 = (
    """CREATE TABLE IF NOT EXISTS run_records (
        run_id text COLLATE "C" NOT NULL, client_id text COLLATE "C" NOT NULL, client_name text NOT NULL,
        status text NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz, metrics jsonb NOT NULL,
        log jsonb NOT NULL, error text, updated_at timestamptz NOT NULL, PRIMARY KEY (run_id, client_id)
    ) WITH (fillfactor = 80)""",
    "CREATE INDEX IF NOT EXISTS run_records_client ON run_records (client_id, started_at, run_id)",
    "CREATE INDEX IF NOT EXISTS run_records_newest ON run_records (started_at, run_id, client_id)",
    "CREATE INDEX IF NOT EXISTS run_records_status ON run_records (status, started_at, run_id, client_id)",
)
"""What version 1 executed to make its table."""
AWKWARD_LINE = "quote ' \" back\\slash %s 😀 {} \\u0041"
AWKWARD = "tab\t, quote ' \" back\\slash %s \u2028 😀\r\n[] {} \\u0041"


def runs_of_version_1() -> list[NewRun]:
    """A dozen runs of all statuses, some with notes, the texts of some awkward."""
    runs = []
    for number, status in enumerate([*RunStatus] * 3):
        key = RunKey(f"run {number} {AWKWARD_LINE}" if number % 4 == 1 else f"run {number}", "acme")
        metrics: dict[str, Any] = {"n": number, "x": number * 1e300, "text": AWKWARD, "when": AT, "yes": True}
        run = NewRun(RunRecord.start(key, AT + timedelta(seconds=number), client_name="Åcme", metrics=metrics))
        notes = [RunChange(note=f"{line}: {AWKWARD_LINE}") for line in range(number % 3)]
        end = [RunChange(status=status, error=AWKWARD if number % 2 else None)] if status.is_final else []
        runs.append(changed(run, *notes, *end, at=LATER + timedelta(milliseconds=number)))
    return runs


def fill_version_1(url: str, runs: list[NewRun]) -> None:
    with psycopg.connect(url) as connection:
        for statement in VERSION_1:
            connection.execute(statement)
        for run in runs:
            form, record = run.to_json(), run.record
            connection.execute(
                "INSERT INTO run_records VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    *(record.key.run_id, record.key.client_id, record.client_name, record.status.value),
                    *(record.started_at, record.ended_at, json.dumps(form["metrics"]), json.dumps(form["log"])),
                    *(record.error, record.updated_at),
                ),
            )


_TABLES = """SELECT relname, obj_description(oid), relacl::text
    FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname"""


def dump(url: str) -> list[Any]:
    """Every table and index with its comment and rights, and the rows of the tables."""
    with psycopg.connect(url) as connection:
        names = connection.execute(_TABLES).fetchall()
        dumped = [names]
        for name in ("run_records", "runs", "run_notes"):
            if name in [relation[0] for relation in names]:
                rows = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(name))
                dumped.append(connection.execute(rows).fetchall())
        return dumped


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.fixture
def old_url(url: str) -> str:
    fill_version_1(url, runs_of_version_1())
    return url


def test_init_brings_every_run_and_its_log_to_this_version(old_url: str) -> None:
    count = len(runs_of_version_1())
    done = runledger("init", store=old_url)
    assert done.stdout.splitlines() == [
        f"note  bringing {count} runs from version 1 of the tables to version 2",
        f"ok    the tables runs and run_notes hold {count} runs; run_records is gone",
    ]
    with closing(open_url(old_url)) as repository:
        found = {record.key: NewRun(record, log) for record, log in repository.find_with_logs(RunQuery())}
        assert found == {run.key: run for run in runs_of_version_1()}
        noted = next(run for run in runs_of_version_1() if run.record.notes == 2)
        repository.update(noted.key, RunChange(note="after"), LATER)
        assert [*noted.log, LogLine(LATER, "after")] == list(repository.log(noted.key))
    before = dump(old_url)
    assert runledger("init", store=old_url).stdout == "The store is ready.\n"
    assert dump(old_url) == before


def test_an_end_before_the_start_becomes_the_start_and_is_counted(old_url: str) -> None:
    with psycopg.connect(old_url) as connection:
        early = "UPDATE run_records SET ended_at = '2001-01-01Z' WHERE ended_at IS NOT NULL"
        count = connection.execute(early).rowcount
    assert count > 1
    done = runledger("init", store=old_url).stdout
    assert done.endswith(f"note  the end of {count} runs was before the start: it is the start now\n")
    with closing(open_url(old_url)) as repository:
        finished = [record for record in repository.find(RunQuery()) if record.status.is_final]
    assert [record.ended_at for record in finished] == [record.started_at for record in finished]
    assert len(finished) == count
    with psycopg.connect(old_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE runs SET ended_at = '2001-01-01Z' WHERE ended_at IS NOT NULL")


def test_a_database_of_version_1_is_not_opened_and_doctor_names_the_command(old_url: str) -> None:
    before = dump(old_url)
    with pytest.raises(StoreUnusable, match=r"version 1 .*`runledger init`"):
        open_url(old_url)
    done = runledger("doctor", store=old_url, code=7)
    assert "fix   the runs are in run_records, the table of version 1: `runledger init` brings them" in done.stdout
    assert "`runledger init`" in runledger("list", store=old_url, code=7).stderr
    assert dump(old_url) == before


def test_an_older_process_that_is_still_open_fails_on_every_call(old_url: str) -> None:
    with psycopg.connect(old_url, autocommit=True, prepare_threshold=0) as older:
        read, update = "SELECT * FROM run_records", "UPDATE run_records SET status = status"
        older.execute(read)
        older.execute(update)
        runledger("init", store=old_url)
        for statement in (read, update):
            with pytest.raises(psycopg.errors.UndefinedTable):
                older.execute(statement)


def test_a_migration_that_is_killed_leaves_the_database_as_it_was(old_url: str) -> None:
    # The last step waits, when all has been copied; what kills it is the server's own command.
    with psycopg.connect(old_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        wait = "'BEGIN PERFORM pg_advisory_xact_lock(1); END'"
        connection.execute("CREATE FUNCTION wait() RETURNS event_trigger LANGUAGE plpgsql AS " + wait)
        connection.execute("CREATE EVENT TRIGGER wait ON sql_drop EXECUTE FUNCTION wait()")
        before = dump(old_url)
        with ThreadPoolExecutor(1) as pool, closing(Connections(old_url)) as connections:
            migration = pool.submit(make_schema, connections)
            terminate(wait_for_blocked(old_url))
            with pytest.raises(StoreUnavailable):
                migration.result()
        assert dump(old_url) == before
        connection.execute("DROP EVENT TRIGGER wait")
    runledger("init", store=old_url)
    with closing(open_url(old_url)) as repository:
        assert len(list(repository.find(RunQuery()))) == len(runs_of_version_1())


def odd_log(log: str) -> str:
    return f"UPDATE run_records SET log = '{log}' WHERE run_id = 'run 2'"  # noqa: S608


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("ALTER TABLE run_records ADD COLUMN team text", "other columns than version 1 made"),
        ("ALTER TABLE run_records ALTER COLUMN metrics TYPE json", "other columns than version 1 made"),
        (odd_log('[["yesterday week", "x"]]'), "the row of run 'run 2'"),
        (odd_log('[["yesterday", "x"]]'), "the row of run 'run 2'"),
        (odd_log("{}"), "the row of run 'run 2'"),
        (odd_log("null"), "the row of run 'run 2'"),
        (odd_log("[{}]"), "the row of run 'run 2'"),
        (odd_log("[[]]"), "the row of run 'run 2'"),
        (odd_log('[["2025-11-24T08:15:00.000Z", "a\\nb"]]'), "the row of run 'run 2'"),
        (odd_log('[["2025-11-24T08:15:00.000Z", 5]]'), "the row of run 'run 2'"),
        (odd_log('[["2025-11-24T08:15:00.000Z", null]]'), "the row of run 'run 2'"),
        (odd_log('[["2025-11-24T08:15:00.000Z", "a", "b"]]'), "the row of run 'run 2'"),
        ("CREATE TABLE runs (x int)", "belongs to another application: rename that table"),
        ("CREATE TABLE runs (x int)", "or move run_records to another schema"),
        ("CREATE TABLE run_notes (x int)", "names that runledger needs (run_notes): rename them, or move run_records"),
        ("CREATE TABLE t (x int); CREATE INDEX runs_newest ON t (x)", "runledger needs (runs_newest): rename them"),
        ("CREATE TABLE runs (x int); COMMENT ON TABLE runs IS 'runledger 3'", "update runledger"),
    ],
)
def test_what_init_does_not_know_stays_as_it_is(old_url: str, damage: str, words: str) -> None:
    with psycopg.connect(old_url) as connection:
        connection.execute(damage.encode())
    before = dump(old_url)
    done = runledger("init", store=old_url, code=7)
    assert words in done.stdout + done.stderr
    assert dump(old_url) == before


def test_runs_beside_the_table_of_another_application_are_migrated_in_another_schema(old_url: str) -> None:
    with psycopg.connect(old_url) as connection:
        connection.execute("CREATE TABLE runs (x int)")
    with pytest.raises(StoreUnusable, match="rename that table"):
        open_url(old_url)
    with psycopg.connect(old_url) as connection:
        connection.execute("CREATE SCHEMA jobs")
        connection.execute("ALTER TABLE run_records SET SCHEMA jobs")
    there = f"{old_url}{'&' if '?' in old_url else '?'}options=-csearch_path%3Djobs"
    runledger("init", store=there)
    with closing(open_url(there)) as repository:
        assert len(list(repository.find(RunQuery()))) == len(runs_of_version_1())


def test_a_new_ledger_names_an_index_in_its_way(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t (x int)")
        connection.execute("CREATE INDEX runs_client ON t (x)")
    before = dump(url)
    done = runledger("init", store=url, code=7)
    assert "runledger needs (runs_client): rename them, or choose another schema" in done.stderr
    assert dump(url) == before


@pytest.mark.parametrize(
    "type_of_another",
    ["TYPE {} AS (x int)", "TYPE {} AS ENUM ('a')", "DOMAIN {} AS integer", "TYPE {} AS RANGE (subtype = date)"],
)
@pytest.mark.parametrize("name", ["runs", "run_notes"])
def test_a_new_ledger_names_a_type_in_its_way(url: str, type_of_another: str, name: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE {type_of_another.format(name)}".encode())
    done = runledger("init", store=url, code=7)
    assert f"types of another application by the names that runledger needs ({name}): rename them" in done.stderr
    with psycopg.connect(url) as connection:
        connection.execute(f"DROP {type_of_another.split(maxsplit=1)[0]} {name}".encode())
    runledger("init", store=url)


@pytest.mark.parametrize(
    ("protection", "words"),
    [
        (
            "ALTER TABLE run_records ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON run_records USING (true)",
            "row level security, the policy mine,",
        ),
        ("CREATE POLICY mine ON run_records USING (true)", "the policy mine,"),
        ("GRANT SELECT (run_id) ON run_records TO PUBLIC", "rights on the column run_id,"),
        (
            "CREATE TRIGGER same BEFORE UPDATE ON run_records"
            " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "the trigger same,",
        ),
        ("CREATE RULE kept AS ON DELETE TO run_records DO INSTEAD NOTHING", "the rule kept,"),
        ("ALTER TABLE run_records ADD CONSTRAINT named CHECK (client_name <> '')", "the constraint named,"),
        ("CREATE INDEX ours ON run_records (updated_at)", "the index ours,"),
        ("CREATE UNIQUE INDEX ours ON run_records (started_at, run_id, client_id)", "the index ours,"),
        ("CREATE INDEX ours ON run_records (started_at, run_id, client_id) WHERE error <> ''", "the index ours,"),
        ("CREATE PUBLICATION outside FOR TABLE run_records", "a place in the publication outside,"),
    ],
)
def test_init_drops_nothing_that_the_new_tables_would_lack(old_url: str, protection: str, words: str) -> None:
    with psycopg.connect(old_url) as connection:
        connection.execute(protection.encode())
    before = dump(old_url)
    done = runledger("init", store=old_url, code=7)
    assert f"the table run_records has {words} which the new tables would not have: remove this first" in done.stderr
    assert dump(old_url) == before


def test_a_table_of_another_application_is_left_alone(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE runs (x int)")
    with pytest.raises(StoreUnusable, match="another application"):
        open_url(url)
    assert "fix   the table runs in this database belongs" in runledger("doctor", store=url, code=7).stdout


def test_two_who_migrate_at_once_migrate_once(old_url: str) -> None:
    with closing(Connections(old_url)) as connections, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: make_schema(connections), range(4)))
    with closing(open_url(old_url)) as repository:
        assert len(list(repository.find(RunQuery()))) == len(runs_of_version_1())


def test_roles_keep_their_rights_through_a_migration(url: str) -> None:
    runs = runs_of_version_1()
    fill_version_1(url, runs)
    with psycopg.connect(url, autocommit=True) as connection:
        for right, role in (("SELECT, UPDATE", "updater"), ("SELECT", "reader"), ("SELECT, UPDATE, INSERT", "starter")):
            name = sql.Identifier(f"{role}_{urlsplit(url).path[1:]}")
            connection.execute(sql.SQL("CREATE ROLE {}").format(name))
            connection.execute(sql.SQL("GRANT " + right + " ON run_records TO {}").format(name))
        try:
            runledger("init", store=url)
            granted = connection.execute(_GRANTED).fetchall()
        finally:
            for role in ("updater", "reader", "starter"):
                name = sql.Identifier(f"{role}_{urlsplit(url).path[1:]}")
                connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
                connection.execute(sql.SQL("DROP ROLE {}").format(name))
    assert granted == [
        ("reader", "run_notes", "SELECT"),
        ("reader", "runs", "SELECT"),
        ("starter", "run_notes", "INSERT, SELECT"),
        ("starter", "runs", "INSERT, SELECT, UPDATE"),
        ("updater", "run_notes", "INSERT, SELECT"),
        ("updater", "runs", "SELECT, UPDATE"),
    ]


_GRANTED = """SELECT split_part(grantee, '_', 1), table_name::text,
        string_agg(privilege_type, ', ' ORDER BY privilege_type)
    FROM information_schema.role_table_grants WHERE grantee ~ '^(updater|reader|starter)_'
    GROUP BY 1, 2 ORDER BY 1, 2"""


def test_a_database_with_a_table_of_version_1_beside_is_said(url: str) -> None:
    runledger("init", store=url)
    fill_version_1(url, [])
    assert "note  there is a table run_records as well" in runledger("doctor", store=url).stdout


# -- texts


def test_texts_reach_the_server_as_they_are(url: str) -> None:
    texts = [
        "",
        AWKWARD,
        "NULL",
        "null",
        None,
        "\\N",
        "\\.",
        "N",
        "Q",
        ",",
        '"',
        "{}",
        "\\",
        "\\\\0",
        " a ",
        "😀\x01\x7f",
    ]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT %s::text[]", [array(texts)]).fetchone() == (texts,)
        assert connection.execute("SELECT %s::text[]", [array([])]).fetchone() == ([],)
        connection.execute("CREATE TABLE t (number integer, text text)")
        with connection.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write(copy_block(enumerate(texts)))
            copy.write(copy_block([]))
        assert connection.execute("SELECT * FROM t ORDER BY number").fetchall() == list(enumerate(texts))


def test_a_batch_writes_what_differs_and_nothing_else(url: str) -> None:
    keys = [RunKey("r", name) for name in "abcd"]
    batches: list[list[RunChange]] = [
        [RunChange(), RunChange(), RunChange(note="n"), RunChange()],
        [RunChange(error=AWKWARD), RunChange(), RunChange(metrics={"text": AWKWARD}), RunChange(note=AWKWARD_LINE)],
        [RunChange(status=RunStatus.FAILED, error="e"), RunChange(), RunChange(add={"n": 1}), RunChange(note="n")],
        [RunChange(note="late"), RunChange(status=RunStatus.SKIPPED), RunChange(), RunChange(metrics={"n": 1})],
    ]
    model = InMemoryRunRepository()
    with closing(open_url(url)) as repository:
        repository.create_schema()
        for store in (model, repository):
            store.create_many([NewRun(RunRecord.start(key, AT)) for key in keys])
        for hours, batch in enumerate(batches):
            at = AT + timedelta(hours=hours)
            for store in (model, repository):
                store.update_many(list(zip(keys, batch, strict=True)), at)
            assert list(repository.find_with_logs(RunQuery())) == list(model.find_with_logs(RunQuery()))


def test_a_batch_that_only_sets_is_one_statement_and_loses_no_change_that_it_waited_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [RunKey("r", f"client {n}") for n in range(1500)]
    model = InMemoryRunRepository()
    batch = [(key, RunChange(metrics={"n": n} if n % 3 else {})) for n, key in enumerate(keys)]
    with closing(open_url(url)) as repository, ThreadPoolExecutor(1) as pool:
        repository.create_schema()
        for store in (model, repository):
            store.create_many([NewRun(RunRecord.start(key, AT, metrics={"old": 1.0})) for key in keys])
        with psycopg.connect(url) as other:
            other.execute("UPDATE runs SET metrics = metrics || '{\"more\": 2}' WHERE client_id = 'client 7'")
            batched = pool.submit(repository.update_many, batch, LATER)
            wait_for_blocked(url)
        batched.result()
        model.update(keys[7], RunChange(metrics={"more": 2}), AT)
        model.update_many(batch, LATER)
        assert list(repository.find(RunQuery())) == list(model.find(RunQuery()))
        monkeypatch.setattr(postgresql, "change_many", None)
        repository.update_many(list(reversed(batch)), AT)  # and what comes from a clock behind moves no time back
        assert list(repository.find(RunQuery())) == list(model.find(RunQuery()))


@pytest.mark.parametrize("late", ["DELETE FROM runs", "UPDATE runs SET metrics = '{\"a\": [1]}', status = 'Running'"])
def test_a_batch_that_waited_for_a_run_that_was_spoilt_writes_nothing(url: str, late: str) -> None:
    keys = [RunKey("r", f"client {n}") for n in range(3)]
    with closing(open_url(url)) as repository, ThreadPoolExecutor(1) as pool:
        repository.create_schema()
        repository.create_many([NewRun(RunRecord.start(key, AT)) for key in keys])
        with psycopg.connect(url) as other:
            other.execute(f"{late} WHERE client_id = 'client 1'".encode())
            batched = pool.submit(repository.update_many, [(key, RunChange(metrics={"n": 1})) for key in keys], LATER)
            wait_for_blocked(url)
        with pytest.raises(RunNotFound if "DELETE" in late else StoreUnusable) as caught:
            batched.result()
        assert caught.value.key == keys[1]
        assert [dict(repository.get(key).metrics) for key in (keys[0], keys[2])] == [{}, {}]


def test_metrics_of_all_kinds_are_set_in_a_batch(url: str) -> None:
    batch = [(key, RunChange(metrics={"t": AT, "x": 1e300, "s": AWKWARD, "y": True})) for key in (KEY, OTHER)]
    model = InMemoryRunRepository()
    with closing(open_url(url)) as repository:
        repository.create_schema()
        for store in (model, repository):
            store.create_many([NewRun(RunRecord.start(key, AT)) for key in (KEY, OTHER)])
            store.update_many(batch, LATER)
            store.update_many(batch, LATER)  # over a time, which the domain's own rules decide
        for found, expected in zip(repository.find(RunQuery()), model.find(RunQuery()), strict=True):
            assert repr(sorted(found.metrics.items())) == repr(sorted(expected.metrics.items()))


# -- logs


def run_with(notes: int, key: RunKey = KEY) -> NewRun:
    return changed(NewRun(RunRecord.start(key, AT)), *[RunChange(note=f"{number}") for number in range(notes)], at=AT)


def test_reading_logs_holds_no_connection_between_pages(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    first, second = run_with(5), run_with(103, OTHER)  # one that comes with its record, one that does not
    with closing(PostgreSQLRunRepository(url, max_connections=1, timeout=30)) as repository:
        repository.create_schema()
        repository.create_many([first, second, *(run_with(i % 2, RunKey("more", str(i))) for i in range(5))])
        for last in (None, 0, 1, 2, 4, 5, 6):
            read = [(repository.get(KEY).key, line)[1] for line in repository.log(KEY, last)]
            assert read == list(first.log[5 - min(5 if last is None else last, 5) :])
        logs = {repository.get(record.key).key: log for record, log in repository.find_with_logs(RunQuery())}
        assert len(logs) == 7
        assert (logs[KEY], logs[OTHER]) == (first.log, second.log)


def test_a_line_that_somebody_else_broke_in_two_is_still_one_line(url: str) -> None:
    runs = [run_with(2), run_with(1, OTHER)]
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create_many(runs)
        connection.execute("UPDATE run_notes SET text = E'a\\nb' WHERE client_id = 'globex'")
        logs = {record.key: log for record, log in repository.find_with_logs(RunQuery())}
        assert logs == {KEY: runs[0].log, OTHER: (LogLine.trusted(AT, "a\nb"),)}


MISSING = "DELETE FROM run_notes WHERE client_id = 'acme' AND position = 2"
STRAY = (
    "INSERT INTO run_notes SELECT run_id, client_id, {}, at, 'stray' FROM run_notes WHERE client_id = 'globex' LIMIT 1"
)


@pytest.mark.parametrize(
    "damage",
    [
        MISSING,
        f"{MISSING}; {STRAY.format(4)}",
        f"{MISSING}; {STRAY.format(0)}",
        f"{MISSING}; {STRAY.format(4).replace('globex', 'acme')}",
    ],
)
def test_a_log_that_lacks_a_line_is_refused_by_name(url: str, damage: str) -> None:
    other = run_with(3, OTHER)
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create_many([run_with(3), other])
        connection.execute(damage.encode())
        for read in (
            lambda: list(repository.log(KEY)),
            lambda: list(repository.log(KEY, 2)),
            lambda: list(repository.find_with_logs(RunQuery(client_id=KEY.client_id))),
            lambda: list(repository.find_with_logs(RunQuery())),
        ):
            with pytest.raises(
                StoreUnusable, match=r"the log of .*acme.* lacks lines: .* renumber .* from 1"
            ) as caught:
                read()
            assert caught.value.key == KEY
        assert list(repository.log(KEY, 1)) == [LogLine(AT, "2")]  # which is there
        assert list(repository.log(OTHER)) == list(other.log)


def test_a_note_for_a_run_that_counts_too_few_is_refused_by_name_until_it_is_mended(url: str) -> None:
    other = run_with(2, OTHER)
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create_many([run_with(3), other])
        connection.execute("UPDATE runs SET notes = 1 WHERE client_id = 'acme'")
        note = RunChange(note="next")
        for update in (
            lambda: repository.update(KEY, note, LATER),
            lambda: repository.update_many([(OTHER, note), (KEY, note), (OTHER, note)], LATER),
        ):
            with pytest.raises(
                StoreUnusable, match=r"the log of .*acme.* has a line where .* then set notes"
            ) as caught:
                update()
            assert caught.value.key == KEY
        assert [record.notes for record in repository.find(RunQuery())] == [2, 1]
        connection.execute("UPDATE runs SET notes = 3 WHERE client_id = 'acme'")
        assert repository.update(KEY, note, LATER).notes == 4
        assert [line.text for line in repository.log(KEY)] == ["0", "1", "2", "next"]
        assert list(repository.log(OTHER)) == list(other.log)


@pytest.mark.parametrize("position", [-1, 0, 4, 5])
def test_a_stray_line_is_in_no_log(url: str, position: int) -> None:
    runs = [run_with(3), run_with(3, OTHER)]
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create_many(runs)
        connection.execute(STRAY.format(position).encode())
        logs = {record.key: log for record, log in repository.find_with_logs(RunQuery())}
        assert logs == {run.key: run.log for run in runs}
        for last in (None, 0, 1, 3, 4, 2**40):
            assert list(repository.log(OTHER, last)) == list(runs[1].log[3 - min(3 if last is None else last, 3) :])


def test_a_log_that_lacks_a_line_in_its_middle_is_refused_on_a_later_page(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create(run_with(7))
        connection.execute("DELETE FROM run_notes WHERE position = 4")
        log = repository.log(KEY)
        assert [next(log).text, next(log).text] == ["0", "1"]
        with pytest.raises(StoreUnusable, match="lacks lines"):
            next(log)


def test_a_run_that_is_removed_while_its_log_is_read_is_missing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create(run_with(5))
        log = repository.log(KEY)
        next(log)
        connection.execute("DELETE FROM runs")
        next(log)
        with pytest.raises(RunNotFound):
            next(log)


def test_a_line_with_an_odd_time_is_refused_by_name(url: str) -> None:
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create_many([run_with(2), run_with(2, OTHER)])
        connection.execute("UPDATE run_notes SET at = 'infinity' WHERE client_id = 'acme' AND position = 2")
        for read in (lambda: list(repository.log(KEY)), lambda: list(repository.find_with_logs(RunQuery()))):
            with pytest.raises(UnusableForRun, match=r"the log of .*acme.* has a line that cannot be read") as refusal:
                read()
            assert refusal.value.key == KEY


def test_a_run_that_was_deleted_by_hand_leaves_no_line_to_a_new_one(url: str) -> None:
    with closing(open_url(url)) as repository, psycopg.connect(url, autocommit=True) as connection:
        repository.create_schema()
        repository.create(run_with(2))
        connection.execute("DELETE FROM runs")
        repository.create(NewRun(RunRecord.start(KEY, LATER)))
        repository.update(KEY, RunChange(note="first"), LATER)
        assert list(repository.log(KEY)) == [LogLine(LATER, "first")]


def test_a_line_cannot_be_written_for_a_run_that_is_not_there(url: str) -> None:
    with closing(open_url(url)) as repository, psycopg.connect(url) as connection:
        repository.create_schema()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute("INSERT INTO run_notes VALUES ('r', 'acme', 1, now(), 'x')")


def test_notes_of_one_run_wait_for_each_other_and_number_on(url: str) -> None:
    with closing(open_url(url)) as repository:
        repository.create_schema()
        repository.create(NewRun(RunRecord.start(KEY, AT)))
        with ThreadPoolExecutor(4) as pool:
            with locked(url):
                notes = [pool.submit(repository.update, KEY, RunChange(note=str(n)), LATER) for n in range(4)]
                wait_for_blocked(url, 4)
            returned = {note.result().notes for note in notes}
        assert returned == {1, 2, 3, 4}
        assert sorted(line.text for line in repository.log(KEY)) == ["0", "1", "2", "3"]


def test_a_role_that_may_only_update_writes_lines_and_no_run(url: str) -> None:
    with closing(open_url(url)) as repository:
        repository.create_schema()
        repository.create(NewRun(RunRecord.start(KEY, AT)))
        with connected_as(url, *UPDATING) as updater:
            updater.update(KEY, RunChange(note="a"), AT)
            updater.update_many([(KEY, RunChange(note="b")), (KEY, RunChange(note="c"))], AT)
            assert [line.text for line in updater.log(KEY)] == ["a", "b", "c"]


# -- marks


def test_a_batch_that_lost_its_answer_is_known_again_beside_a_run_that_is_new(url: str) -> None:
    first = NewRun(RunRecord.start(KEY, AT), mark="m")
    more = [first, changed(NewRun(RunRecord.start(OTHER, AT), mark="m"), RunChange(note="n"), at=AT)]
    with closing(open_url(url)) as repository:
        repository.create_schema()
        repository.create(first)
        assert repository.create_many(more) == [KEY, OTHER]
        assert repository.create_many(more) == [KEY, OTHER]
        with pytest.raises(RunAlreadyExists) as caught:
            repository.create_many([NewRun(RunRecord.start(RunKey("new", "x"), AT), mark="n"), *more, first])
        assert set(caught.value.keys) == {KEY}
        assert [record.key for record in repository.find(RunQuery())] == [OTHER, KEY]


def test_of_starts_that_come_again_at_once_each_is_known(url: str) -> None:
    with closing(open_url(url)) as repository:
        repository.create_schema()
        news = [NewRun(RunRecord.start(RunKey("r", str(n)), AT), mark="m") for n in range(50)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: repository.create_many(news), range(8)))
        assert len(list(repository.find(RunQuery()))) == 50


def test_a_large_number_is_a_float_in_a_list_and_in_a_summary(url: str) -> None:
    new = NewRun(RunRecord.start(KEY, AT, metrics={"x": 1e300, "y": 2.0, "z": 3}))
    model = InMemoryRunRepository()
    with closing(open_url(url)) as repository:
        repository.create_schema()
        for store in (model, repository):
            store.create(new)
        assert repr(list(repository.find(RunQuery()))) == repr(list(model.find(RunQuery())))
        assert repr(repository.summary(RunQuery()).metrics) == "{'x': 1e+300, 'y': 2.0, 'z': 3}"


def test_long_logs_come_one_after_another(url: str) -> None:
    with closing(open_url(url)) as repository:
        repository.create_schema()
        notes = [RunChange(note=f"{i}" * 10_000) for i in range(5)]
        runs = [changed(NewRun(RunRecord.start(RunKey(f"{i:03}", "acme"), AT)), *notes, at=AT) for i in range(200)]
        repository.create_many(runs)  # 10 MB, in one page of rows
        [page] = repository._pages(postgresql._FIND_WITH_LOGS, RunQuery())
        assert [row[-1] for row in page] == [None] * len(runs)
        found = list(repository.find_with_logs(RunQuery()))
        assert found == [(run.record, run.log) for run in reversed(runs)]
