"""Which run a command is about: its arguments, its options, or what `runledger exec` set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from itertools import islice
from typing import Any, NoReturn

import click

from ..domain import RunLedgerError, RunNotFound
from ..domain.visible import quoted
from ..services.ledger import RunLedger
from .options import complete_client_id, complete_run_id, options, remark_default_store, run_id_option, store_option
from .output import complain

_NAMED = 20
"""How many clients of a run are named."""

Command = Callable[..., Any]


def _merged(function: Command) -> Command:
    """The function, with `run_id` and `client_id` from arguments or options; None if they are not given."""

    @wraps(function)
    def merged(first: str | None, second: str | None, run_id: str | None, client_id: str | None, **others: Any) -> Any:
        given = [each for each in (first, second) if each is not None]
        run = run_id if run_id is not None or not given else given.pop(0)
        client = client_id if client_id is not None or not given else given.pop(0)
        if given:
            raise click.UsageError("the run is named twice: give its ids as arguments or as options, not both.")
        return function(run_id=run, client_id=client, **others)

    return merged


def _complete_first(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
    complete = complete_run_id if ctx.params.get("run_id") is None else complete_client_id
    return complete(ctx, param, begun)


_arguments = options(
    click.argument("first", required=False, metavar="[RUN_ID", shell_complete=_complete_first),
    click.argument("second", required=False, metavar="CLIENT_ID]", shell_complete=complete_client_id),
)
_client_option = click.option(
    "--client", "client_id", metavar="ID", shell_complete=complete_client_id, help="The client the run is for."
)


def key_arguments(function: Command) -> Command:
    """Let a command name its run: as `RUN_ID CLIENT_ID`, or by options. Passes `run_id` and `client_id`."""
    named = click.option(
        "--run-id", metavar="ID", shell_complete=complete_run_id, help="The run's id; instead of the arguments."
    )
    return options(store_option, _arguments, named, _client_option)(_merged(function))


def start_arguments(function: Command) -> Command:
    """Let `start` name its run as all other commands do. Passes `run_id` and `client_id`, None if not given."""
    return options(store_option, _arguments, run_id_option, _client_option)(_merged(function))


class StartCommand(click.Command):
    """A command whose run needs a client, given by an argument or an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        first, second, run_id, client_id = (ctx.params[name] for name in ("first", "second", "run_id", "client_id"))
        if client_id is None and second is None and (first is None or run_id is None) and not ctx.resilient_parsing:
            raise click.UsageError("name the client: with --client, or after the run's id, as RUN_ID CLIENT_ID.", ctx)
        return rest


def chosen_key(run_id: str | None, client_id: str | None) -> tuple[str, str]:
    """The run that the arguments name, or the one that `runledger exec` set."""
    if run_id is None and client_id is None:
        run_id, client_id = os.environ.get("RUNLEDGER_RUN_ID"), os.environ.get("RUNLEDGER_CLIENT_ID")
    if not run_id or not client_id:
        raise click.UsageError(
            "name the run as RUN_ID CLIENT_ID; both may be left out only inside `runledger exec`, which sets them if "
            "it could start the run."
        )
    return run_id, client_id


def only_client(ledger: RunLedger, run_id: str) -> str:
    """The client of a run that has one record. A run that has none ends the command; of several, all are named."""
    clients = [record.key.client_id for record in islice(ledger.find(run_id=run_id), _NAMED + 1)]
    match clients:
        case [client_id]:
            return client_id
        case []:
            no_such_run(no_record_of(run_id))
    names = ", ".join(map(quoted, clients[:_NAMED])) + (", …" if len(clients) > _NAMED else "")
    raise click.UsageError(f"run {quoted(run_id)} has several records: name the client too, one of {names}.")


@contextmanager
def swapped_ids_noted(ledger: RunLedger, run_id: str, client_id: str) -> Iterator[None]:
    """Add a note to the error about a missing run if there is a run whose ids are these in the other order."""
    try:
        yield
    except RunNotFound as error:
        with suppress(RunLedgerError):
            other = ledger.get(client_id, run_id)
            error.add_note(f"There is {other.key}: write the run's id first, then the client's.")
        raise


def no_such_run(what: str) -> NoReturn:
    """End a command whose run does not exist."""
    complain(what)
    remark_default_store()
    click.get_current_context().exit(3)


def no_record_of(run_id: str) -> str:
    """What RunNotFound says of a run, for a run id without a client."""
    happened = "it was not started, or has been removed. Start it where the job begins."
    return f"no run record of run {quoted(run_id)}: {happened}"
