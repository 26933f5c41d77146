"""docs/write-an-adapter.md shows the package examples/runledger-redis, which is found once it is installed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "runledger-redis"
GUIDE = ROOT / "docs" / "write-an-adapter.md"

_BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A block that is part of a file of the package: the file's name follows the language."""

USE = """
import runledger, sys
from redis_server import server_url

with runledger.connect(server_url()) as ledger:
    run = ledger.start("251124-081500", "acme")
    run.update(add={"Tokens": 5}, note="half way")
    run.complete()
    [record] = ledger.find()
    print(record.key, record.status.value, dict(record.metrics), sys.modules["runledger_redis"].__file__)
"""

ASK = """
import subprocess, sys
from redis_server import server_url

for command in ("doctor", "init"):
    subprocess.run([sys.executable, "-m", "runledger", command, "--store", server_url()], check=True)
"""


def lines(text: str) -> list[str]:
    """The lines that are not blank: the guide has prose between two blocks, where the file has blank lines."""
    return [line for line in text.splitlines() if line]


def shown() -> dict[str, str]:
    """What the guide shows of each file, joined in its order."""
    files: dict[str, str] = {}
    for name, block in _BLOCK.findall(GUIDE.read_text()):
        files[name] = files.get(name, "") + block
    return files


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "src/runledger_redis/__init__.py", "tests/redis_server.py", "tests/test_contract.py"]
)
def test_the_guide_shows_the_whole_file(name: str) -> None:
    assert lines(shown()[name]) == lines((PACKAGE / name).read_text())


def test_the_guide_shows_no_other_file() -> None:
    assert all((PACKAGE / name).is_file() for name in shown())


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package installed in it. A wheel of Python alone is installed by unpacking it."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=PACKAGE, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path / "site"


def test_the_installed_package_is_found_by_its_scheme(installed: Path) -> None:
    paths = os.pathsep.join([str(installed), str(PACKAGE / "tests")])
    used = subprocess.run(
        [sys.executable, "-c", USE], env={**os.environ, "PYTHONPATH": paths}, check=True, capture_output=True, text=True
    )
    assert used.stdout.split("\n") == [
        f"run '251124-081500' of client 'acme' Completed {{'Tokens': 5}} {installed}/runledger_redis/__init__.py",
        "",
    ]
    assert used.stderr == ""


def test_the_command_line_examines_the_installed_package(installed: Path) -> None:
    paths = os.pathsep.join([str(installed), str(PACKAGE / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", ASK], env={**os.environ, "PYTHONPATH": paths}, check=True, capture_output=True, text=True
    )
    doctor, opens, made = done.stdout.splitlines()
    assert doctor == "ok    the server answers, and its settings keep every acknowledged write"
    assert opens == "ok    the store of redis:// opens"
    assert made.startswith("note  nothing was made: this store needs no preparation")
