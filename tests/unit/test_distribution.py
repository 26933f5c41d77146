"""The distribution is run-records, because runledger is another project on the package index: nothing points there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
FOREIGN = re.compile(r"pip install[^\n]*\brunledger(?![-_/.\w])|\brunledger\[\w")
"""An instruction to install, or a dependency on, the other project."""
PAGES = [
    page
    for pattern in ("*.md", "docs/**/*.md", "src/**/*.py", "examples/**/*.md", "examples/**/*.py", "**/pyproject.toml")
    for page in ROOT.glob(pattern)
    if not {".venv", "mutants", "node_modules"} & set(page.relative_to(ROOT).parts)
]


def hints(text: str) -> list[str]:
    return [line for line in text.splitlines() if FOREIGN.search(line)]


def test_no_hint_names_the_foreign_distribution() -> None:
    found = {str(page.relative_to(ROOT)): hints(page.read_text()) for page in PAGES}
    assert len(found) > 60
    assert {page: lines for page, lines in found.items() if lines} == {}


@pytest.mark.parametrize("line", ["pip install 'runledger[cli]'", "pip install runledger", '  "runledger[testing]",'])
def test_a_hint_with_the_foreign_name_is_found(line: str) -> None:
    assert hints(line) == [line]


def test_what_is_built_and_required_is_run_records() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    redis = tomllib.loads((ROOT / "examples/runledger-redis/pyproject.toml").read_text())["project"]
    assert project["name"] == "run-records"
    assert project["scripts"] == {
        "runledger": "runledger_command:main"
    }  # which Ctrl-C ends quietly from its first line
    assert redis["dependencies"][0] == "run-records"


def test_the_wheel_holds_the_package_and_the_module_of_its_command(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    source = ROOT / "src"
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    assert held == {*modules, "runledger/py.typed"}
