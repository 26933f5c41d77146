"""The README, the example of two functions and the page of the command line do what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import RUNLEDGER, environment, runledger
from documents import ROOT, blocks

SETUP, _ = (text for _, text in blocks("README.md", "sh"))
EXAMPLE, SERVICE = (text for _, text in blocks("README.md", "python"))
[(_, MISSING)] = blocks("README.md", "text")
COMMANDS = "".join(text for _, text in blocks("docs/command-line.md", "sh"))


@pytest.mark.timeout(600)  # packages may have to come from far away
def test_the_first_command_sets_up_runs_a_command_as_a_run_and_lists_it(tmp_path: Path) -> None:
    checkout = fresh_copy(tmp_path)
    done = subprocess.run(
        ["sh", "-c", SETUP], cwd=checkout, env=newcomer(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, heading, run = done.stdout.splitlines()
    assert (said, heading.split("\t")[0]) == ("scoring posts", "started")
    assert run.split("\t")[2:5] == ["acme", "acme", "Completed"]
    assert (tmp_path / "data/runledger/runs.db").exists()
    assert (checkout / ".venv/bin/runledger").exists()


def fresh_copy(folder: Path) -> Path:
    """The project as it is packed: without what .gitignore names, and with nothing that was built before."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [packed] = folder.glob("*.tar.gz")
    subprocess.run(["tar", "-xzf", packed], cwd=folder, check=True)
    return folder / packed.name.removesuffix(".tar.gz")


def newcomer(home: Path) -> dict[str, str]:
    """The environment of somebody who has just checked out the project, and knows where packages come from."""
    ours = ("VIRTUAL_ENV", "PYTHON", "RUNLEDGER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = [folder for folder in os.get_exec_path() if Path(folder) != Path(sys.prefix, "bin")]
    of_pip = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return {
        **kept,
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "XDG_CONFIG_HOME": of_pip,
        "XDG_DATA_HOME": str(home / "data"),
    }


def test_the_example_creates_one_run_and_raises_for_the_one_that_was_not_started(tmp_path: Path) -> None:
    done = python("-c", EXAMPLE, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[-1]) == (1, "", MISSING.rstrip())
    [run] = runledger("list", "--json", store=tmp_path / "runs.db").stdout.splitlines()
    assert '"status": "Completed"' in run


def test_the_service_and_its_test_pass_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "test_service.py").write_text(SERVICE)
    done = python("-m", "pytest", "-q", str(tmp_path), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "1 passed" in done.stdout


def test_the_two_functions_create_and_update() -> None:
    source = ROOT / "examples" / "two_functions.py"
    assert len(source.read_text().splitlines()) <= 25
    done = python(str(source), folder=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "'status': 'Completed'" in done.stdout
    assert "'metrics': {'posts': 43}" in done.stdout


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


def test_the_commands_run_as_they_stand(tmp_path: Path) -> None:
    lines = COMMANDS.splitlines()
    [inside] = [line for line in lines if line.startswith("runledger update")]
    script = tmp_path / "nightly.sh"
    script.write_text(inside)
    script.chmod(0o755)
    named = f"sqlite:///{tmp_path}/runs.db"
    runledger("start", "--client", "acme", "--run-id", "251124-081500", store=named)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "runledger").write_text(f'#!/bin/sh\nexec {" ".join(RUNLEDGER)} "$@"\n')
    (bin_folder / "runledger").chmod(0o755)
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(line for line in lines if line != inside and "…" not in line)],
        cwd=tmp_path,
        env=environment(PATH=f"{bin_folder}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "Runs     1",
        "is a ledger of this version",
        "Load a history from CSV or JSON Lines.",
        "0 finished runs removed",
    ):
        assert words in done.stdout
    [run] = runledger("list", "--status", "completed", "--json", store=named).stdout.splitlines()
    assert '"metrics": {"Tokens": 5}' in run
    run_id = json.loads(run)["run_id"]
    assert "half way" in runledger("show", run_id, "acme", store=named).stdout
