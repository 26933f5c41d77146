"""Every command and every piece of code in the two pages on Airtable is run, in order, and says what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from string import Template
from typing import Any

from attrs import define, field
from commands import RUNLEDGER, all_output, environment
from documents import blocks, typed
from operated_base import OPERATOR, Clock, serving

from airtable_local import AirtableServer, AirtableService, Column, Table, Token

BASE = "appAbcDefGhiJklMn"
STORE = re.compile(rf"(airtable://{BASE}/[\w%]+)\??([^\s'\"]*)")


@define
class Reader:
    """Somebody who does what a page says, in a folder. `by_hand` is done before the command that begins so.

    The first two, those that run another and Python are real processes; the others run in this one and do not wait.
    """

    folder: Path
    server: AirtableServer
    service: AirtableService
    clock: Clock
    by_hand: Mapping[str, Sequence[tuple[str, Column]]]
    exports: dict[str, str] = field(factory=dict)
    processes: int = 0

    def read(self, page: str) -> int:
        """Do everything; how much that was."""
        done = 0
        for kind, text in blocks(f"docs/{page}", "console", "python"):
            if kind == "python":
                self.run([sys.executable, "-c", self.here(text)])
                done += 1
            for command, expected in typed(text):
                for beginning, columns in self.by_hand.items():
                    for table, column in columns if command.startswith(beginning) else ():
                        self.service.set_column(BASE, table, column)
                said = self.do(command)
                assert re.fullmatch(pattern(expected), said), f"{command}\n{said}"
                done += 1
        return done

    def here(self, text: str) -> str:
        """A page's text with this server's address in it."""
        text = text.replace("Api(os.environ[", f"Api(endpoint_url={self.server.url!r}, api_key=os.environ[")
        return STORE.sub(rf"\1?endpoint={self.server.url}&\2", text)

    def do(self, command: str) -> str:
        command = self.here(command)
        if command.startswith("export "):
            name, value = command.removeprefix("export ").split("=", 1)
            self.exports[name] = value.strip("'")
            return ""
        if " exec " in command or self.processes < 2:
            self.processes += 1
            return self.run(["sh", "-c", command.replace("runledger", shlex.join(RUNLEDGER), 1)])
        name, *arguments = shlex.split(Template(command).substitute(self.exports))
        assert name == "runledger"
        with chdir(self.folder):
            return all_output(*arguments, **self.exports, AIRTABLE_API_KEY=OPERATOR)

    def run(self, command: list[str]) -> str:
        self.clock.sleep(2)  # nobody types so fast that the next process meets the last one's rate limit
        variables = environment(**self.exports, AIRTABLE_API_KEY=OPERATOR)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout


def pattern(expected: str) -> str:
    """A page's output as a regular expression: … stands for anything."""
    return re.escape(expected).replace("…", "(?s:.*)")


def columns_of(kinds: Mapping[str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name, kind in kinds.items())


STATUSES = ("Running", "Done", "Failed")
LATER = ("Completed with Errors", "Skipped", "Cancelled")


def choices(*names: str) -> Mapping[str, Any]:
    return {"choices": [{"name": name} for name in names]}


SCRIPT_TABLE = Table(
    "Client Runs",
    (
        *columns_of({"Run": "singleLineText", "Client": "singleLineText", "Name": "singleLineText"}),
        Column("Status", "singleSelect", choices(*STATUSES)),
        *columns_of({"Started": "dateTime", "Finished": "dateTime", "Posts": "number"}),
    ),
)


@contextmanager
def reading(
    folder: Path, tables: Sequence[Table], by_hand: Mapping[str, Sequence[tuple[str, Column]]]
) -> Iterator[Reader]:
    with serving(tables, [Token(OPERATOR)], BASE) as (server, service, clock):
        yield Reader(folder, server, service, clock, by_hand)


def test_setting_up_a_base(tmp_path: Path) -> None:
    by_hand = {
        f"export RUNLEDGER_STORE='airtable://{BASE}/Runs?number=No": [
            ("Runs", Column("No", "autoNumber")),
        ],
        "runledger doctor --probe": [
            ("Scratch", Column("Value", "number", {"precision": 8})),
            *(("Scratch", column) for column in columns_of({"Flag": "checkbox", "No": "autoNumber"})),
        ],
    }
    with reading(tmp_path, [], by_hand) as reader:
        assert reader.read("airtable.md") == 11


def test_from_a_script_to_the_ledger(tmp_path: Path) -> None:
    added = Column("Status", "singleSelect", choices(*STATUSES, *LATER))
    by_hand = {"runledger copy --dry-run": [("Client Runs", added)]}
    with reading(tmp_path, [SCRIPT_TABLE], by_hand) as reader:
        assert reader.read("from-a-script.md") == 8
