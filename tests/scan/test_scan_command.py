"""The command: what it prints, the files that it writes, its exit codes, its settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from attrs import evolve
from commands import on_a_terminal, runledger

from runledger.scan.findings import (
    CREATING,
    CREATION,
    NO_START,
    RECOVERY,
    UNRESOLVED,
    UPDATE,
    UPDATING,
    UPSERT,
    Finding,
)
from runledger.scan.reports import sentence as sentence_of

CODE = """
const base = require('airtable').base('app1');
const runs = base('Client Run Results');
async function startRun(id) { return runs.create({ id }); }
async function touch(id) {
  const [row] = await runs.select({}).firstPage();
  if (!row) return startRun(id);
  return runs.update(row.id, {});
}
async function deep(id) { return touch(id); }
async function deeper(id) { return deep(id); }
"""
SETTINGS = '[tool.runledger.scan]\nallowed = ["code.js::startRun"]\n'


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code.js").write_text(CODE)
    return tmp_path


def test_findings_are_shown_with_their_chains(code: Path) -> None:
    shown = runledger("scan", str(code)).stdout
    assert "creation" in shown
    assert f"> startRun ({code}/code.js:4)" in shown
    assert "4 findings in 1 file." in shown


def test_longer_chains_are_shown_on_demand(code: Path) -> None:
    assert "deeper" not in runledger("scan", str(code)).stdout
    assert "deeper" in runledger("scan", "--deep", str(code)).stdout


def test_json_has_findings_counts_and_files(code: Path) -> None:
    report = json.loads(runledger("scan", "--json", str(code)).stdout)
    assert report["counts"] == {
        "creation": 1,
        "recovery": 1,
        "update": 1,
        "updating-wrapper": 1,
    }
    assert report["files"] == {
        "parsed": {"javascript": 1},
        "left_out": {},
        "parsed_in_part": [],
        "unreadable": [],
    }
    assert report["exhausted"] == {}


def test_sarif_is_valid_by_its_schema(code: Path) -> None:
    schema = json.loads((Path(__file__).parent / "sarif-2.1.0.json").read_text())
    runledger("scan", "--sarif", str(code / "out.sarif"), str(code))
    log = json.loads((code / "out.sarif").read_text())
    jsonschema.Draft4Validator(schema).validate(log)
    results = log["runs"][0]["results"]
    assert [(result["ruleId"], result["level"]) for result in results] == [
        ("creation", "error"),
        ("recovery", "error"),
        ("update", "note"),
        ("updating-wrapper", "note"),
    ]
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not jsonschema.Draft4Validator(schema).is_valid(log)


def test_the_inventory_lists_each_creation_point_with_its_callers(code: Path) -> None:
    (code / "pyproject.toml").write_text(SETTINGS)
    runledger("scan", "--inventory", str(code / "inventory.md"), str(code))
    written = (code / "inventory.md").read_text()
    assert "2 places: 1 creation, 1 recovery, 0 upsert, 0 unresolved." in written
    assert f"| `{code}/code.js:4` | `startRun` | creation, allowed | certain | `touch` ({code}/code.js:7)" in written


def test_a_check_fails_at_a_creation_that_is_not_allowed(code: Path) -> None:
    failed = runledger("scan", "--check", str(code), code=1)
    assert "code.js:4: creation" in failed.stderr
    assert "2 places failed the check." in failed.stderr


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (CREATION, "touch creates a record in Runs."),
        (RECOVERY, "touch creates a record in Runs because it found none."),
        (UPSERT, "touch creates or updates a record in Runs with one call."),
        (UPDATE, "touch updates a record in Runs."),
        (CREATING, "touch calls a function that creates a record in Runs."),
        (UPDATING, "touch calls a function that updates a record in Runs."),
        (NO_START, "touch updates a run in Runs, and no start was found before that."),
        (UNRESOLVED, "touch writes to a table whose name cannot be found out."),
    ],
)
def test_each_finding_reads_as_a_sentence(kind: str, sentence: str) -> None:
    finding = Finding(kind, "a.py", 1, "touch", "" if kind == UNRESOLVED else "Runs")
    assert sentence_of(finding) == sentence
    likely = sentence_of(
        evolve(finding, likely=True, function="<module>", chain=("start (a.py:2)", "creation (a.py:3)"))
    )
    assert likely == f"{sentence.replace('touch', 'The module probably')} Chain: start (a.py:2) > creation (a.py:3)."


def test_a_check_fails_at_a_recovery_although_the_creation_is_allowed(code: Path) -> None:
    (code / "pyproject.toml").write_text(SETTINGS)
    failed = runledger("scan", "--check", str(code), code=1)
    assert "code.js:4: creation" not in failed.stderr
    assert "code.js:7: recovery" in failed.stderr


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        ("base('Client Run Results').update([], { performUpsert: {} });", True),
        ("base(process.env.TABLE).create({});", True),
        ("base('Clients').create({});", False),
        ("base('Client Run Results').update('x', {});", False),
    ],
)
def test_what_fails_a_check(tmp_path: Path, line: str, fails: bool) -> None:
    (tmp_path / "a.js").write_text(f"const base = require('airtable').base('x');\n{line}\n")
    runledger("scan", "--check", str(tmp_path), code=1 if fails else 0)


def test_a_clean_code_base_passes(code: Path) -> None:
    (code / "pyproject.toml").write_text(SETTINGS)
    (code / "code.js").write_text(CODE.replace("if (!row) return startRun(id);", ""))
    runledger("scan", "--check", str(code))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("run = 'x'", "has no setting 'run'"),
        ("ignore = 'x'", "ignore must be a list of texts"),
        ("tables = ['x']", "tables must be a table of texts"),
        ("wrappers = {x = 'delete'}", "the wrapper 'x' is 'delete'"),
        ("runs = [", "cannot be read"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(code: Path, settings: str, words: str) -> None:
    (code / "pyproject.toml").write_text(f"[tool.runledger.scan]\n{settings}\n")
    assert words in runledger("scan", str(code), code=2).stderr


@pytest.mark.parametrize("text", ["tool = 1", "[tool]\nrunledger = 1", "[tool.runledger]\nscan = 1"])
def test_a_section_that_is_no_table_is_refused_in_one_sentence(code: Path, text: str) -> None:
    file = code / "other.toml"
    file.write_text(text)
    said = runledger("scan", "--config", str(file), str(code), code=2).stderr
    assert "must be a table, as in [tool.runledger.scan]." in said


def test_settings_may_begin_with_the_mark_of_utf_8_and_are_in_no_other_encoding(code: Path) -> None:
    settings = code / "pyproject.toml"
    settings.write_text(SETTINGS, encoding="utf-8-sig")
    assert "code.js:4: creation" not in runledger("scan", "--check", str(code), code=1).stderr
    settings.write_text(SETTINGS, encoding="utf-16")
    said = f"{settings} is not UTF-8 text: save it as UTF-8."
    assert said in runledger("scan", "--config", str(settings), str(code), code=2).stderr


def test_code_may_begin_with_the_mark_of_utf_8(code: Path) -> None:
    found = runledger("scan", str(code)).stdout
    (code / "code.js").write_text(CODE, encoding="utf-8-sig")
    assert runledger("scan", str(code)).stdout == found


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in runledger("scan", str(tmp_path / "none"), code=2).stderr


def test_a_file_that_cannot_be_written_is_named(code: Path) -> None:
    assert "cannot be written" in runledger("scan", "--sarif", str(code / "no" / "x.sarif"), str(code), code=2).stderr


def test_what_a_reader_has_to_know_is_on_standard_error(code: Path) -> None:
    (code / "bad.py").write_text("from django.db import models\ndef f(:\n")
    said = runledger("scan", str(code)).stderr
    assert "Parsed only in part, because of syntax errors: " in said
    assert "Writes through these libraries are not covered: Django ORM." in said


def test_a_person_sees_how_many_files_are_read(code: Path) -> None:
    (code / "other.js").write_text("f(1);\n")
    seen = on_a_terminal("scan", str(code), store=":")
    assert "2/2" in seen
    assert "4 findings in 2 files.\n" in seen


def test_a_limit_that_was_reached_is_named_on_standard_error(tmp_path: Path) -> None:
    functions = "".join(f"def f{n}(x):\n    f{n + 1}(x)\n" for n in range(20))
    runs = "from pyairtable import Api\nruns = Api('k').table('app', 'Runs')\n"
    (tmp_path / "a.py").write_text(f"{runs}{functions}def f20(x):\n    runs.create(x)\n")
    limits = "Findings may be missing, because limits were reached: length of a chain of calls (1 time).\n"
    assert limits in runledger("scan", str(tmp_path)).stderr
    assert limits in runledger("scan", "--check", str(tmp_path), code=1).stderr


def test_files_that_are_left_out_are_counted_after_the_findings(code: Path) -> None:
    for name in ("tests/a.js", "node_modules/x/a.js", "node_modules/x/b.js", "vendor/a.js", "a.min.js", "old/a.js.bak"):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text(CODE)
    assert runledger("scan", str(code)).stdout.endswith(
        "4 findings in 1 file. 6 files left out: backups 1, generated 1, node_modules 2, tests 1, vendored 1.\n"
    )


@pytest.mark.parametrize("name", ["a\nb.js", "a\x1b[2J.js", os.fsdecode(b"a\xff.js")])
def test_a_name_that_is_no_plain_text_is_escaped_in_every_report(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("require('airtable').base('x')('Runs').create({});\n")
    inventory, sarif = tmp_path / "points.md", tmp_path / "runs.sarif"
    shown = runledger("scan", "--inventory", str(inventory), "--sarif", str(sarif), str(tmp_path)).stdout
    assert len(shown.splitlines()) == 3
    assert all(line.isprintable() for line in shown.splitlines())
    assert all(line.isprintable() for line in inventory.read_text().splitlines())
    assert len([line for line in inventory.read_text().splitlines() if line.startswith("| `")]) == 1
    [result] = json.loads(sarif.read_text())["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote_to_bytes(uri) == os.fsencode(tmp_path / name)
    assert len(runledger("scan", "--check", str(tmp_path), code=1).stderr.splitlines()) == 2
    [finding] = json.loads(runledger("scan", "--json", str(tmp_path)).stdout)["findings"]
    assert finding["file"] == str(tmp_path / name)


def test_a_table_steers_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("require('airtable').base('x')('Runs \x1b[2J').create({});\n")
    assert "Runs \\u001b[2J" in runledger("scan", str(tmp_path)).stdout


def test_a_file_that_cannot_be_checked_fails_a_check(tmp_path: Path) -> None:
    (tmp_path / "deep.js").write_text("x = " + "(" * 5000 + "1" + ")" * 5000)
    assert "nested too deeply: " in runledger("scan", str(tmp_path)).stderr
    assert "deep.js: not checked" in runledger("scan", "--check", str(tmp_path), code=1).stderr


def test_the_scan_loads_no_adapter_and_no_driver() -> None:
    code = (
        "import sys, runledger.scan.scanning\n"
        "names = ('runledger.adapters.', 'psycopg', 'pyairtable', 'click')\n"
        "print([name for name in sys.modules if name.startswith(names)])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_report_is_the_same_each_time_also_for_findings_of_one_line(tmp_path: Path) -> None:
    functions = " ".join(f"function f{n}() {{ runs.create({{}}); }}" for n in range(8))
    (tmp_path / "a.js").write_text(f"const runs = require('airtable').base('x')('Runs'); {functions}\n")
    command = [sys.executable, "-m", "runledger", "scan", "--json", str(tmp_path)]
    reports = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": str(seed)}, capture_output=True, text=True, check=True
        ).stdout
        for seed in range(3)
    }
    assert len(reports) == 1
    assert reports.pop().count('"creation"') >= 8
