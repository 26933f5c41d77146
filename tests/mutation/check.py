"""Whether the tests notice every change of a rule: runs mutmut, and compares what survives with what may.

Run `.venv/bin/python tests/mutation/check.py` for the modules that hold the rules of creating and updating, with
`--all` for all that pyproject.toml names. What may survive, and why, stands in harmless.toml beside this file: the
function and the lines that the mutant takes out and puts in. Exits with 1 if anything else survives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

RULES = ("runledger.domain.record*", "runledger.services.creation*", "runledger.services.updates*")
ROOT = Path(__file__).parents[2]
Mutant = tuple[str, str]
"""A function, and the lines that differ, free of indentation."""


def mutmut(*arguments: str) -> str:
    """What mutmut says."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"mutmut {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done.stdout


def survivors(chosen: tuple[str, ...]) -> tuple[set[Mutant], int]:
    """The mutants that no test noticed, or that no test runs; and how many mutants there were."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)  # what an earlier run found out, with other tests
    mutmut("run", "--max-children", str(os.cpu_count() or 1), *chosen)
    prefixes = tuple(pattern.rstrip("*") for pattern in chosen) or ("",)
    lines = [line.strip().split(": ") for line in mutmut("results", "--all", "true").splitlines() if ": " in line]
    fates = {name: fate for name, fate in lines if name.startswith(prefixes)}
    alive = [name for name, fate in fates.items() if fate in ("survived", "no tests", "suspicious")]
    return {described(name) for name in alive}, len(fates)


def described(name: str) -> Mutant:
    """A mutant by what it is, not by its number, which moves with every change above it."""
    module, _, function = name.rpartition("__mutmut_")[0].rpartition(".")
    function = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    lines = [line for line in mutmut("show", name).splitlines() if line.startswith(("-", "+"))]
    changed = [line for line in lines if not line.startswith(("---", "+++"))]
    return f"{module}.{function}", "\n".join(line[0] + " " + line[1:].strip() for line in changed)


def main() -> None:
    chosen = () if "--all" in sys.argv else RULES
    listed = tomllib.loads((Path(__file__).parent / "harmless.toml").read_text())["mutant"]
    harmless = {(each["function"], each["lines"].strip()) for each in listed}
    found, tried = survivors(chosen)
    for function, lines in sorted(found - harmless):
        print(f"\n[[mutant]]\nfunction = \"{function}\"\nlines = '''\n{lines}\n'''\nwhy = \"\"")
    print(f"{len(found)} of {tried:,} mutants survive, {len(found - harmless)} of them not listed as harmless.")
    if "--all" in sys.argv and (gone := harmless - found):
        print(f"Listed, but noticed or no longer made: {', '.join(sorted(function for function, _ in gone))}.")
    sys.exit(bool(found - harmless))


if __name__ == "__main__":
    main()
