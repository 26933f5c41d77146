"""From a refusal of the server to the error of the ledger, with what to do about it. Error types: https://airtable.com/developers/web/api/errors"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from ...domain import InvalidValue, RunLedgerError, StoreUnusable, UnknownMetric, UnusableForRun
from .columns import Columns
from .row import Cells
from .transport import UNFIT_FORMULA, Refusal

_HIDDEN = "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"
"""The server's words on it are three sentences about models, which an Airtable user knows as bases and tables."""


def error_of(refusal: Refusal, columns: Columns, there: Callable[[], Sequence[str]], writing: Cells) -> RunLedgerError:
    """The error for a refusal of a request that was to write these cells, or that was `writing` none.

    `there` returns the names of the table's columns, if they are known. It is called if one is missing.
    """
    named = [(key, column) for key, cells in writing for column in cells if refusal.names(column)]
    key, column = max(named, key=lambda pair: len(pair[1]), default=(writing[0][0] if writing else None, None))
    for part, name in columns.of_parts.items():
        if refusal.lacks(name):
            return StoreUnusable(_no_column(part, name, there()), key)
    metric = columns.metric_of(column)
    if refusal.kind == "UNKNOWN_FIELD_NAME" and metric is not None and key is not None:
        return UnknownMetric(key, metric, f"add it with {column_command(metric)}")
    advice = f"Airtable refused the request: {_advice_on(refusal, writing=bool(writing))}"
    if refusal.is_of_a_computed_column and metric is not None:
        return UnusableForRun(advice, key)
    if not (writing and refusal.is_of_a_value):
        return StoreUnusable(advice, key)
    refused = [key for key, cells in writing if refusal.may_be_of(cells)]
    key = refused[0] if len(refused) == 1 else writing[0][0] if len(writing) == 1 else None
    if metric is not None:
        whose = key or "a run of this batch"
        return InvalidValue(f"metric {metric!r} of {whose} is refused by its column: {refusal.message}.", key)
    return UnusableForRun(advice, key)


def column_command(metric: str) -> str:
    """The command that adds a metric's column, with the types that the column may have."""
    return f"`runledger init --metric {shlex.quote(f'{metric}:number')}` (or text, checkbox, date for number)"


def _no_column(part: str, name: str, there: Sequence[str]) -> str:
    """That the table has no column of the name that the mapping gives a part, and which it has, if that is known."""
    has = f" The table has the columns {', '.join(map(repr, there))}." if there else ""
    return f"there is no column {name!r}: name another with {part}=COLUMN in the store URL, or add it.{has}"


def _advice_on(refusal: Refusal, *, writing: bool) -> str:
    """What the server said, and what to do about it."""
    advice = {
        "UNKNOWN_FIELD_NAME": "add the column, or leave it out of the mapping",
        UNFIT_FORMULA: "a column of the mapping is not there: add it, or map it",
        "INVALID_VALUE_FOR_COLUMN": "give the column the type that `runledger doctor` names",
        "INVALID_MULTIPLE_CHOICE_OPTIONS": "add the choice to the status column, or let the status share another with "
        "status.LABEL=CHOICE in the store URL",
        _HIDDEN: "check base and table, the token's scopes and its access to the base",
        "NOT_FOUND": "check base and table",
    }.get(refusal.kind, "see `runledger doctor`")
    if refusal.is_of_a_computed_column:
        advice = "Airtable computes that column: give the value another, which it does not compute"
    if writing and refusal.status == 403:  # the base and table were read before
        advice = "give the token the scope data.records:write, and its user the right to edit"
    if refusal.status == 413:
        advice = "the request was too large: write shorter texts, or fewer records at once"
    if refusal.kind == _HIDDEN and not writing:
        return f"the base or the table is not there, or the token may not see it ({_HIDDEN}): see `runledger doctor`."
    said = ": ".join(filter(None, (refusal.kind, refusal.message.rstrip("."))))
    return f"{said or refusal.status}. {advice[0].upper()}{advice[1:]}."
