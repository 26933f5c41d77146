"""A table of runs in a local Airtable server, to test and develop without a base. Needs the package `airtable-local`.

`python -m runledger.testing.airtable` serves one, with all options of `airtable-local`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..distribution import install_hint
from ..domain.late_names import LateModule

try:
    from ..adapters.airtable import Columns
    from ..adapters.airtable.preparation import part_fields
except ModuleNotFoundError as missing:
    if __name__ != "__main__":
        raise
    print(f"airtable: this needs the package {missing.name!r}: {install_hint('airtable')}.", file=sys.stderr)
    sys.exit(2)

if TYPE_CHECKING:
    import airtable_local
    from airtable_local.command import Served
else:
    airtable_local = LateModule("airtable_local")


def run_table(
    name: str = "Runs", further: Iterable[airtable_local.Column] = (), *, columns: Columns = Columns()
) -> airtable_local.Table:
    """A table for run records, as `runledger init` makes it for this mapping.

    `further` are columns for metrics. An autonumber column is included only if `columns` names one.

    Raises ModuleNotFoundError, which says what to install, if `airtable-local` is missing.
    """
    column, table = _airtable_local().Column, _airtable_local().Table
    made = [column(each["name"], each["type"], each.get("options", {})) for each in part_fields(columns)]
    numbers = [] if columns.number is None else [column(columns.number, "autoNumber")]
    run_table: airtable_local.Table = table(name, (*made, *numbers, *further))
    return run_table


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
