"""The hook of pre-commit, by the real pre-commit: it installs this package from a repository, and runs the check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = "const runs = require('airtable').base('x')('Runs');\nexports.startRun = (id) => runs.create({ id });\n"
SETTINGS = '[tool.runledger.scan]\nallowed = ["runs.js::{}"]\n'


def repository(folder: Path) -> str:
    """Make a git repository of a folder, and return its commit."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(folder)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--no-verify", "--message", "All"], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def committed(folder: Path, home: Path, path: str, text: str) -> subprocess.CompletedProcess[str]:
    """Change one file, and run the hooks on it as a commit does."""
    (folder / path).write_text(text)
    subprocess.run(["git", "-C", str(folder), "add", "--all"], check=True)
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run"],
        cwd=folder,
        env={**os.environ, "PRE_COMMIT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(600)
def test_the_hook_of_pre_commit_stops_a_commit_that_creates_elsewhere(tmp_path: Path) -> None:
    ours, theirs, home = tmp_path / "ours", tmp_path / "theirs", tmp_path / "home"
    ours.mkdir()
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, ours)
    shutil.copytree(ROOT / "src", ours / "src", ignore=shutil.ignore_patterns("__pycache__"))
    theirs.mkdir()
    (theirs / "runs.js").write_text(CODE)
    (theirs / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {ours.as_uri()}\n    rev: {repository(ours)}\n    hooks:\n      - id: runledger-scan\n"
    )
    (theirs / "pyproject.toml").write_text(SETTINGS.format("startRun"))
    repository(theirs)

    unchanged = committed(theirs, home, "notes.txt", "No code.\n")
    assert "(no files to check)Skipped" in unchanged.stdout, unchanged.stdout
    passed = committed(theirs, home, "runs.js", CODE + "// More.\n")
    assert passed.returncode == 0, passed.stdout
    assert "Passed" in passed.stdout
    repository(theirs)
    failed = committed(theirs, home, "pyproject.toml", SETTINGS.format("another"))
    assert failed.returncode == 1, failed.stdout
    assert "runledger: runs.js:2: creation: startRun creates a record in Runs." in failed.stdout
