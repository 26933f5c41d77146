"""Options that several commands share, and the store that they choose."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..domain import RunObserver, StoreUnusable
from ..domain.json_form import time_text
from ..domain.visible import visible
from ..services.ledger import RunLedger, utc_now
from ..stores import EXAMPLE_URL, backend_of, connect, store_url
from .arguments import ADDITION, COUNT, METRIC, MOMENT, STATUS
from .locations import shown_url
from .notices import Notices
from .output import remark
from .streams import silence_libraries

if TYPE_CHECKING:
    from pathlib import Path

    from ..domain import RunKey

_LOOKS_UNLIKE_TEXT = r"(?s)True|False|None|null|NaN|[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[0-9]+,[0-9]+|[\[{].*[\]}]"

INCOMPLETE = "runledger.incomplete"
"""Set in the context's `meta`, to their number, by a command whose answer lacks rows."""

_FALLBACK = "runledger.fallback"
"""Set in the context's `meta` once a misspelt variable was noted."""
_RESEMBLES = 0.85
"""How alike two names are, from 0 to 1. The other variables of runledger are below 0.75."""

F = TypeVar("F", bound=Callable[..., Any])


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several decorators as one."""
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


def metrics_once(ctx: click.Context, param: click.Parameter, pairs: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The metrics of a repeated option, by name. Says which are stored as text although they look like something else.

    Nobody adds to text, and whoever writes 1,234 or True may not expect it.
    """
    values = each_once(ctx, param, pairs)
    for name, value in values.items():
        if isinstance(value, str) and re.fullmatch(_LOOKS_UNLIKE_TEXT, value):
            remark(f"{name}={value} is stored as text: it is not a number, true, false, or a time with its zone.")
    return values


