"""The commands. Each reads its arguments, calls the ledger, prints; what the ledger refuses becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import quote

import click

from ..domain import (
    InvalidValue,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
)
from ..domain.values import storable_text
from ..services.ledger import RunLedger
from ..services.updates import Run
from ..stores import connect, open_repository
from .arguments import ADDITION, DURATION, METRIC, MOMENT, RENAMING, STATUS, status_of
from .output import colour_wanted, print_json, print_record, print_records, print_summary, summary_as_json

if TYPE_CHECKING:
    from .copying import Remark
    from .execute import Ending

F = TypeVar("F", bound=Callable[..., Any])

_EXIT_CODES: Mapping[type[RunLedgerError], int] = {
    InvalidValue: 2,
    RunNotFound: 3,
    RunAlreadyExists: 4,
    RunAlreadyFinished: 5,
    StoreUnavailable: 6,
    StoreUnusable: 7,
    UnknownMetric: 7,
}
_BATCH = 2000
FILE = click.Path(readable=False, allow_dash=True)
"""Looked at when it is opened; the type is for the shell, which then completes names of files."""


class _Commands(click.Group):
    """Turns errors of the ledger into one line and an exit code, for every command."""

    def invoke(self, ctx: click.Context) -> Any:
        ctx.color = colour_wanted()
        try:
            return super().invoke(ctx)
        except RunLedgerError as error:
            _complain(error)
            ctx.exit(_exit_code(error))
        except KeyboardInterrupt:
            ctx.exit(130)


def _remark(text: str) -> None:
    """Print to standard error, above a bar if one is shown there: click.echo would write into the bar's line."""
    print(text, file=sys.stderr)


def _complain(what: object) -> None:
    _remark(f"runledger: {what}")


def _exit_code(error: RunLedgerError) -> int:
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


def _options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    return lambda function: reduce(lambda made, decorate: decorate(made), reversed(decorators), function)


def _remember_store(ctx: click.Context, _param: click.Parameter, url: str | None) -> None:
    if url is not None:
        ctx.find_root().obj = url


store_option = click.option(
    "--store",
    metavar="URL",
    expose_value=False,
    callback=_remember_store,
    help="Where the runs are, e.g. sqlite:///runs.db.  [env: RUNLEDGER_STORE; default: a file in your data directory]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON, one object a line.")
key_arguments = _options(
    store_option,
    click.argument("run_id", required=False, metavar="[RUN_ID"),
    click.argument("client_id", required=False, metavar="CLIENT_ID]"),
)
detail_options = _options(
    click.option("--set", "metrics", multiple=True, type=METRIC, help="Set a metric; may be repeated."),
    click.option("--add", multiple=True, type=ADDITION, help="Add to a number; may be repeated."),
    click.option("--note", help="Append a line to the log."),
)
start_options = _options(
    store_option,
    click.option("--client", "client_id", required=True, metavar="ID", help="The client the run is for."),
    click.option("--name", "client_name", metavar="TEXT", help="The client's name. [default: the id]"),
    click.option("--run-id", metavar="ID", help="The run's id. [default: a new one, from the time]"),
    click.option("--set", "metrics", multiple=True, type=METRIC, help="A metric to begin with; may be repeated."),
)
filter_options = _options(
    store_option,
    click.option("--client", "client_id", metavar="ID", help="Only this client's runs."),
    click.option("--status", type=STATUS, help="Only runs with this status, e.g. failed."),
    click.option("--since", type=MOMENT, help="Only runs started at or after: 2025-11-24, an ISO time, or 2h ago: 2h."),
    click.option("--until", type=MOMENT, help="Only runs started before."),
)
limit_options = _options(
    click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."),
    click.option("--all", "all_", is_flag=True, help="No limit."),
)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0  done                        4  the run exists already
  1  some rows do not fit        5  the run has already finished
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
@click.version_option(package_name="runledger", message="runledger %(version)s")
def cli() -> None:
    """A ledger of job runs: create once, update many, error if missing."""


