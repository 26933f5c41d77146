"""A file that repeats one thing costs what its length says: twice as long, twice the work. Work is counted in calls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from runledger.scan.scanning import scan
from runledger.scan.settings import Settings

RUNS = "from pyairtable import Api\nruns = Api('k').table('app', 'Client Runs')\n"
PACKAGE = f"{RUNS}import web\napp = web.App()\n"


def of_package(n: int) -> str:
    return PACKAGE + "app.state.x = runs\n" * n + "app.state.x.create({})\n" * n


def of_package_by_itself(n: int) -> str:
    return PACKAGE + "app.state.x = runs\n" + "app.state.x = app.state.x or runs\n" * n + "app.state.x.create({})\n"


def of_package_by_functions(n: int) -> str:
    functions = "".join(
        f"def f{i}():\n    app.state.x = g{i}()\ndef g{i}():\n    return app.state.x\n" for i in range(n)
    )
    return f"{PACKAGE}app.state.x = runs\n{functions}app.state.x.create({{}})\n"


def of_module(n: int) -> str:
    return RUNS + "t = runs\n" * n + "def f(x):\n" + "    t.create(x)\n" * n


def of_module_by_itself(n: int) -> str:
    return (
        f"{RUNS}t = runs\n"
        + "".join(f"def f{i}():\n    global t\n    t = t or runs\n" for i in range(n))
        + "t.create({})\n"
    )


def items(n: int) -> str:
    return f"{RUNS}d = {{}}\n" + "d[k] = runs\n" * n + "d.get(k).create({})\n" * n


def fields(n: int) -> str:
    return f"{RUNS}class A:\n    def f(self):\n" + "        self.t = runs\n        self.t.create({})\n" * n


def appended(n: int) -> str:
    return f"{RUNS}t = []\n" + "t = []\nt.append(runs)\n" * n + "for each in t:\n    each.create({})\n" * n


def appended_by_itself(n: int) -> str:
    return f"{RUNS}t = [runs]\n" + "for each in t:\n    t.append(each)\n" * n + "for each in t:\n    each.create({})\n"


def imported_as_a_whole(n: int) -> str:
    return "from m import *\n" * n + RUNS + "runs.create([a(), b(), c(), d(), e(), f(), g(), h()])\n" * n


@pytest.mark.parametrize(
    "code",
    [
        of_package,
        of_package_by_itself,
        of_package_by_functions,
        of_module,
        of_module_by_itself,
        items,
        fields,
        appended,
        appended_by_itself,
        imported_as_a_whole,
    ],
)
def test_what_is_assigned_often_and_read_often_is_looked_through_once(
    tmp_path: Path, code: Callable[[int], str]
) -> None:
    shorter, longer = calls(tmp_path, code(60)), calls(tmp_path, code(120))
    assert longer < 2.5 * shorter


def calls(folder: Path, code: str) -> int:
    """How many calls a scan makes."""
    (folder / "a.py").write_text(code)
    made = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        report = scan([folder], Settings())
    finally:
        sys.setprofile(before)
    assert any(finding.kind == "creation" for finding in report.findings)
    return made
