"""Developing without a base: the table of runs, the command that serves it, and the page that shows both."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from commands import runledger
from documents import ROOT, blocks

from airtable_local import Column
from runledger import RunStatus
from runledger.adapters.airtable import Columns
from runledger.adapters.airtable.findings import column_findings
from runledger.domain import Verdict
from runledger.testing.airtable import run_table

PAGE = "docs/airtable-server.md"
# As `python -m runledger.testing.airtable`, but Ctrl-C ends it even where the tests run in the background.
AS_COMMAND = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("runledger.testing.airtable", run_name="__main__", alter_sys=True)
"""


def test_a_table_of_runs_is_what_doctor_asks_for() -> None:
    columns = Columns(run_id="Run", ended_at=None, number="No", start_mark="Mark", statuses={RunStatus.FAILED: "Error"})
    table = run_table("Jobs", [Column("Tokens", "number")], columns=columns)
    assert (table.name, table.columns[0].name, table.columns[-1].name) == ("Jobs", "Run", "Tokens")
    verdicts = {
        found.what: found.verdict for found in column_findings(columns, [column.schema() for column in table.columns])
    }
    others = {what: verdict for what, verdict in verdicts.items() if verdict is not Verdict.OK}
    left_out = "without a column for ended_at ('End Time'), the end of a finished run is its last sign of life"
    assert others == {left_out: Verdict.NOTE}
    assert "column 'No' is autonumber" in verdicts
    assert all(column.type != "autoNumber" for column in run_table().columns)


def test_the_command_prints_what_the_page_shows_and_it_works_as_printed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", AS_COMMAND, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            printed = "".join(process.stdout.readline() for _ in range(5))
            address = r"http://127\.0\.0\.1:\d+"
            [(_, shown)] = blocks(PAGE, "text")
            assert re.sub(address, "…", printed) == re.sub(address, "…", shown)
            [store] = re.findall(r"^runledger list --store '(\S+)'$", printed, re.MULTILINE)
            [token] = re.findall(r"^export AIRTABLE_API_KEY=(\w+)$", printed, re.MULTILINE)
            for command in ("start --client acme --run-id r1", "complete r1 acme"):
                runledger(*command.split(), store=store, AIRTABLE_API_KEY=token)
            assert "Completed" in runledger("list", store=store, AIRTABLE_API_KEY=token).stdout
            process.send_signal(signal.SIGINT)
            _, reported = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert re.search(r"^\S+ POST /v0/appRunledgerLocal/Runs 200, created rec\w{14}$", reported, re.MULTILINE)


def test_the_help_fits_into_80_columns() -> None:
    command = [sys.executable, "-m", "runledger.testing.airtable", "--help"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "(default: appRunledgerLocal)" in "".join(lines)
    assert max(map(len, lines)) < 80


def test_the_code_of_the_page_runs(tmp_path: Path) -> None:
    [(_, code)] = blocks(PAGE, "python")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "'Status': 'Completed'" in done.stdout
    assert "'Tokens': 1500" in done.stdout


def test_without_the_package_one_sentence_says_how_to_install_it() -> None:
    without = (
        "import sys; sys.modules['airtable_local'] = None; from runledger.testing.airtable import main; exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"airtable: .* is missing: pip install \./airtable-local .*\.\n", done.stderr)
    assert (ROOT / "airtable-local" / "pyproject.toml").is_file()
