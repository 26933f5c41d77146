"""Running a command as a run."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from ...domain import RunAlreadyFinished, RunKey, RunLedgerError
from ...domain.values import storable_text
from ...services.run_ids import new_run_id
from ...stores import backend_of
from ..options import chosen_store, complete_client_id, lasting, open_ledger, run_id_option, start_details, store_option
from ..output import complain

if TYPE_CHECKING:
    from ..execute import Ending, Signalled


def _complete_command(ctx: click.Context, param: click.Parameter, begun: str) -> list[Any]:
    from ..candidates import commands  # here, because only a shell that completes needs it

    return commands(ctx, param, begun)


@click.command("exec", context_settings={"allow_interspersed_args": False})
@store_option
@click.option(
    "--client",
    "client_id",
    required=True,
    metavar="ID",
    shell_complete=complete_client_id,
    help="The client the run is for.",
)
@run_id_option
@start_details
@click.option("--run-anyway", is_flag=True, help="Run the command even if its run cannot be started.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=_complete_command)
def exec_(run_id: str | None, client_id: str, run_anyway: bool, command: tuple[str, ...], **details: Any) -> None:
    """Run a command as a run.

    Starts a run, runs the command, and finishes the run: as Completed if the exit code is 0, as Cancelled if a signal
    ended the command, otherwise as Failed with the exit code and the last lines of standard error. Exits with the
    command's code (128 + N for signal N). If both outputs go to one file or terminal, as with >log 2>&1, the last lines
    are of both. Inside the command, `runledger update` needs no ids.

    A signal while the run is being started cancels the run, and the command does not run. After a signal while the run
    is being started or finished, the store has five seconds to answer. A signal after the first second
    of them ends exec immediately.

    \b
    Example:
      runledger exec --client acme --name "Acme Ltd" -- ./nightly.sh --full
    """
    if sys.platform == "win32":
        raise click.UsageError("exec needs a POSIX system.")
    if not command[0]:
        raise click.UsageError("the command is empty: name it after --.")
    from ..execute import environment_for, signals_held

    store = None
    key = None
    with signals_held() as mask:
        try:
            store = lasting(chosen_store())
            store = backend_of(store).absolute_url(store)  # the command may change its directory
            key = _start(store, RunKey(new_run_id() if run_id is None else run_id, client_id), details)
        except RunLedgerError as error:
            if not run_anyway:
                raise
            complain(f"{error} Running the command without a record, as asked.")
        ending = _run(command, environment_for(store, key), mask)
        if store is not None and key is not None:
            _finish(store, key, ending)
    sys.exit(ending.code)


def _start(store: str, key: RunKey, details: Mapping[str, Any]) -> RunKey:
    """Start the command's record. Exits if a signal arrives before the command has begun."""
    from ..execute import GRACE_SECONDS, Signalled, unless_signalled

    def start() -> None:
        # Close the connection before the command runs: it would be idle for hours.
        with open_ledger(store) as ledger:
            ledger.start(key.run_id, key.client_id, **details)

    try:
        unless_signalled(start)
    except Signalled as signalled:
        if signalled.ended and signalled.error is None:
            cancelling = Thread(target=_finish_in_store, args=(store, key, signalled.ending), daemon=True)
            cancelling.start()
            cancelling.join(GRACE_SECONDS)
            if cancelling.is_alive():
                _print_interrupted(signalled, f"{key} was being cancelled")
        else:
            _print_interrupted(signalled, f"{key} was being started")
        sys.exit(signalled.ending.code)
    return key


def _run(command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> Ending:
    from ..execute import Ending, run_command

    try:
        return run_command(command, environment, mask)
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        ending = Ending(code, f"{command[0]}: {error.strerror}{_hint(command, error)}")
        complain(ending.error)
        return ending


def _hint(command: Sequence[str], error: OSError) -> str:
    """What may be wrong with a command that cannot be found; empty if nothing shows it."""
    if not isinstance(error, FileNotFoundError):
        return ""
    if os.path.exists(command[0]):
        return ". The file is there, but not the interpreter that its first line names; or that line ends in CR LF."
    if len(command) == 1 and re.search(r"[\s|&;<>$*?]", command[0]):
        return f". exec runs no shell; write: -- sh -c {shlex.quote(command[0])}"
    if re.match(r"[A-Za-z_]\w*=", command[0]):
        return f". To set a variable, write: -- env {shlex.join(command)}"
    return ""


def _finish(store: str, key: RunKey, ending: Ending) -> None:
    from ..execute import Signalled, unless_signalled

    try:
        unless_signalled(partial(_finish_in_store, store, key, ending))
    except Signalled as signalled:
        if not signalled.ended or signalled.error is not None:
            _print_interrupted(signalled, f"{key} was being finished")


def _print_interrupted(signalled: Signalled, doing: str) -> None:
    complain(f"{signalled} while {doing}: {signalled.error or '`runledger show` says whether it was.'}")


def _finish_in_store(store: str, key: RunKey, ending: Ending) -> None:
    """Finish the command's record. If that fails, print why; the exit code stays the command's."""
    try:
        with open_ledger(store) as ledger:
            run = ledger.updates.run(key.run_id, key.client_id)
            if ending.cancelled is not None:
                run.cancel(ending.cancelled)
            elif ending.error is not None:
                run.fail(storable_text(ending.error))
            else:
                run.complete()
    except RunAlreadyFinished:
        pass  # the command finished its run itself
    except RunLedgerError as error:
        complain(f"{key} could not be finished: {error}")
