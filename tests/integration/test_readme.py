"""The README does what it says: its first command on a bare machine, its Python, its commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import RUNLEDGER, environment, runledger
from documents import ROOT, blocks

SETUP, _, COMMANDS = (text for _, text in blocks("README.md", "sh"))
[(_, PYTHON)] = blocks("README.md", "python")


@pytest.mark.timeout(600)  # packages may have to come from far away
def test_the_first_command_sets_up_runs_a_command_as_a_run_and_lists_it(tmp_path: Path) -> None:
    checkout = fresh_copy(tmp_path)
    done = subprocess.run(
        ["sh", "-c", SETUP], cwd=checkout, env=newcomer(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, heading, run = done.stdout.splitlines()
    assert (said, heading.split("\t")[0]) == ("scoring posts", "started")
    assert run.split("\t")[2:5] == ["acme", "Acme Ltd", "Completed"]
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


def test_the_python_code_runs_as_it_stands(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PYTHON],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    *runs, summary = done.stdout.splitlines()
    assert [line.split(" ", 2)[2] for line in runs] == [
        "Running {}",
        "Completed {}",
        "Completed {'Posts Scored': 43, 'Tokens': 1520}",
    ]
    assert summary.startswith("RunSummary(runs=2, ")


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
    for words in ("Runs     1", "is a ledger of this version", "Load a history from CSV or JSON Lines."):
        assert words in done.stdout
    [run] = runledger("list", "--status", "completed", "--json", store=named).stdout.splitlines()
    assert '"metrics": {"Tokens": 5}' in run
    assert '"half way"' in run