def any_or_some(_ctx: click.Context, _param: click.Parameter, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The values of an option that may be repeated; None if it is not given."""
    return values or None


def _range_of_times(ctx: click.Context, param: click.Parameter, value: datetime | None) -> datetime | None:
    """A time, after the other end of the range was looked at, if that is given: whichever comes second sees both."""
    times = {**ctx.params, str(param.name): value}
    since, until = times.get("since"), times.get("until")
    if since is not None and until is not None and since >= until:
        if since == until:
            given = f"--since and --until are both {time_text(until)}, and --until is exclusive"
            raise click.UsageError(f"{given}, so no run can match: give a later --until, such as the next day.")
        given = f"--since ({time_text(since)}) is later than --until ({time_text(until)})"
        raise click.UsageError(f"{given}, so no run can match: exchange them.")
    return value


def given_options(values: Mapping[str, Any]) -> str:
    """The options of this command that have one of these values, such as: --client, --status and --since."""
    parameters = click.get_current_context().command.params
    *first, last = [each.opts[0] for each in parameters if values.get(str(each.name)) is not None] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def complete_run_id(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Run ids of the chosen store, for a shell: those of the client, if one is given."""
    return _stored_ids(ctx, lambda key: key.run_id, begun, client_id=ctx.params.get("client_id"))


def complete_client_id(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Client ids of the chosen store, for a shell: those of the run, if one is given."""
    run_id = ctx.params.get("run_id") or ctx.params.get("first") or ctx.params.get("of_run")
    return _stored_ids(ctx, lambda key: key.client_id, begun, run_id=run_id)


def _stored_ids(ctx: click.Context, of: Callable[[RunKey], str], begun: str, **filters: Any) -> list[str]:
    from .candidates import stored_ids  # here, because only a shell that completes needs it

    with ctx.scope(cleanup=False):
        return stored_ids(chosen_existing_store, of, begun, **filters)


store_option = click.option(
    "--store",
    metavar="URL",
    expose_value=False,
    callback=_remember_store,
    help=f"Where the runs are, e.g. {EXAMPLE_URL}.  [env: RUNLEDGER_STORE; default: a file in your data directory]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON, one object a line.")
detail_options = options(
    click.option(
        "--set", "metrics", multiple=True, type=METRIC, callback=metrics_once, help="Set a metric; may be repeated."
    ),
    click.option("--add", multiple=True, type=ADDITION, callback=each_once, help="Add to a number; may be repeated."),
    click.option("--note", help="Append a line to the log."),
)
run_id_option = click.option("--run-id", metavar="ID", help="The run's id. [default: a new one, from the time]")
start_details = options(
    click.option("--name", "client_name", metavar="TEXT", help="The client's name. [default: the id]"),
    click.option(
        "--set",
        "metrics",
        multiple=True,
        type=METRIC,
        callback=metrics_once,
        help="A metric to begin with; may be repeated.",
    ),
)
since_option = click.option(
    "--since",
    type=MOMENT,
    callback=_range_of_times,
    help="Only runs started at or after a day (2025-11-24, from midnight UTC), an ISO time with its zone, or an age "
    "(2h).",
)
of_client_option = click.option(
    "--client", "client_id", metavar="ID", shell_complete=complete_client_id, help="Only this client's runs."
)
of_run_option = click.option("--run-id", metavar="ID", shell_complete=complete_run_id, help="Only this run's records.")
filter_options = options(
    store_option,
    of_client_option,
    click.option(
        "--status",
        type=STATUS,
        multiple=True,
        callback=any_or_some,
        help="Only runs with this status, e.g. failed; may be repeated for runs with one of several.",
    ),
    of_run_option,
    since_option,
    click.option(
        "--until",
        type=MOMENT,
        callback=_range_of_times,
        help="Only runs started before that time (exclusive); given as for --since.",
    ),
)
after_option = click.option("--after", nargs=2, metavar="RUN_ID CLIENT_ID", help="Continue the list after this run.")
limit_options = options(
    click.option(
        "--limit",
        metavar="N",
        type=COUNT,
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
    """The URL that --store or RUNLEDGER_STORE names, or that of a file in the person's data directory.

    The directory is made.
    """
    if url := _named_store():
        return url
    file = _fallback()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"{error.filename} cannot be made ({error.strerror}): name a store with --store.") from None
    return store_url(file)


def _fallback() -> Path:
    """The default file. Prints once, for a person, which variable looks like a misspelt RUNLEDGER_STORE."""
    ctx, file = click.get_current_context(), _default_file()
    if not (ctx.resilient_parsing or ctx.meta.get(_FALLBACK)) and (name := _misspelt_variable()):
        ctx.meta[_FALLBACK] = True
        remark(f"{name} is not a variable of runledger (did you mean RUNLEDGER_STORE?), so the store is {file}.")
    return file


def _misspelt_variable() -> str | None:
    """The variable of the environment that resembles RUNLEDGER_STORE most, if there is one."""
    others = (name for name in os.environ if name != "RUNLEDGER_STORE")
    names = {name.upper(): name for name in others if name.upper().startswith("RUNLEDGER")}
    if not names:
        return None
    from difflib import get_close_matches  # here, because most environments have none

    return next((names[name] for name in get_close_matches("RUNLEDGER_STORE", names, cutoff=_RESEMBLES)), None)


def _default_file() -> Path:
    from pathlib import Path  # here, so that `exec` with a store named starts sooner

    try:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    except RuntimeError:
        raise StoreUnusable("you have no home folder to keep runs in: name a store with --store.") from None
    return folder / "runledger" / "runs.db"


def lasting(store: str) -> str:
    """The store's URL, as its backend takes it; that of a store that ends with the command is refused."""
    url = store_url(store)
    is_lasting = backend_of(url).is_lasting
    silence_libraries()
    if not is_lasting:
        scheme = url.partition("://")[0]
        raise click.UsageError(f"{scheme}:// lasts as long as this command: name a store that stays.")
    return url


def chosen_existing_store() -> str:
    """The URL of the chosen store, as its backend takes it. It must exist: reading and updating make none."""
    if url := _named_store():
        return existing(lasting(url))
    file = _fallback()
    if not os.path.exists(file):  # False, too, for what this user may not look at
        raise StoreUnusable(
            f"no store is named, and there is no file {file} either: name a store with --store or RUNLEDGER_STORE, or "
            "make this file with `runledger init`."
        )
    return store_url(file)


def remark_default_store() -> None:
    """Print which file was looked in if no store is named: an option may be forgotten, or a variable misspelt."""
    if _named_store() is None:
        remark(f"No store is named, so this is {_default_file()}: name another with --store or RUNLEDGER_STORE.")


def shown_store() -> str:
    """The chosen store as a person may read it: without a password."""
    return visible(shown_url(_named_store() or store_url(_default_file())))


def existing(store: str) -> str:
    """The store's URL; that of a store that is not there is refused."""
    if what := backend_of(store).makes_on_open(store):
        raise StoreUnusable(f"there is no {what}: correct the URL; `runledger init` or the first start makes it.")
    return store


@contextmanager
def chosen_ledger(
    *, may_be_new: bool = False, whole: bool = False, observers: Sequence[RunObserver] = ()
) -> Iterator[RunLedger]:
    """The ledger of the chosen store, which must exist unless it `may_be_new`. The rest as for `open_ledger`."""
    store = lasting(chosen_store()) if may_be_new else chosen_existing_store()
    with open_ledger(store, whole=whole, observers=observers) as ledger:
        yield ledger


@contextmanager
def open_ledger(
    url: str,
    *,
    whole: bool = False,
    observers: Sequence[RunObserver] = (),
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[RunLedger]:
    """The ledger of a store's URL. What the store reports meanwhile, such as rows left out, goes to standard error.

    `observers` are called with its events besides.

    `whole`: the command's answer is of use only if it is whole, so it ends as incomplete if rows were left out.
    `clock` returns the time of each call.
    """
    notices = Notices()
    try:
        with connect(url, observers=(notices, *observers), clock=clock) as ledger:
            yield ledger
    finally:
        notices.report()
    if whole and notices.left_out:
        click.get_current_context().meta[INCOMPLETE] = notices.left_out