def _store() -> str:
    url = click.get_current_context().find_root().obj or os.environ.get("RUNLEDGER_STORE")
    if url:
        return str(url)
    from pathlib import Path  # here, so that `exec` with a store named starts sooner

    try:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "runledger"
        folder.mkdir(parents=True, exist_ok=True)
    except RuntimeError:
        raise StoreUnusable("you have no home folder to keep runs in: name a store with --store.") from None
    except OSError as error:
        raise StoreUnusable(f"{error.filename} cannot be made ({error.strerror}): name a store with --store.") from None
    return f"sqlite:///{quote(bytes(folder / 'runs.db'))}"


def _lasting_store() -> str:
    store = _store()
    if store.startswith("memory:"):
        raise click.UsageError("memory:// lasts as long as this command: name a store that stays.")
    return store


@contextmanager
def _ledger() -> Iterator[RunLedger]:
    with connect(_lasting_store(), observers=()) as ledger:
        yield ledger


def _new_run_id() -> str:
    return f"{datetime.now(UTC):%y%m%d-%H%M%S}-{os.urandom(3).hex()}"


def _key(run_id: str | None, client_id: str | None) -> tuple[str, str]:
    if run_id is None:
        run_id, client_id = os.environ.get("RUNLEDGER_RUN_ID"), os.environ.get("RUNLEDGER_CLIENT_ID")
    if not run_id or not client_id:
        raise click.UsageError(
            "name the run as RUN_ID CLIENT_ID; both may be left out only inside `runledger exec`, which sets them."
        )
    return run_id, client_id


@contextmanager
def _run(run_id: str | None, client_id: str | None) -> Iterator[Run]:
    key = _key(run_id, client_id)
    with _ledger() as ledger:
        yield ledger.updates.run(*key)


def _details(metrics: Any, add: Any, note: str | None) -> dict[str, Any]:
    details = {"metrics": _once(metrics, "--set"), "add": _once(add, "--add"), "note": note}
    return {name: value for name, value in details.items() if value is not None and value != {}}


def _once(pairs: tuple[tuple[str, Any], ...], option: str) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue(f"{option} names {twice!r} twice: give it once.")
    return values


@cli.command()
@store_option
def init() -> None:
    """Make the store ready: the file, or the tables. Does no harm where they are there.

    In Airtable it makes the table, with the scope schema.bases:write, and says what is left to do by hand.

    \b
    Example:
      runledger init --store postgresql://user@host/database
    """
    store = _store()
    if store.startswith("airtable://"):
        _init_airtable(store)
        return
    repository = open_repository(store)
    create_schema = getattr(repository, "create_schema", None)
    if create_schema is not None:
        create_schema()
    repository.close()
    click.echo("The store is ready.")


def _init_airtable(store: str) -> None:
    from .doctor import print_findings

    try:
        from .airtable_setup import make_table
    except ModuleNotFoundError:
        open_repository(store)  # which says what to install
        raise
    if not print_findings(make_table(store), as_json=False):
        click.get_current_context().exit(7)


@cli.command()
@store_option
@click.option(
    "--probe", "scratch_table", metavar="TABLE", help="Airtable only: try what the adapter relies on, in this table."
)
@json_option
def doctor(scratch_table: str | None, as_json: bool) -> None:
    """Say whether the store can serve as it is, and what to change. Looking changes nothing.

    One finding a line: ok, note (worth knowing), or fix (the store cannot serve before that; exit code 7).
    With --probe TABLE, small experiments make, change and remove rows in that table, which must be another than the
    ledger's, and empty.

    \b
    Example:
      runledger doctor --store airtable://appAbcDefGhiJklMn/Runs --probe Scratch
    """
    from .doctor import examine, print_findings

    store = _store()
    if scratch_table is not None and not store.startswith("airtable://"):
        raise click.UsageError("--probe is for airtable:// stores: nothing is assumed of the others.")
    fits = print_findings(examine(store), as_json=as_json)
    if fits and scratch_table is not None:
        from .airtable_probe import probe

        with closing(probe(store, scratch_table)) as findings:  # which cleans up, whatever ends it
            fits = print_findings(findings, as_json=as_json)
    click.get_current_context().exit(0 if fits else 7)


