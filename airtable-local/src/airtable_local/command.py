"""The command `airtable-local`: an empty base on a port of this machine."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, RawTextHelpFormatter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from attrs import field, frozen

from . import arguments
from .faults import Connection, LogEntry
from .limits import Limits
from .messages import ApiError
from .server import AirtableServer, Network
from .service import AirtableService
from .tables import Column, Table, described_table
from .tokens import Token
from .unknowns import Unknowns

_CHOICES = {"choices": [{"name": name} for name in ("Todo", "In progress", "Done")]}
TASKS = Table(
    "Tasks",
    (
        Column("Name"),
        Column("Notes", "multilineText"),
        Column("Status", "singleSelect", _CHOICES),
        Column("Count", "number"),
        Column("Due", "dateTime"),
        Column("Done", "checkbox"),
        Column("Number", "autoNumber"),
    ),
)
"""The table of the base if no schema is given."""


@frozen
class Served:
    """What a client needs to know to use the server."""

    url: str
    token: str
    base_id: str
    table: Table


def example(served: Served) -> str:
    """A request for the first table, in a shell and in Python."""
    path = f"{served.base_id}/{quote(served.table.name, safe='')}"
    return (
        f"curl -H 'Authorization: Bearer {served.token}' {served.url}/v0/{path}\n"
        f"Api({served.token!r}, endpoint_url={served.url!r}).table({served.base_id!r}, {served.table.name!r}).all()"
    )


@frozen(kw_only=True)
class Program:
    """The parts that a program which serves another base replaces.

    `usage` and `example` are printed when the server starts.
    """

    name: str = "airtable-local"
    base_id: str = "appLocalBase00000"
    table: Table = TASKS
    usage: str = "With curl, or in Python with pyairtable:"
    example: Callable[[Served], str] = field(default=example)


def main(given: Sequence[str] | None = None, program: Program = Program()) -> int:
    """Serve until Ctrl-C. Returns the exit status: 2 if it cannot begin."""
    options = _parser(program).parse_args(given)
    try:
        tables = _tables(options.schema) if options.schema else [program.table]
        connection = _connection(options, tables)
        network = Network(delay=options.delay, jitter=options.jitter, connecting=options.connect_delay)
        server = AirtableServer(connection, port=options.port, network=network)
    except _CannotBegin as problem:
        print(f"{program.name}: {problem}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"{program.name}: port {options.port} cannot be used ({error.strerror}): give another --port.",
            file=sys.stderr,
        )
        return 2
    with server:
        _introduce(program, Served(server.url, options.token, options.base, tables[0]))
        try:
            server.join()
        except KeyboardInterrupt:
            print(file=sys.stderr)
    return 0


def _connection(options: Namespace, tables: Sequence[Table]) -> Connection:
    limits = Limits(
        requests_per_second=options.rate_limit,
        penalty=timedelta(seconds=options.penalty),
        requests_left_this_month=options.monthly_quota,
        records_per_base=options.records_limit,
    )
    service = AirtableService([Token(options.token)], unknowns=_unknowns(options.unknown), limits=limits)
    service.add_base("Local base", tables, options.base)
    connection = Connection(service, on_request=_report)
    for fault in options.fault:
        connection.faults.arm(fault)
    return connection


class _CannotBegin(Exception):
    """The message says what to change."""


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one sentence, without the usage, and exit."""
        self.exit(2, f"{self.prog}: {message.rstrip('.')}.\n")


_EPILOG = """\
unknowns, which Airtable's documentation leaves open (the default comes first):
{unknowns}

faults ('KIND FIELD=VALUE ...'), each for the nth request that matches:
  drop    the connection is closed without an answer
  status  an error answer: status=503 error=TYPE retry_after=SECONDS
  delay   the answer is late: seconds=10
  cut     the body of the answer ends early
  html    the answer is 200 with a page of HTML
  All take method=POST path=REGEX nth=1 times=1.
  drop, status and delay take after_commit=true|false: whether they come after
  or before the request takes effect; before, drop and status prevent it.

examples:
  {name} --rate-limit 5
  {name} --fault 'drop method=POST nth=3'
"""


