"""The group of all commands: the module of each, and the exit code of each error of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from ..distribution import DISTRIBUTION
from ..domain import (
    InvalidValue,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunLedgerError,
    RunNotFound,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
)
from .options import store_option
from .output import colour_wanted, complain

_PLACES = {
    "start": "runs.start",
    "update": "runs.update",
    "complete": "runs.complete",
    "fail": "runs.fail",
    "skip": "runs.skip",
    "cancel": "runs.cancel",
    "exec": "exec.exec_",
    "show": "looking.show",
    "list": "looking.list_",
    "latest": "looking.latest",
    "summary": "looking.summary",
    "stale": "looking.stale",
    "import": "importing.import_",
    "export": "moving.export",
    "copy": "moving.copy",
    "prune": "pruning.prune",
    "init": "store.init",
    "doctor": "store.doctor",
    "completion": "completion.completion",
}
"""The module of each command, and its name there: a command loads what it needs and no other."""

_EXIT_CODES: Mapping[type[RunLedgerError], int] = {
    InvalidValue: 2,
    RunNotFound: 3,
    RunAlreadyExists: 4,
    RunAlreadyFinished: 5,
    StoreUnavailable: 6,
    StoreUnusable: 7,
    UnknownMetric: 7,
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_PLACES)  # in this order, which is that of a run's life

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for name in [cmd_name] if cmd_name in _PLACES else _PLACES:  # all, so that click can say what was meant
            module, _, function = _PLACES[name].partition(".")
            self.add_command(getattr(import_module(f"{__package__}.commands.{module}"), function))
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        ctx.color = colour_wanted()
        try:
            return super().invoke(ctx)
        except RunLedgerError as error:
            complain(error)
            ctx.exit(_exit_code(error))
        except KeyboardInterrupt:
            ctx.exit(130)


def _exit_code(error: RunLedgerError) -> int:
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0  done                        4  the run exists already
  1  not all could be done       5  the run has already finished
  2  wrong usage or value        6  the store is unavailable
  3  no such run                 7  the store cannot serve as it is
exec exits as the command did.

\b
Examples:
  runledger exec --client acme -- ./nightly.sh
  runledger list --client acme --since 7d
  runledger show 251124-081500-3f9a1c acme
""",
)
@store_option
@click.version_option(package_name=DISTRIBUTION, message="runledger %(version)s")
def cli() -> None:
    """A ledger of job runs: create once, update many, error if missing."""