@cli.command()
@start_options
def start(client_id: str, client_name: str | None, run_id: str | None, metrics: Any) -> None:
    """Start a run: make its record, and print its run id.

    \b
    Example:
      RUN=$(runledger start --client acme --name "Acme Ltd")
    """
    with _ledger() as ledger:
        run = ledger.start(run_id or _new_run_id(), client_id, client_name=client_name, metrics=_once(metrics, "--set"))
    click.echo(run.key.run_id)


@cli.command()
@key_arguments
@detail_options
def update(run_id: str | None, client_id: str | None, metrics: Any, add: Any, note: str | None) -> None:
    """Update a run; with no option a heartbeat.

    \b
    Examples:
      runledger update 251124-081500-3f9a1c acme --set Posts=43 --add Tokens=1500
      runledger update --add Tokens=5 --note "half way"     (inside runledger exec)

    A value is a number, true, false, a time with its zone, or text; "7" in double quotes is text.
    """
    with _run(run_id, client_id) as run:
        run.update(**_details(metrics, add, note))


@cli.command()
@key_arguments
@detail_options
@click.option("--with-errors", metavar="TEXT", help="What went wrong: finishes as Completed with Errors.")
def complete(
    run_id: str | None, client_id: str | None, metrics: Any, add: Any, note: str | None, with_errors: str | None
) -> None:
    """Finish a run as Completed.

    \b
    Examples:
      runledger complete 251124-081500-3f9a1c acme --set Posts=43
      runledger complete 251124-081500-3f9a1c acme --with-errors "2 of 45 posts failed"
    """
    with _run(run_id, client_id) as run:
        run.complete(with_errors=with_errors, **_details(metrics, add, note))


@cli.command()
@key_arguments
@detail_options
@click.option("--error", required=True, metavar="TEXT", help="Why.")
def fail(run_id: str | None, client_id: str | None, metrics: Any, add: Any, note: str | None, error: str) -> None:
    """Finish a run as Failed.

    \b
    Example:
      runledger fail 251124-081500-3f9a1c acme --error "no disk"
    """
    with _run(run_id, client_id) as run:
        run.fail(error, **_details(metrics, add, note))


@cli.command()
@key_arguments
@click.option("--why", required=True, metavar="TEXT", help="Why there was nothing to do.")
def skip(run_id: str | None, client_id: str | None, why: str) -> None:
    """Finish a run as Skipped: there was nothing to do.

    \b
    Example:
      runledger skip 251124-081500-3f9a1c acme --why "no new posts"
    """
    with _run(run_id, client_id) as run:
        run.skip(why)


@cli.command()
@key_arguments
@click.option("--why", required=True, metavar="TEXT", help="Why it was stopped.")
def cancel(run_id: str | None, client_id: str | None, why: str) -> None:
    """Finish a run as Cancelled.

    \b
    Example:
      runledger cancel 251124-081500-3f9a1c acme --why "the client left"
    """
    with _run(run_id, client_id) as run:
        run.cancel(why)


@cli.command()
@key_arguments
@json_option
def show(run_id: str | None, client_id: str | None, as_json: bool) -> None:
    """Show all of one run.

    \b
    Example:
      runledger show 251124-081500-3f9a1c acme
    """
    from .output import as_json as json_of

    key = _key(run_id, client_id)
    with _ledger() as ledger:
        record = ledger.get(*key)
    if as_json:
        print_json(json_of(record))
    else:
        print_record(record)


@cli.command("list")
@filter_options
@click.option("--run-id", metavar="ID", help="Only this run's records.")
@limit_options
@json_option
def list_(limit: int, all_: bool, as_json: bool, **filters: Any) -> None:
    """List runs, newest first.

    A table on a terminal, tab-separated in a pipe.

    \b
    Examples:
      runledger list --client acme --status failed --since 7d
      runledger list --all --json | jq .error
    """
    with _ledger() as ledger:
        bound = None if all_ else limit
        found = ledger.find(limit=bound, **filters)
        print_records(found, json_lines=as_json, limit=bound, nothing="No runs found.")