def _parser(program: Program) -> ArgumentParser:
    unknowns = "\n".join(f"  {name}={values}" for name, values in arguments.UNKNOWN_VALUES.items())
    parser = _Parser(
        prog=program.name,
        description="A local server that behaves as Airtable's Web API.\nIts one base is empty at each start.",
        epilog=_EPILOG.format(name=program.name, unknowns=unknowns),
        formatter_class=lambda prog: RawTextHelpFormatter(prog, max_help_position=26, width=79),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--port", type=arguments.port, default=8055, help="on 127.0.0.1; 0 takes a free one (default: 8055)")
    add(
        "--base",
        type=arguments.base_id,
        default=program.base_id,
        metavar="ID",
        help="the id of the base (default: %(default)s)",
    )
    add("--token", type=arguments.token, default="patLocal", help="the token of clients (default: %(default)s)")
    add(
        "--schema",
        type=Path,
        metavar="FILE",
        help=f"the tables, as JSON in the shape of\nGET /v0/meta/bases/ID/tables (default: {program.table.name})",
    )
    add("--rate-limit", type=arguments.count, metavar="N", help="requests a second; then 429 for a while (Airtable: 5)")
    add("--penalty", type=arguments.seconds, default=30.0, metavar="SECONDS", help="how long (default, Airtable: 30)")
    add("--monthly-quota", type=arguments.count, metavar="N", help="requests in all; then 429 for ever")
    add("--records-limit", type=arguments.count, metavar="N", help="records in the base")
    add("--delay", type=arguments.seconds, default=0.0, metavar="SECONDS", help="of each request and each answer")
    add("--jitter", type=arguments.seconds, default=0.0, metavar="SECONDS", help="at most, added to each at random")
    add(
        "--connect-delay",
        type=arguments.seconds,
        default=0.0,
        metavar="SECONDS",
        help="of the first request of a connection, in addition",
    )
    add(
        "--unknown",
        type=arguments.unknown,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set an unknown, see below; can be repeated",
    )
    add(
        "--fault",
        type=arguments.fault,
        action="append",
        default=[],
        metavar="FAULT",
        help="let requests fail, see below; can be repeated",
    )
    return parser


def _unknowns(given: Sequence[tuple[str, object]]) -> Unknowns:
    names = [name for name, _ in given]
    for name in names:
        if names.count(name) > 1:
            raise _CannotBegin(f"--unknown {name} is given twice.")
    return Unknowns(**dict(given))  # type: ignore[arg-type]


def _tables(file: Path) -> list[Table]:
    try:
        described = json.loads(file.read_text("utf-8"))
        tables = [described_table(table) for table in described["tables"]]
    except OSError as error:
        raise _CannotBegin(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _CannotBegin(f'{file} is not JSON of the shape {{"tables": [...]}}.') from None
    except ApiError as error:
        raise _CannotBegin(f"{file}: {error}.") from None
    if not tables:
        raise _CannotBegin(f"{file} has no table.")
    return tables


def _introduce(program: Program, served: Served) -> None:
    print(f"Airtable's Web API at {served.url}, base {served.base_id}, table {served.table.name}. Ctrl-C ends it.")
    print(f"{program.usage}\n\n{program.example(served)}", flush=True)


def _report(entry: LogEntry) -> None:
    """Print a line for a request: when, what, the answer, and what it changed."""
    answer = "no answer" if entry.status is None else entry.status
    changes = "".join(f", {verb} {id_}" for verb, id_ in entry.changed)
    fault = f" (fault: {entry.fault.kind.name.lower()})" if entry.fault else ""
    request = f"{entry.request.method} {entry.request.path}"
    print(f"{entry.time:%H:%M:%S} {request} {answer}{changes}{fault}", file=sys.stderr)
