"""Setting up a base through Airtable's metadata API: a table, or the columns that a table lacks.

Field types: https://airtable.com/developers/web/api/field-model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyairtable import Api

from ...domain import (
    Finding,
    InvalidValue,
    RunLedgerError,
    RunStatus,
    StoreUnusable,
)
from ...domain.preparation import MetricColumn, MetricKind, Preparation
from . import AirtableAddress, Columns, token_from_environment
from .findings import NO_MARKS, NUMBER_BY_HAND, TYPE_OF, accepted, missing_finding, type_name
from .metadata import find_table, tables_of
from .schema import NO_RECORD, api_of, examine_base
from .transport import Refused, sent

_DATE_TIME = {
    "timeZone": "utc",
    "dateFormat": {"name": "iso", "format": "YYYY-MM-DD"},
    "timeFormat": {"name": "24hour", "format": "HH:mm"},
}
_OF_METRIC: Mapping[MetricKind, Mapping[str, Any]] = {
    MetricKind.TEXT: {"type": "multilineText"},
    MetricKind.CHECKBOX: {"type": "checkbox", "options": {"icon": "check", "color": "greenBright"}},
    MetricKind.DATE: {"type": "dateTime", "options": _DATE_TIME},
}
_SCOPES = (
    "give the token the scopes schema.bases:read and schema.bases:write and its user the role of a creator, or make "
    "it by hand as docs/airtable.md describes"
)
Field = Mapping[str, Any]
"""A column as the metadata API describes it."""


def prepare_base(url: str, preparation: Preparation) -> Iterator[Finding]:
    """Make the table that a store URL names, or add the columns that it lacks; findings about what remains to be done.

    Raises StoreUnusable if that cannot be done, and InvalidValue for a metric that cannot have a column.
    """
    at = AirtableAddress.of(url)
    metrics = _metric_fields(at.columns, preparation.metrics)
    api = api_of(at, token_from_environment())
    try:
        table = find_table(tables_of(api, at.base_id), at.table)
    except Refused as error:
        raise StoreUnusable(f"the base's tables cannot be read ({error}): {_SCOPES}.") from None
    if table is None:
        yield from _make_table(api, at, metrics)
        return
    fields = [*part_fields(at.columns), *metrics]
    yield from _add_columns(api, at, table, fields, preparation)
    yield from examine_base(url)
    yield from _other_types(table["fields"], metrics)


def _make_table(api: Api, at: AirtableAddress, metrics: Sequence[Field]) -> Iterator[Finding]:
    if at.table.startswith("tbl") and len(at.table) == len(NO_RECORD):
        raise StoreUnusable(
            f"the base has no table with the id {at.table}: give a name, and `runledger init` makes the table."
        )
    body = {"name": at.table, "fields": [*part_fields(at.columns), *metrics]}
    try:
        made = _post(api, api.build_url("meta", "bases", at.base_id, "tables"), body)
    except Refused as error:
        raise StoreUnusable(f"the table cannot be made ({error}): {_SCOPES}.") from None
    yield Finding.ok(f"made the table {at.table!r}, whose id is {made['id']}")
    if at.columns.number is None:
        yield Finding.note("starts wait about two seconds without an autonumber column", NUMBER_BY_HAND)
    else:
        yield Finding.fix(f"column {at.columns.number!r} is missing", "add it by hand as an autonumber; the API cannot")
    if at.columns.start_mark is None:
        yield NO_MARKS
    if not metrics:
        yield Finding.note(
            "metrics need columns", "add one for each, by hand or with `runledger init --metric NAME:TYPE`"
        )


def _add_columns(
    api: Api, at: AirtableAddress, table: Mapping[str, Any], fields: Sequence[Field], preparation: Preparation
) -> Iterator[Finding]:
    """Add the columns of `fields` that the table lacks, each by a request."""
    there = {_folded(field["name"]) for field in table["fields"]}  # Airtable takes no name that differs in case alone
    missing = [field for field in fields if _folded(field["name"]) not in there]
    if not missing:
        return
    preparation.confirm([f"add the column {_described(field)} to the table {table['name']!r}" for field in missing])
    added: list[str] = []
    for field in missing:
        try:
            _post(api, api.build_url("meta", "bases", at.base_id, "tables", table["id"], "fields"), field)
        except Refused as error:
            raise StoreUnusable(
                f"the column {field['name']!r} cannot be added ({error}): {_SCOPES}{_so_far(added)}."
            ) from None
        except RunLedgerError as error:
            error.add_note(f"`runledger init` adds what is missing when it is run again{_so_far(added)}.")
            raise
        added.append(field["name"])
        yield Finding.ok(f"added the column {_described(field)}")


def _post(api: Api, url: str, body: Field) -> dict[str, Any]:
    return sent(lambda: dict(api.post(url, json=body)), writes=True)


def _so_far(added: Sequence[str]) -> str:
    return f"; added before that: {', '.join(map(repr, added))}" if added else "; no column was added before that"


def _folded(name: str) -> str:
    return name.strip().casefold()


def _described(field: Field) -> str:
    precision = field.get("options", {}).get("precision")
    decimals = "" if precision is None else f" with {precision} decimal{'' if precision == 1 else 's'}"
    return f"{field['name']!r} ({type_name(field['type'])}{decimals})"


def part_fields(columns: Columns) -> list[Field]:
    """The columns of all parts for the metadata API, without the autonumber, which the API cannot make."""
    labels = [columns.label(status) for status in RunStatus]
    options: Mapping[str, Any] = {
        "singleSelect": {"choices": [{"name": label} for label in dict.fromkeys(filter(None, labels))]},
        "dateTime": _DATE_TIME,
    }
    fields: list[Field] = []
    for part, name in columns.of_parts.items():
        kind = TYPE_OF[part]
        if kind != "autoNumber":
            fields.append({"name": name, "type": kind, **({"options": options[kind]} if kind in options else {})})
    return fields


def _metric_fields(columns: Columns, metrics: Iterable[MetricColumn]) -> list[Field]:
    """The columns of metrics for the metadata API. Raises InvalidValue for a column that holds something else."""
    fields: list[Field] = []
    for metric in metrics:
        column = columns.metrics.get(metric.name, metric.name)
        if columns.metric_of(column) != metric.name:
            raise InvalidValue(
                f"the metric {metric.name!r} cannot have the column {column!r}, which holds something else: rename the "
                "metric, or map it in the store URL."
            )
        of_number = {"type": "number", "options": {"precision": metric.decimals}}
        fields.append({"name": column, **_OF_METRIC.get(metric.kind, of_number)})
    return fields


def _other_types(there: Iterable[Field], metrics: Iterable[Field]) -> Iterator[Finding]:
    """Findings about columns that exist, but cannot hold the metrics that were asked for. They stay as they are."""
    by_name = {field["name"]: field for field in there}
    for wanted in metrics:
        name = wanted["name"]
        if name not in by_name:
            if any(_folded(each) == _folded(name) for each in by_name):
                yield missing_finding(name, type_name(wanted["type"]), by_name)
            continue
        advice = "change the column by hand, or ask for another metric"
        found = by_name[name]
        if accepted(found["type"]) != accepted(wanted["type"]):
            what = f"column {name!r} is {type_name(found['type'])}, not {type_name(wanted['type'])} as asked for"
            yield Finding.fix(what, advice)
        elif _decimals(found) < _decimals(wanted):
            what = f"column {name!r} has {_decimals(found)} decimals, not {_decimals(wanted)} as asked for"
            yield Finding.fix(what, advice)


def _decimals(field: Field) -> int:
    return int(field.get("options", {}).get("precision", 0))
