"""The command line, a driving adapter over the services. Needs the extra `cli`."""

from __future__ import annotations

import gc
import io
import os
import sys


def main() -> None:
    """The console script `runledger`."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller: nobody reads, and nothing comes
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, for as long as we run
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As standard error has it: what the terminal's encoding or a file's odd name cannot show is escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from .group import cli

        gc.freeze()  # collections, of which the end of Python makes several, need not visit what stays loaded
        cli(prog_name="runledger")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("click", "rich"):
            raise
        from ..distribution import install_hint

        why = f"the command line needs more than the core: {install_hint('cli')}"
        if "check" in sys.argv:  # which answers as a monitoring plugin: see plugin.py, which needs click
            print(f"RUNLEDGER UNKNOWN - {why}")
            sys.exit(3)
        sys.stderr.write(f"runledger: {why}\n")
        sys.exit(2)
    except KeyboardInterrupt:  # while the command was loaded
        sys.exit(130)
    except OSError as error:  # but a closed pipe, at which click ends quietly
        from .output import give_output_up

        give_output_up(error)
        sys.exit(1)
