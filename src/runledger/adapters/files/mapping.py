"""How the columns and words of a file become a run record and its log."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any, cast

from attrs import field, frozen
from attrs.converters import optional

from ...domain import InvalidValue, LogLine, MetricValue, NewRun, RunKey, RunRecord, RunStatus
from ...domain.json_form import MALFORMED, log_from_json, metrics_from_json
from ...domain.values import MAX_INTEGER, checked_status
from .problems import Gap, MissingColumns, UnmappedValue

FIELDS = (
    *("run_id", "client_id", "client_name", "status", "started_at", "ended_at", "updated_at", "error"),
    *("metrics", "log"),
)
"""The fields of a run with its log, which are the columns of a file that `write_runs` wrote."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 40
"""Characters of a text that may be a number."""


def _columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    for name in columns:
        if name not in FIELDS:
            raise InvalidValue(f"{name!r} is not a field: use one of {', '.join(FIELDS)}.")
    return dict(columns)


def _statuses(statuses: Mapping[str, RunStatus | str]) -> Mapping[str, RunStatus]:
    return {word: checked_status(status) for word, status in statuses.items()}


@frozen(kw_only=True)
class FileMapping:
    """Which column of a file holds which field, and how its words are read. Raises InvalidValue.

    `columns` maps fields (see FIELDS) to columns, or to "" if no column holds the field; a field that it does not name
    is in the column of its own name. `statuses` maps words of the file to statuses. `default_status` is for rows that
    have none. With `rest_as_metrics`, every column that is not a field becomes a metric. `timezone` is for times that
    name none.
    """

    columns: Mapping[str, str] = field(factory=dict, converter=_columns)
    statuses: Mapping[str, RunStatus] = field(factory=dict, converter=_statuses)
    default_status: RunStatus | None = field(default=None, converter=optional(checked_status))
    rest_as_metrics: bool = False
    timezone: tzinfo | None = None

    def column(self, name: str) -> str:
        """The column of a field; "" if none holds it."""
        return self.columns.get(name, name)

    def require(self, header: Iterable[str]) -> None:
        """Check that the columns that the mapping names, and those of required fields, exist. Raises MissingColumns."""
        header = list(header)
        named = [name for name, column in self.columns.items() if column]
        status = ["status"] if self.default_status is None else []
        there = set(filter(None, header))
        missing = {
            name: self.column(name)
            for name in (*named, "run_id", "client_id", "started_at", *status)
            if self.column(name) not in there
        }
        if missing:
            raise MissingColumns(missing, header)

    def run(self, row: Mapping[str, Any]) -> NewRun:
        """The run of a row. Raises InvalidValue."""
        cells = {name: row.get(column) if (column := self.column(name)) else None for name in FIELDS}
        key = RunKey(_id(cells["run_id"]), _id(cells["client_id"]))
        started_at, ended_at, updated_at = (
            self._time(cells, name) for name in ("started_at", "ended_at", "updated_at")
        )
        log = self._log(cells["log"])
        if not log and not self.rest_as_metrics and type(notes := row.get("notes")) is int and notes > 0:
            raise InvalidValue(f"it counts {notes} notes, but has no log: make the file with an export.")
        moments = [at for at in (ended_at, started_at, *(line.at for line in log)) if at is not None]
        updated_at = updated_at or max(moments, default=None)
        if started_at is None or updated_at is None:
            raise InvalidValue(f"{self.column('started_at')} is empty.")
        metrics = self._rest(row) | self._metrics(cells["metrics"])
        name = _id(cells["client_name"])
        record = RunRecord(
            key=key,
            client_name=key.client_id if name == "" else name,
            status=self._status(cells["status"]),
            started_at=started_at,
            ended_at=ended_at,
            metrics=metrics,
            notes=len(log),
            error=None if cells["error"] == "" else cells["error"],
            updated_at=updated_at,
        )
        return NewRun(record, log)

    def _status(self, text: Any) -> RunStatus:
        if text in (None, ""):
            if self.default_status is None:
                raise UnmappedValue(Gap("default_status", "status", f"{self.column('status')} is empty"))
            return self.default_status
        if isinstance(text, str) and text in self.statuses:
            return self.statuses[text]
        try:
            return checked_status(str(text))
        except InvalidValue:
            raise UnmappedValue(Gap("statuses", "status", f"status {text!r} is not known", str(text))) from None

    def _time(self, cells: Mapping[str, Any], name: str) -> datetime | None:
        text = cells[name]
        if text in (None, ""):
            return None
        try:
            moment = datetime.fromisoformat(text)
        except (ValueError, TypeError):
            raise InvalidValue(f"{self.column(name)} {text!r} is not an ISO time.") from None
        if moment.tzinfo is None:
            if self.timezone is None:
                raise UnmappedValue(Gap("timezone", name, f"{self.column(name)} {text!r} has no time zone", text))
            moment = moment.replace(tzinfo=self.timezone)
        return moment

    def _log(self, value: Any) -> tuple[LogLine, ...]:
        if value in (None, "", "[]"):
            return ()
        try:
            lines = _parsed(value)
            if not isinstance(lines, list):
                raise TypeError
            return log_from_json(lines)
        except InvalidValue:
            raise
        except MALFORMED:
            problem = f"{self.column('log')} is not a JSON array of [time, text]"
            raise UnmappedValue(Gap("columns", "log", problem)) from None

    def _metrics(self, value: Any) -> dict[str, MetricValue]:
        if value in (None, "", "{}"):
            return {}
        try:
            return metrics_from_json(_parsed(value))
        except MALFORMED:
            problem = f"{self.column('metrics')} is not a JSON object of names and values"
            raise UnmappedValue(Gap("columns", "metrics", problem)) from None

    def _rest(self, row: Mapping[str, Any]) -> dict[str, MetricValue]:
        """The columns that are not fields, as metrics, if the mapping asks for that."""
        if not self.rest_as_metrics:
            return {}
        fields = {self.column(name) for name in FIELDS} - {""}
        return {name: _inferred(value) for name, value in row.items() if name not in fields and value not in ("", None)}


def _id(value: Any) -> str:
    # Only an integer has one obvious spelling as text.
    return str(value) if type(value) is int else "" if value is None else value


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _inferred(value: Any) -> MetricValue:
    """A cell of CSV as a number if it is one; other values as they are."""
    if isinstance(value, str) and len(value) < _LONGEST_NUMBER:
        return _number_or_text(value)
    return cast(MetricValue, value)


@lru_cache(maxsize=4096)
def _number_or_text(text: str) -> MetricValue:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if match[1] or match[2]:
        number = float(text)
        return number if math.isfinite(number) else text
    return int(text) if abs(int(text)) <= MAX_INTEGER else text