@cli.command()
@click.argument("run_id", required=False)
@filter_options
@json_option
def summary(run_id: str | None, as_json: bool, **filters: Any) -> None:
    """Add up the records of a run, or of all that match.

    Counts per status, sums of numbers, first start, last end.

    \b
    Examples:
      runledger summary 251124-081500-3f9a1c
      runledger summary --client acme --since 7d
    """
    with _ledger() as ledger:
        added_up = ledger.summary(run_id, **filters)
    if run_id is not None and not added_up.runs:
        _complain(f"no run record of run {run_id!r} matches: was it started?")
        click.get_current_context().exit(3)
    if as_json:
        print_json(summary_as_json(added_up))
    else:
        print_summary(added_up)


@cli.command()
@store_option
@click.option("--older-than", type=DURATION, default="1h", show_default=True, help="No update for so long.")
@click.option("--client", "client_id", metavar="ID", help="Only this client's runs.")
@limit_options
@json_option
def stale(older_than: timedelta, client_id: str | None, limit: int, all_: bool, as_json: bool) -> None:
    """List Running runs that nothing updates any more.

    It only tells: a run that went quiet stays Running until somebody finishes it.

    \b
    Example:
      runledger stale --older-than 2h
    """
    with _ledger() as ledger:
        bound = None if all_ else limit
        found = ledger.stale(older_than, client_id=client_id, limit=bound)
        print_records(found, json_lines=as_json, limit=bound, nothing="No run has gone quiet.", quiet=True)


@cli.command("import")
@store_option
@click.argument("file", metavar="FILE", type=FILE)
@click.option("--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: by its name or content]")
@click.option(
    "--column", "columns", multiple=True, type=RENAMING, help='Which column a field is, e.g. run_id="Job ID".'
)
@click.option("--rest-as-metrics", is_flag=True, help="Keep every other column as a metric.")
@click.option("--status", "statuses", multiple=True, metavar="WORD=STATUS", help="What the file's word means.")
@click.option("--default-status", type=STATUS, help="The status of rows for which the file has none.")
@click.option("--timezone", metavar="NAME", help="The zone of times that name none, e.g. UTC or Europe/Berlin.")
@click.option("--strict", is_flag=True, help="Stop at the first row that is refused.")
@click.option("--verbose", "-v", is_flag=True, help="Name each row that was there already.")
def import_(file: str, file_format: Any, strict: bool, verbose: bool, **options: Any) -> None:
    """Load a history from CSV or JSON Lines.

    The file may be gzip-compressed; - is standard input.

    Fields: run_id, client_id, client_name, status, started_at, ended_at, updated_at, error. A row whose run is there
    already is left alone, so that a file can be imported again.

    \b
    Example:
      runledger import jobs.csv.gz --column run_id="Job ID" --column client_id=Site \\
          --column started_at="Start Time" --column ended_at="End Time" \\
          --default-status Completed --rest-as-metrics
    """
    from .exchange import UnreadableFile, UnsuitableFile, read_records

    mapping = _file_mapping(**options)
    try:
        with _source(file) as source, _ledger() as ledger, _progress(file, source) as advance:
            counts = _Import(ledger, strict, verbose, advance)
            suitable = True
            try:
                counts.take(read_records(source, file, file_format, mapping))
            except UnsuitableFile as error:
                suitable = False
                raise click.UsageError(str(error)) from None
            except UnreadableFile as error:
                counts.stopped_by(str(error))
            finally:
                advance(None)
                if suitable:
                    counts.report()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror or error}.") from None
    click.get_current_context().exit(1 if counts.refused or counts.stopped else 0)


def _file_mapping(columns: Any, statuses: Any, default_status: Any, timezone: Any, rest_as_metrics: bool) -> Any:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from .exchange import FIELDS, FileMapping

    for name, _ in columns:
        if name not in FIELDS:
            raise click.UsageError(f"--column {name}=… names no field: use one of {', '.join(FIELDS)}.")
    meanings: dict[str, RunStatus] = {}
    for text in statuses:
        word, separator, status = text.rpartition("=")
        if not separator:
            raise click.UsageError(f"--status {text!r} is no WORD=STATUS; for rows without one use --default-status.")
        meanings[word] = status_of(status)
    try:
        zone = ZoneInfo(timezone) if timezone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.UsageError(f"--timezone {timezone!r} is not known: use a name like UTC or Europe/Berlin.") from None
    return FileMapping(
        columns=dict(columns),
        statuses=meanings,
        default_status=default_status,
        rest_as_metrics=rest_as_metrics,
        timezone=zone,
    )


