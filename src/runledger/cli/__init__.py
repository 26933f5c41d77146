"""The command line, a driving adapter over the services. Needs the extra `cli`."""

from __future__ import annotations

import gc
import sys

from .streams import prepare_streams


def main() -> None:
    """Run the command that the arguments name, and exit."""
    prepare_streams()
    try:
        from .group import cli

        gc.freeze()  # collections, of which the end of Python makes several, need not visit what stays loaded
        gc.enable()
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
