"""Running a command as a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from ...domain import RunAlreadyFinished, RunLedgerError, StoreUnusable
from ...domain.values import storable_text
from ...stores import connect
from ..options import chosen_store, lasting, start_options
from ..output import complain

if TYPE_CHECKING:
    from ..execute import Ending


@click.command("exec", context_settings={"allow_interspersed_args": False})
@start_options
@click.option("--run-anyway", is_flag=True, help="Run the command even if its run cannot be started.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(run_id: str, client_id: str, run_anyway: bool, command: tuple[str, ...], **details: Any) -> None:
    """Run a command as a run.

    Starts its record, runs it, finishes the record as it ends: Completed on exit code 0, Failed with the code and the
    last lines of standard error otherwise, Cancelled if a signal ended it. Exits as the command did (128 + N for signal
    N). Where both outputs are one file or terminal, as with >log 2>&1, the last lines are of both. Inside, `runledger
    update` needs no keys.

    \b
    Example:
      runledger exec --client acme --name "Acme Ltd" -- ./nightly.sh --full
    """
    if sys.platform == "win32":
        raise click.UsageError("exec needs a POSIX system.")
    if not command[0]:
        raise click.UsageError("the command is empty: name it after --.")
    from ..execute import Ending, apart_from_signals, environment_for, run_command

    store = None
    started = False
    try:
        store = _absolute(lasting(chosen_store()))
        apart_from_signals(partial(_start, store, run_id, client_id, details))
        started = True
    except RunLedgerError as error:
        if not run_anyway:
            raise
        complain(f"{error} Running the command without a record, as asked.")
    try:
        ending = run_command(command, environment_for(store, (run_id, client_id) if started else None))
    except OSError as error:
        ending = Ending(127 if isinstance(error, FileNotFoundError) else 126, f"{command[0]}: {error.strerror}")
        complain(ending.error)
    if store is not None and started:
        _finish(store, run_id, client_id, ending)
    sys.exit(ending.code)


def _start(store: str, run_id: str, client_id: str, details: Mapping[str, Any]) -> None:
    # Closed again before the command runs: a connection that idles for hours is of no use.
    with connect(store, observers=()) as ledger:
        ledger.start(run_id, client_id, **details)


def _finish(store: str, run_id: str, client_id: str, ending: Ending) -> None:
    """Finish the record of a command; what it cannot tell the store, it tells the person, and exits as the command."""
    try:
        with connect(store, observers=()) as ledger:
            run = ledger.updates.run(run_id, client_id)
            if ending.signal is not None:
                run.cancel(f"ended by {ending.signal}")
            elif ending.error is not None:
                run.fail(storable_text(ending.error))
            else:
                run.complete()
    except RunAlreadyFinished:
        pass  # the command finished its run itself
    except RunLedgerError as error:
        complain(f"the command has ended, but its run could not be finished: {error}")


def _absolute(store: str) -> str:
    """The store by a URL that also holds in another working directory."""
    path = store.removeprefix("sqlite:///")
    if path == store or path.startswith("/"):
        return store
    try:
        return f"sqlite:///{quote(os.getcwdb())}/{path}"
    except OSError:
        raise StoreUnusable("the working directory is gone: name the store by an absolute path.") from None
