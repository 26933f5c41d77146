"""A table of runs in a local Airtable server, to test and develop without a base. Needs the package `airtable-local`.

`python -m runledger.testing.airtable` serves one, with all options of `airtable-local`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..adapters.airtable.columns import Columns
from ..domain import RunStatus

if TYPE_CHECKING:
    from airtable_local import Column, Table
    from airtable_local.command import Served

_TYPES = {
    "status": "singleSelect",
    "started_at": "dateTime",
    "ended_at": "dateTime",
    "updated_at": "dateTime",
    "log": "multilineText",
    "error": "multilineText",
    "number": "autoNumber",
}
"""The types of the columns that are not single line text, by part of the record."""


def run_table(name: str = "Runs", further: Iterable[Column] = (), *, columns: Columns = Columns()) -> Table:
    """A table for run records, named as `columns` says.

    `further` are columns for metrics. An autonumber column is made only if `columns` names one.

    Raises ModuleNotFoundError, which says what to install, if `airtable-local` is missing.
    """
    local = _airtable_local()
    choices = {"choices": [{"name": columns.label(status)} for status in RunStatus]}
    parts = []
    for part, column in columns.of_parts.items():
        kind = _TYPES.get(part, "singleLineText")
        parts.append(local.Column(column, kind, choices) if part == "status" else local.Column(column, kind))
    table: Table = local.Table(name, (*parts, *further))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a table of runs until Ctrl-C. Returns the exit status: 2 if it cannot begin."""
    try:
        command = _airtable_local().command
    except ModuleNotFoundError as error:
        print(f"airtable: {error}", file=sys.stderr)
        return 2
    program = command.Program(
        name="python -m runledger.testing.airtable",
        base_id="appRunledgerLocal",
        table=run_table(columns=Columns(number="Number")),
        usage="With the command line:",
        example=_example,
    )
    return int(command.main(arguments, program))


def _example(served: Served) -> str:
    """How the command line reaches the first table, which may be that of a schema."""
    number = next((column.name for column in served.table.columns if column.type == "autoNumber"), "")
    mapped = f"&number={quote(number)}" if number else ""
    store = f"airtable://{served.base_id}/{quote(served.table.name, safe='')}?endpoint={served.url}{mapped}"
    return f"export AIRTABLE_API_KEY={served.token}\nrunledger list --store '{store}'"


def _airtable_local() -> Any:
    """The package, which is imported only when it is needed."""
    try:
        import airtable_local.command
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "airtable_local":
            raise
        message = "the local Airtable server is missing: pip install ./airtable-local in a checkout of this repository."
        raise ModuleNotFoundError(message, name="airtable_local") from None
    return airtable_local


if __name__ == "__main__":
    sys.exit(main())
