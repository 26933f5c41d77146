"""What a command is given by its environment, and what its run's first note says of where it runs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from ...domain import RunKey
from ...domain.values import MAX_NOTE, storable_text
from ...domain.visible import visible
from ..locations import without_passwords


def environment_for(store: str | None, key: RunKey | None) -> dict[str, str]:
    """Our environment, with the store and the run that the command updates instead of any that it already had.

    The folder of our own script comes last in PATH, so that the command finds `runledger`: cron's PATH rarely does.
    """
    run_id, client_id = (key.run_id, key.client_id) if key else (None, None)
    ours = {"RUNLEDGER_STORE": store, "RUNLEDGER_RUN_ID": run_id, "RUNLEDGER_CLIENT_ID": client_id}
    own = os.path.dirname(os.path.abspath(sys.argv[0]))
    path = os.environ.get("PATH")
    if path and own not in path.split(os.pathsep) and os.access(os.path.join(own, "runledger"), os.X_OK):
        ours["PATH"] = f"{path}{os.pathsep}{own}"
    return {name: value for name, value in {**os.environ, **ours}.items() if value is not None}


def first_note(command: Sequence[str], *, with_arguments: bool) -> str:
    """What runs, where, as whom, and in which process: ours, which passes signals on to the command."""
    what = shlex.join(command) if with_arguments else without_passwords(command[0])
    where = f" on {os.uname().nodename} as {_user()}, pid {os.getpid()}"
    program = visible(storable_text(what))
    left = MAX_NOTE - len(where)
    return (program if len(program) <= left else program[: left - 1] + "…") + where


def _user() -> str:
    import pwd  # here, because Windows has none

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in a container that is run with a bare user id
        return str(os.geteuid())
