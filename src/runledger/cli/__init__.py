"""The command line, a driving adapter over the services. Needs the extra `cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script `runledger`."""
    try:
        from .commands import cli
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.stderr.write("runledger: the command line needs more than the core: pip install 'runledger[cli]'\n")
        sys.exit(2)
    cli(prog_name="runledger")
