"""A disk that fails: at each call in turn, and at each size in turn. Every change is as its outcome says."""

import subprocess
import sys
from pathlib import Path

import pytest
from failing_disk import ERRORS

PROGRAM = Path(__file__).with_name("faulty_ledger.py")


@pytest.mark.parametrize(("fails", "least"), [*((method, 2) for method in ERRORS), ("size", 100)])
def test_a_change_on_a_failing_disk_is_as_its_outcome_says(tmp_path: Path, fails: str, least: int) -> None:
    done = subprocess.run([sys.executable, PROGRAM, tmp_path, fails], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    *wrong, tried = done.stdout.splitlines()
    assert wrong == []
    assert int(tried) >= least
