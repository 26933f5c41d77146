"""Serves Airtable's Web API on this machine: `python -m runledger.testing.airtable --help`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from .faults import Connection, LogEntry
from .messages import ApiError
from .server import AirtableServer
from .service import AirtableService, Token
from .tables import Column, Table, described_table, run_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C. Returns the exit status: 2 if it cannot begin."""
    options = _parser().parse_args(arguments)
    try:
        tables = _tables(options.schema) if options.schema else [run_table(columns=[Column("Number", "autoNumber")])]
        service = AirtableService([Token(options.token)])
        service.add_base("Local base", tables, options.base)
        server = AirtableServer(Connection(service, on_request=_tell), port=options.port)
    except _CannotBegin as problem:
        print(f"airtable: {problem}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"airtable: port {options.port} cannot be used ({error.strerror}): give another --port.", file=sys.stderr)
        return 2
    with server:
        _introduce(server.url, options.token, options.base, tables[0])
        try:
            server.join()
        except KeyboardInterrupt:
            print(file=sys.stderr)
    return 0


class _CannotBegin(Exception):
    """The message says what to change."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runledger.testing.airtable",
        description="A local server that behaves as Airtable's Web API, with one base that is empty at each start.",
    )
    parser.add_argument("--port", type=_port, default=8055, help="on 127.0.0.1; 0 takes a free one (default: 8055)")
    parser.add_argument("--base", type=_base_id, default="appRunledgerLocal", metavar="ID", help="the base's id")
    parser.add_argument("--token", default="patLocal", help="the token that clients must send (default: patLocal)")
    parser.add_argument(
        "--schema",
        type=Path,
        metavar="FILE",
        help="the tables, as JSON in the shape of GET /v0/meta/bases/BASE/tables (default: one table for run records)",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535")
    return int(text)


def _base_id(text: str) -> str:
    if not (text.startswith("app") and len(text) == 17 and text.isascii() and text.isalnum()):
        raise argparse.ArgumentTypeError(f"{text!r} is no base id: app and 14 letters or digits")
    return text


def _tables(file: Path) -> list[Table]:
    try:
        described = json.loads(file.read_text("utf-8"))
        tables = [described_table(table) for table in described["tables"]]
    except OSError as error:
        raise _CannotBegin(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError):
        raise _CannotBegin(f'{file} is not JSON of the shape {{"tables": [...]}}.') from None
    except ApiError as error:
        raise _CannotBegin(f"{file}: {error}.") from None
    if not tables:
        raise _CannotBegin(f"{file} has no table.")
    return tables


def _introduce(url: str, token: str, base: str, table: Table) -> None:
    number = next((column.name for column in table.columns if column.type == "autoNumber"), "")
    mapped = f"&number={quote(number)}" if number else ""
    print(f"Airtable's Web API at {url}, base {base}, table {table.name}. Ctrl-C ends it. To use it:")
    print()
    print(f"export AIRTABLE_API_KEY={token}")
    print(f"runledger list --store 'airtable://{base}/{quote(table.name, safe='')}?endpoint={url}{mapped}'", flush=True)


def _tell(entry: LogEntry) -> None:
    changes = "".join(f", {verb} {id_}" for verb, id_ in entry.changed)
    print(f"{entry.time:%H:%M:%S} {entry.request.method} {entry.request.path} {entry.status}{changes}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
