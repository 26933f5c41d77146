"""Options that several commands share, and what they choose: the store, the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any, TypeVar

import click

from ..domain import StoreUnusable
from ..services.ledger import RunLedger
from ..services.run_ids import new_run_id
from ..stores import EXAMPLE_URL, backend_of, connect, store_url
from .arguments import ADDITION, METRIC, MOMENT, STATUS

F = TypeVar("F", bound=Callable[..., Any])


def _options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    return lambda function: reduce(lambda made, decorate: decorate(made), reversed(decorators), function)


def _remember_store(ctx: click.Context, _param: click.Parameter, url: str | None) -> None:
    if url == "":
        raise click.BadParameter(f"it is empty: write it like {EXAMPLE_URL}.")
    if url is not None:
        ctx.find_root().obj = url


def each_once(_ctx: click.Context, _param: click.Parameter, pairs: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The pairs of a repeated option, by name. A name that is given twice is rejected, because one would be lost."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise click.BadParameter(f"{name!r} is given twice: give it once.")
        values[name] = value
    return values


def any_or_some(_ctx: click.Context, _param: click.Parameter, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The values of an option that may be repeated; None if it is not given."""
    return values or None


store_option = click.option(
    "--store",
    metavar="URL",
    expose_value=False,
    callback=_remember_store,
    help=f"Where the runs are, e.g. {EXAMPLE_URL}.  [env: RUNLEDGER_STORE; default: a file in your data directory]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON, one object a line.")
key_arguments = _options(
    store_option,
    click.argument("run_id", required=False, metavar="[RUN_ID"),
    click.argument("client_id", required=False, metavar="CLIENT_ID]"),
)
detail_options = _options(
    click.option(
        "--set", "metrics", multiple=True, type=METRIC, callback=each_once, help="Set a metric; may be repeated."
    ),
    click.option("--add", multiple=True, type=ADDITION, callback=each_once, help="Add to a number; may be repeated."),
    click.option("--note", help="Append a line to the log."),
)
start_options = _options(
    store_option,
    click.option("--client", "client_id", required=True, metavar="ID", help="The client the run is for."),
    click.option("--name", "client_name", metavar="TEXT", help="The client's name. [default: the id]"),
    click.option(
        "--run-id", metavar="ID", default=new_run_id, help="The run's id. [default: a new one, from the time]"
    ),
    click.option(
        "--set",
        "metrics",
        multiple=True,
        type=METRIC,
        callback=each_once,
        help="A metric to begin with; may be repeated.",
    ),
)
since_option = click.option(
    "--since",
    type=MOMENT,
    help="Only runs started at or after a day (2025-11-24, from midnight UTC), an ISO time with its zone, or an age "
    "(2h).",
)
filter_options = _options(
    store_option,
    click.option("--client", "client_id", metavar="ID", help="Only this client's runs."),
    click.option(
        "--status",
        type=STATUS,
        multiple=True,
        callback=any_or_some,
        help="Only runs with this status, e.g. failed; may be repeated for runs with one of several.",
    ),
    since_option,
    click.option("--until", type=MOMENT, help="Only runs started before that; given as for --since."),
)
limit_options = _options(
    click.option(
        "--limit",
        metavar="N",
        type=click.IntRange(min=1),
        default=50,
        show_default=True,
        help="The largest number of runs to show.",
    ),
    click.option("--all", "all_", is_flag=True, help="No limit."),
)


def _named_store() -> str | None:
    url = click.get_current_context().find_root().obj or os.environ.get("RUNLEDGER_STORE")
    return str(url) if url else None


def chosen_store() -> str:
    """The URL that --store or RUNLEDGER_STORE names, or that of a file in the person's data directory."""
    if url := _named_store():
        return url
    from pathlib import Path  # here, so that `exec` with a store named starts sooner

    try:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "runledger"
        folder.mkdir(parents=True, exist_ok=True)
    except RuntimeError:
        raise StoreUnusable("you have no home folder to keep runs in: name a store with --store.") from None
    except OSError as error:
        raise StoreUnusable(f"{error.filename} cannot be made ({error.strerror}): name a store with --store.") from None
    return store_url(folder / "runs.db")


def lasting(store: str) -> str:
    """The store's URL, as its backend takes it; that of a store that ends with the command is refused."""
    url = store_url(store)
    if not backend_of(url).is_lasting:
        scheme = url.partition("://")[0]
        raise click.UsageError(f"{scheme}:// lasts as long as this command: name a store that stays.")
    return url


def chosen_existing_store() -> str:
    """The URL of the chosen store, as its backend takes it; a store that was named must exist."""
    store = lasting(chosen_store())
    return existing(store) if _named_store() else store


def existing(store: str) -> str:
    """The store's URL; that of a store that is not there is refused."""
    if what := backend_of(store).makes_on_open(store):
        raise StoreUnusable(f"there is no {what}: correct the URL; `runledger init` or the first start makes it.")
    return store


@contextmanager
def chosen_ledger(*, may_be_new: bool = False) -> Iterator[RunLedger]:
    """The ledger of the chosen store. It has no observers: the command's output reports what happened.

    A store that was named must exist, unless it `may_be_new`.
    """
    store = lasting(chosen_store()) if may_be_new else chosen_existing_store()
    with connect(store, observers=()) as ledger:
        yield ledger


def chosen_key(run_id: str | None, client_id: str | None) -> tuple[str, str]:
    """The run that the arguments name, or the one that `runledger exec` set."""
    if run_id is None:
        run_id, client_id = os.environ.get("RUNLEDGER_RUN_ID"), os.environ.get("RUNLEDGER_CLIENT_ID")
    if not run_id or not client_id:
        raise click.UsageError(
            "name the run as RUN_ID CLIENT_ID; both may be left out only inside `runledger exec`, which sets them."
        )
    return run_id, client_id
