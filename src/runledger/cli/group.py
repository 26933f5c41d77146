"""The group of all commands: the module of each, and the exit code of each error of the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

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
from ..domain.visible import visible
from .forgotten import refuse_forgotten_values
from .interrupts import interruptible
from .locations import without_passwords
from .options import INCOMPLETE, remark_default_store, store_option
from .output import colour_wanted, complain, remark

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
    "check": "checking.check",
    "import": "importing.import_",
    "export": "moving.export",
    "copy": "moving.copy",
    "prune": "pruning.prune",
    "audit": "auditing.audit_",
    "compare": "comparing.compare",
    "missing": "missing.missing",
    "init": "store.init",
    "doctor": "store.doctor",
    "scan": "scanning.scan",
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

_INCOMPLETE = 9
"""The exit code of a command whose answer is incomplete, because rows cannot be read."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_PLACES)  # in this order, which is that of a run's life

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for name in [cmd_name] if cmd_name in _PLACES else _PLACES:  # all, so that click can say what was meant
            module, _, function = _PLACES[name].partition(".")
            self.add_command(getattr(import_module(f"{__package__}.commands.{module}"), function))
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands; what does not fit a line goes on in the next one, where click would cut it off."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(200)) for name, each in commands if each is not None])

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        command = next((word for word in args if word in _PLACES), None)
        try:
            with _visible_usage_errors():
                return super().make_context(info_name, args, *rest, **{"terminal_width": _narrow(), **extra})
        except click.UsageError as error:
            _reject(error, None if extra.get("resilient_parsing") else command)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_forgotten_values(self, args)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        ctx.invoked_subcommand = name  # as click does, but only after this
        if command is not None and not ctx.resilient_parsing:
            refuse_forgotten_values(command, rest)
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        ctx.color = colour_wanted()
        try:
            with interruptible(), _visible_usage_errors():
                result = super().invoke(ctx)
        except click.UsageError as error:
            _reject(error, ctx.invoked_subcommand)
        except RunLedgerError as error:
            complain(error)
            for note in getattr(error, "__notes__", ()):
                remark(note)
            if isinstance(error, RunNotFound):
                remark_default_store()
            ctx.exit(_exit_code(error))
        except KeyboardInterrupt:
            ctx.exit(130)
        if ctx.meta.get(INCOMPLETE):
            ctx.exit(_INCOMPLETE)
        return result


def _reject(error: click.UsageError, command: str | None) -> NoReturn:
    """End with UNKNOWN, as a monitoring plugin, if the command is `check`; else raise the error."""
    if command != "check":
        raise error
    from .plugin import print_unknown  # here, because only `check` answers as a plugin

    raise click.exceptions.Exit(print_unknown(error.format_message()))


def _narrow() -> int | None:
    """The width of a terminal that is narrower than click makes its help; None lets click decide."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
    except (ValueError, OSError):
        return None
    return columns - 2 if 20 <= columns < 52 else None


@contextmanager
def _visible_usage_errors() -> Iterator[None]:
    """What click says of wrong arguments quotes them, and they may come from data, as in a script's loop.

    They may also be the URL of a store without its --store.
    """
    try:
        yield
    except click.ClickException as error:
        message = without_passwords(visible(error.message, lines=True))
        stray = "unexpected extra argument" in message and "://" in message
        vars(error)["message"] = f"{message}: name a store with --store." if stray else message
        raise


def _exit_code(error: RunLedgerError) -> int:
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0  done
  1  not all could be done
  2  wrong usage or value
  3  no such run
  4  the run exists already
  5  the run has already finished
  6  the store is unavailable
  7  the store cannot serve as it is
  9  incomplete: rows cannot be read
exec exits as the command did.
check exits as a plugin: 0 to 3.

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
