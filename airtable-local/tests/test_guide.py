"""The Python code of the README runs, in order, and its options are those of the command."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from airtable_local import FaultKind
from airtable_local.arguments import FAULT_FIELDS, fault, unknown
from airtable_local.command import main

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_its_python_code_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 4
    done = subprocess.run([sys.executable, "-c", "".join(blocks)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'Name': 'a', 'Count': 1") == 3
    assert "('POST', 200, (('created', 'rec" in done.stdout


def test_it_names_every_option_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"^  (--[\w-]+)", capsys.readouterr().out, re.MULTILINE))
    assert options == set(re.findall(r"^\| `(--[\w-]+)", README, re.MULTILINE))


def test_its_faults_and_unknowns_can_be_given() -> None:
    given = re.findall(r"--(fault|unknown) ('[^'…]+'|[a-z_]+=\w+)", README)
    assert len(given) == 4
    for option, text in given:
        (fault if option == "fault" else unknown)(shlex.split(text)[0])


def test_its_table_of_faults_has_every_kind_and_field() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|$", README, re.MULTILINE)
    assert [name for name, _ in rows] == [kind.name.lower() for kind in FaultKind]
    common = set(FAULT_FIELDS["html"])
    assert common == {"method", "path", "nth", "times"}
    assert {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in rows} == {
        name: set(fields) - common for name, fields in FAULT_FIELDS.items()
    }
