"""A second copy between real stores and by the command; and a store is never copied to itself."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import psycopg
import pytest
from commands import RUNLEDGER, environment
from commands import runledger as command
from operated_base import OPERATOR, InstantBase, operated
from postgres_server import fresh_database

import runledger
from airtable_local import Column, LogEntry
from copies import everything
from runledger import Fate, InvalidValue, Run, RunStatus, connect
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import RunRepository
from runledger.services.ledger import utc_now
from runledger.testing.airtable import run_table

METRICS = (Column("Posts", "number", {"precision": 0}), Column("Model", "singleLineText"))


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, Callable[[], RunRepository]]]:
    """How to make an empty store of each kind."""
    with fresh_database() as url:

        def postgresql() -> RunRepository:
            with psycopg.connect(url) as connection:
                connection.execute("DROP TABLE IF EXISTS runs, run_notes")
            repository = PostgreSQLRunRepository(url)
            repository.create_schema()
            return repository

        yield {
            "memory": InMemoryRunRepository,
            "sqlite": lambda: SQLiteRunRepository(folder / f"{len(os.listdir(folder))}.db"),
            "postgresql": postgresql,
            "airtable": lambda: InstantBase(run_table("Runs", METRICS)).repository(),
        }


def end(run: Run) -> None:
    run.update(metrics={"Posts": 43, "Model": "m2"}, note="all")
    run.fail("why", note="at the end")
    run.update(note="late", metrics={"Posts": 44})
    run.heartbeat()


def test_between_every_two_kinds_of_store_what_ended_since_is_brought_over(tmp_path: Path) -> None:
    with stores(tmp_path) as kinds:
        for source, target in [*permutations(kinds, 2)]:
            with closing(kinds[source]()) as here, closing(kinds[target]()) as there:
                ledger = runledger.RunLedger(here, observers=())
                runs = ledger.start_many("r", ["a", "b", "c"])
                for run in runs.values():
                    run.update(metrics={"Posts": 1}, note="begun")
                first = runledger.copy(here, there)
                assert (first.counts[Fate.COPIED], first.running) == (3, 3), (source, target)
                end(runs["a"])
                runs["b"].complete()
                result = runledger.copy(here, there, ended_since=first.ended_since)
                assert {fate: count for fate, count in result.counts.items() if count} == {Fate.ENDED: 2, Fate.EQUAL: 1}
                assert everything(there) == everything(here), (source, target)
                assert runledger.copy(here, there).counts[Fate.EQUAL] == 3


def test_the_command_prints_the_command_of_the_second_copy_which_brings_over_what_ended(tmp_path: Path) -> None:
    old, new = f"sqlite:///{tmp_path}/old.db", f"sqlite:///{tmp_path}/new.db"
    with connect(old, observers=()) as ledger:
        runs = ledger.start_many("r", ["a", "b"])
        done = command("copy", old, new)
        assert done.stdout == "2 copied, 0 already there\n"
        said, _, line = done.stderr.strip().partition(": ")
        assert said == "2 runs are still Running in the source. When they have finished, bring them over with"
        words = line.split()
        assert words[:5] == ["runledger", "copy", old, new, "--ended-since"]
        end(runs["a"])
        again = command(*words[1:], "--dry-run")
        assert again.stdout == "0 to be copied, 1 to be brought to the end, 1 already there\n"
        again = command(*words[1:])
        assert again.stdout == "0 copied, 1 brought to the end, 1 already there\n"
        assert again.stderr.startswith("1 run is still Running in the source.")
        assert again.stderr.strip().endswith(line)
        runs["b"].heartbeat()
        again = command(*words[1:], code=1)
        assert again.stdout == "0 copied, 1 already there, 1 still running\n"
        assert again.stderr.startswith("still running: run 'r' of client 'b': it has gone on in the source: copy again")
        runs["b"].complete()
        *_, counts = map(json.loads, command(*words[1:], "--json").stdout.splitlines())
        assert (counts["ended"], counts["equal"], counts["running"], counts["ended_since"]) == (1, 1, 0, None)
    with connect(new, observers=()) as ledger:
        assert {record.status for record in ledger.find()} == {RunStatus.FAILED, RunStatus.COMPLETED}
    assert "in the future" in command("copy", old, new, "--ended-since", "2999-01-01", code=2).stderr


def test_the_printed_command_shows_no_secret_and_can_be_pasted(tmp_path: Path) -> None:
    with fresh_database() as url, connect(tmp_path / "runs.db", observers=()) as ledger:
        command("init", store=url)
        ledger.start("r", "a")
        given = psycopg.conninfo.conninfo_to_dict(url)
        public = f"postgresql://{given['user']}@/{given['dbname']}?host={given['host']}&sslmode=disable"
        for secret in (public.replace("@", ":hush@"), f"{public}&password=hush", public):
            done = command("copy", f"sqlite:///{tmp_path}/runs.db", secret)
            assert "hush" not in done.stderr + done.stdout
            first, *notes = done.stderr.splitlines()
            lacks = [] if secret == public else ["The URL of the target is printed without its password: add it."]
            assert notes == lacks
            words = shlex.split(first.partition(": ")[2])
            assert words[:5] == ["runledger", "copy", f"sqlite:///{tmp_path}/runs.db", public, "--ended-since"]
            command(*words[1:])
        hidden = public.replace("@", ":hush@").replace("host=", "application_name=a@b&host=")
        first, *notes = command("copy", f"sqlite:///{tmp_path}/runs.db", hidden).stderr.splitlines()
        assert " TARGET --ended-since 2" in first
        assert notes == ["Write the URL of the target for TARGET: it is not printed, as it may show a secret."]


def test_a_second_copy_that_is_killed_between_two_updates_is_made_again(tmp_path: Path) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    updates: list[LogEntry] = []

    def kill(entry: LogEntry) -> None:
        if entry.changed and entry.changed[0][0] == "updated":
            updates.append(entry)
            if len(updates) == 3:
                processes[0].kill()

    old = f"sqlite:///{tmp_path}/old.db"
    with operated(run_table("Runs", METRICS), on_request=kill) as base, connect(old, observers=()) as ledger:
        run = ledger.start("r", "a")
        first = json.loads(command("copy", old, base.url(), "--json", AIRTABLE_API_KEY=OPERATOR).stdout)
        end(run)
        arguments = ["copy", old, base.url(), "--ended-since", first["ended_since"], "--json"]
        processes.append(subprocess.Popen([*RUNLEDGER, *arguments], env=environment(AIRTABLE_API_KEY=OPERATOR)))
        assert processes[0].wait() == -signal.SIGKILL
        [row] = base.rows("Runs")
        assert (row["fields"]["Status"], row["fields"]["Posts"]) == ("Running", 44)
        done = json.loads(command(*arguments, AIRTABLE_API_KEY=OPERATOR).stdout)
        assert (done["ended"], done["different"]) == (1, 0)
        assert len(base.rows("Runs")) == 1
        back = f"sqlite:///{tmp_path}/back.db"
        command("copy", base.url(), back, AIRTABLE_API_KEY=OPERATOR)
        with connect(back, observers=()) as copied:
            assert [*copied.reads.find_with_logs()] == [*ledger.reads.find_with_logs()]


def test_a_store_is_not_copied_to_itself_by_whatever_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = "the source and the target are the same store: name two stores."
    with connect("sqlite:///a.db", observers=()) as ledger:
        ledger.start("r", "a")
    (tmp_path / "linked.db").symlink_to("a.db")
    for other in ("sqlite:///a.db", f"sqlite:///{tmp_path}/a.db", "sqlite:///linked.db"):
        assert words in command("copy", "sqlite:///a.db", other, code=2).stderr
        assert words in command("copy", "--dry-run", "sqlite:///a.db", other, code=2).stderr
    with fresh_database() as url, fresh_database() as another:
        for each in (url, another):
            command("init", store=each)
        for other in (url, f"{url}{'&' if '?' in url else '?'}application_name=copy"):
            assert words in command("copy", url, other, code=2).stderr
        command("copy", "sqlite:///a.db", url)
        assert command("copy", url, another).stdout == "1 copied, 0 already there\n"
    base = InstantBase(run_table("Runs", METRICS))
    with pytest.raises(InvalidValue, match="the same store"):
        runledger.copy(base.repository(), base.repository())


def test_the_end_of_a_run_is_not_before_the_first_copy_for_a_clock_that_is_behind(tmp_path: Path) -> None:
    """The clock of the host that ends the run may be behind: the target's last update decides, not the end."""
    with (
        closing(SQLiteRunRepository(tmp_path / "a.db")) as here,
        closing(SQLiteRunRepository(tmp_path / "b.db")) as there,
    ):
        behind = runledger.RunLedger(here, observers=(), clock=lambda: utc_now() - timedelta(hours=1))
        run = behind.start("r", "a")
        first = runledger.copy(here, there)
        run.complete()
        assert runledger.copy(here, there, ended_since=first.ended_since).counts[Fate.ENDED] == 1