@contextmanager
def _source(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    with open(file, "rb") as source:
        yield source


class _Import:
    """Loads rows in batches and counts what became of them."""

    def __init__(self, ledger: RunLedger, strict: bool, verbose: bool, advance: Callable[[int | None], None]) -> None:
        self._ledger = ledger
        self._strict = strict
        self._verbose = verbose
        self._advance = advance
        self._batch: list[RunRecord] = []
        self._lines: dict[int, int] = {}
        self.loaded = self.there = self.refused = 0
        self.stopped = False

    def take(self, rows: Iterator[tuple[int, Any]]) -> None:
        for line, row in rows:
            if isinstance(row, RunRecord):
                self._batch.append(row)
                self._lines[id(row)] = line
                if len(self._batch) >= _BATCH:
                    self._load()
                continue
            self.refused += 1
            self._say(f"line {line}: {row.reason}")
            if self._strict:
                self.stopped_by(f"stopped at line {line}, because of --strict.")
                return
        self._load()

    def stopped_by(self, reason: str) -> None:
        self._load()
        self.stopped = True
        self._advance(None)
        _complain(reason)

    def report(self) -> None:
        rows = self.loaded + self.there + self.refused
        click.echo(f"{rows:,} rows: {self.loaded:,} loaded, {self.there:,} already there, {self.refused:,} refused")

    def _load(self) -> None:
        batch, self._batch = self._batch, []
        others = self._ledger.load(batch)
        self.loaded += len(batch) - len(others)
        self.there += len(others)
        if self._verbose:
            for record in others:
                self._say(f"line {self._lines[id(record)]}: {record.key} is there already")
        self._lines.clear()
        self._advance(0)

    def _say(self, text: str) -> None:
        _remark(text)


@contextmanager
def _progress(file: str, source: BinaryIO) -> Iterator[Callable[[int | None], None]]:
    """A bar on a terminal's standard error, by bytes read; called with None when it is to make way."""
    if file == "-" or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    bar = Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    task = bar.add_task("import", total=os.fstat(source.fileno()).st_size)

    def advance(step: int | None) -> None:
        if step is None:
            bar.stop()
        else:
            bar.update(task, completed=source.tell())

    with bar:
        yield advance


@cli.command()
@filter_options
@click.argument("file", default="-", type=FILE)
@click.option(
    "--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: csv for *.csv, else jsonl]"
)
def export(file: str, file_format: Any, **filters: Any) -> None:
    """Write runs so that import reads them back exactly.

    To a file, compressed if its name ends in .gz, or to standard output.

    \b
    Examples:
      runledger export runs.csv.gz
      runledger export --client acme --format jsonl | jq .status
    """
    from .exchange import target_file, write_records

    stem = file.removesuffix(".gz")
    file_format = file_format or ("csv" if stem.endswith(".csv") else "jsonl")
    with _ledger() as ledger:
        found = ledger.find(**filters)
        try:
            with target_file(file) as target:
                count = write_records(found, target, file_format)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.UsageError(f"{file} cannot be written: {error.strerror or error}.") from None
    if file != "-":
        click.echo(f"{count:,} runs written to {file}")


@cli.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--dry-run", is_flag=True, help="Only compare the two; make nothing.")
@json_option
def copy(source: str, target: str, dry_run: bool, as_json: bool) -> None:
    """Copy every run from one store to another, both given by URL.

    A run that is there already is left alone, and named if it differs. What does not fit is named and left out. After
    an interruption, run it again: nothing is made twice. Runs that start or change in FROM meanwhile may be missed.

    \b
    Example:
      runledger copy airtable://appAbcDefGhiJklMn/Runs postgresql://ops@db/runs
    """
    from .copying import PROBLEMS, Fate, LedgerCopy, remark_as_json

    def remark(remark: Remark) -> None:
        if as_json:
            print_json(remark_as_json(remark))
        else:
            _remark(f"{remark.fate.value}: {remark.key or 'a row'}: {remark.detail}")

    with (
        closing(open_repository(source)) as origin,
        closing(open_repository(target)) as goal,
        _records_progress(not as_json) as advance,
    ):
        work = LedgerCopy.between(origin, goal, remark=remark, advance=advance, dry_run=dry_run)
        try:
            work.run()
        except BaseException:
            if work.counts:
                _complain(f"stopped after {work.counts[Fate.COPIED]:,} copies: run it again, and it goes on from here.")
            raise
    counts = work.counts
    if as_json:
        print_json({fate.name.lower(): counts[fate] for fate in Fate})
    else:
        done = "to be copied" if dry_run else Fate.COPIED.value
        problems = "".join(f", {counts[fate]:,} {fate.value}" for fate in PROBLEMS if counts[fate])
        click.echo(f"{counts[Fate.COPIED]:,} {done}, {counts[Fate.EQUAL]:,} {Fate.EQUAL.value}{problems}")
    click.get_current_context().exit(1 if any(counts[fate] for fate in PROBLEMS) else 0)


@contextmanager
def _records_progress(wanted: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal's standard error, by records, of how many where that is known."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    # What is printed to standard error meanwhile appears above the bar; standard output may be a file.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("copy", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@cli.command("exec", context_settings={"allow_interspersed_args": False})
@start_options
@click.option("--run-anyway", is_flag=True, help="Run the command even if its run cannot be started.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(
    client_id: str,
    client_name: str | None,
    run_id: str | None,
    metrics: Any,
    run_anyway: bool,
    command: tuple[str, ...],
) -> None:
    """Run a command as a run.

    Starts its record, runs it, finishes the record as it ends: Completed on exit code 0, Failed with the code and the
    last lines of standard error otherwise, Cancelled if a signal ended it. Exits as the command did (128 + N for signal
    N). Inside, `runledger update` needs no keys.

    \b
    Example:
      runledger exec --client acme --name "Acme Ltd" -- ./nightly.sh --full
    """
    from .execute import environment_for, run_command, supported

    if not supported():
        raise click.UsageError("exec needs a POSIX system.")
    run_id = run_id or _new_run_id()
    store = _absolute(_lasting_store())
    started = False
    try:
        # Closed again before the command runs: a store's own threads would take the signals meant for it, and a
        # connection that idles for hours is of no use.
        with connect(store, observers=()) as ledger:
            ledger.start(run_id, client_id, client_name=client_name, metrics=_once(metrics, "--set"))
        started = True
    except RunLedgerError as error:
        if not run_anyway:
            raise
        _complain(f"{error} Running the command without a record, as asked.")
    code, reason = 0, ""
    try:
        ending: Ending | None = run_command(command, environment_for(store, run_id, client_id, started))
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        reason = f"{command[0]}: {error.strerror}"
        _complain(reason)
        ending = None
    if started:
        _finish(store, run_id, client_id, lambda run: _conclude(run, ending, reason))
    sys.exit(code if ending is None else ending.code)


def _conclude(run: Run, ending: Ending | None, reason: str) -> None:
    if ending is None:
        run.fail(storable_text(reason))
    elif ending.signal is not None:
        run.cancel(f"ended by {ending.signal}")
    elif ending.code:
        run.fail(storable_text(f"exit code {ending.code}\n{ending.last_lines}".strip()))
    else:
        run.complete()


def _finish(store: str, run_id: str, client_id: str, conclude: Callable[[Run], None]) -> None:
    """Finish the record of a command; what it cannot tell the store, it tells the person, and exits as the command."""
    try:
        with connect(store, observers=()) as ledger:
            conclude(ledger.updates.run(run_id, client_id))
    except RunAlreadyFinished:
        pass  # the command finished its run itself
    except RunLedgerError as error:
        _complain(f"the command has ended, but its run could not be finished: {error}")


def _absolute(store: str) -> str:
    """The store by a URL that also holds in another working directory."""
    path = store.removeprefix("sqlite:///")
    if path == store or path.startswith("/"):
        return store
    return f"sqlite:///{quote(os.getcwdb())}/{path}"


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    Example:
      eval "$(runledger completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "runledger", "_RUNLEDGER_COMPLETE").source())
