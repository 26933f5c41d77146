"""How a run record is stored in a row of the table: which column holds which part, and how each value is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType, NoneType
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, fields, frozen

from ...domain import InvalidValue, LogLine, Metrics, MetricValue, NewRun, RunKey, RunRecord, RunStatus
from ...domain.json_form import time_of_iso, time_text
from ...domain.values import MAX_INTEGER

MAX_CELL = 100_000
"""Characters in a text cell: https://support.airtable.com/docs/using-rich-text-formatting-in-airtable"""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_LOG_LINE = re.compile(rf"({_TIME.pattern}) (.*)")


def _unchanging(names: Mapping[Any, str]) -> Mapping[Any, str]:
    return MappingProxyType(dict(names))


@frozen(kw_only=True)
class Columns:
    """Which column of the table holds which part of a record. None leaves a part out.

    Without `started_at`, the start of a run is the creation of its row, or its end if another clock says that the end
    was earlier.
    `number` names an autonumber column, which orders creations without waiting. `start_mark` names a text column for
    the mark of a start, by which a start whose answer was lost recognises its record. Without it, the start time and
    the client name decide; without `started_at` too, such a start raises RunAlreadyExists, and the record stays at
    Running.
    `metrics` maps names of metrics to columns; any other metric is in the column of the same name. `statuses` maps
    statuses to choices of the status column; any other status is the choice of the same name.
    """

    run_id: str = "Run ID"
    client_id: str = "Client ID"
    client_name: str | None = "Client Name"
    status: str = "Status"
    started_at: str | None = "Start Time"
    ended_at: str | None = "End Time"
    updated_at: str | None = "Updated At"
    log: str | None = "Progress Log"
    error: str | None = "Error Details"
    number: str | None = None
    start_mark: str | None = None
    metrics: Mapping[str, str] = field(factory=dict, converter=_unchanging)
    statuses: Mapping[RunStatus, str] = field(factory=dict, converter=_unchanging)

    def __attrs_post_init__(self) -> None:
        names = [*self.of_parts.values(), *self.metrics.values()]
        if not (self.run_id and self.client_id and self.status):
            raise InvalidValue("the columns of run_id, client_id and status cannot be left out.")
        for name in names:
            if names.count(name) > 1:
                raise InvalidValue(f"column {name!r} is named twice in the mapping: give each part its own.")
        labels = [self.label(status) for status in RunStatus]
        if len(set(labels)) < len(labels):
            raise InvalidValue(f"two statuses have one label in the mapping: {', '.join(labels)}.")

    @classmethod
    def of_query(cls, query: str) -> Columns:
        """The mapping of a URL's query: `ended_at=&updated_at=Seen&metric.Tokens=Token+Count&status.Failed=Error`.

        Raises InvalidValue for an unknown option.
        """
        parts: dict[str, Any] = {}
        metrics: dict[str, str] = {}
        statuses: dict[RunStatus, str] = {}
        labels = {status.value: status for status in RunStatus}
        for name, value in parse_qsl(query, keep_blank_values=True):
            kind, _, of = name.partition(".")
            if kind == "metric" and of:
                metrics[of] = value
            elif kind == "status" and of in labels:
                statuses[labels[of]] = value
            elif name in _PARTS:
                parts[name] = value or None
            else:
                raise InvalidValue(
                    f"the store URL has the unknown option {name!r}: use endpoint, {', '.join(_PARTS)}, metric.NAME, "
                    f"or status.LABEL with one of {', '.join(labels)}."
                )
        return cls(**parts, metrics=metrics, statuses=statuses)

    @cached_property
    def of_parts(self) -> dict[str, str]:
        """Columns by part, without the parts that are left out."""
        return {part: getattr(self, part) for part in _PARTS if getattr(self, part)}

    def ids(self, cells: Mapping[str, Any]) -> tuple[object, object]:
        """What the columns of the run id and the client id hold."""
        return cells.get(self.run_id), cells.get(self.client_id)

    def label(self, status: RunStatus) -> str:
        """The choice that means a status."""
        return self.statuses.get(status, status.value)

    def metric_column(self, name: str, key: RunKey) -> str:
        """The column of a metric. Raises InvalidValue if a part or another metric uses it."""
        column = self.metrics.get(name, name)
        if self.metric_of(column) != name:
            raise InvalidValue(
                f"metric {name!r} of {key} would overwrite a column that holds something else: rename it.", key
            )
        return column

    def metric_of(self, column: str | None) -> str | None:
        """The metric that a column holds, if it can hold one."""
        if column is None or column in self.of_parts.values():
            return None
        name = next((name for name, mapped in self.metrics.items() if mapped == column), column)
        return name if self.metrics.get(name, name) == column else None

    def of_new(self, new: NewRun) -> dict[str, Any]:
        """The cells of a record to create. Raises InvalidValue if its log does not fit in a cell."""
        record = new.record
        parts: dict[str, Any] = {
            "run_id": record.key.run_id,
            "client_id": record.key.client_id,
            "client_name": record.client_name,
            "status": self.label(record.status),
            "started_at": time_text(record.started_at),
            "ended_at": record.ended_at and time_text(record.ended_at),
            "updated_at": time_text(record.updated_at),
            "log": self._appended("", new.log, record.key),
            "error": record.error,
            "start_mark": new.mark or None,
        }
        return self._cells(parts, record.metrics, record.key)

    def of_change(self, row: Row, new: RunRecord, lines: Sequence[LogLine]) -> dict[str, Any]:
        """The cells in which a row differs from the record that it is to hold, with these further lines of its log.

        Raises InvalidValue if they do not fit in the log's cell.
        """
        old = row.record
        parts: dict[str, Any] = {}
        if new.status is not old.status:
            parts["status"] = self.label(new.status)
            parts["ended_at"] = new.ended_at and time_text(new.ended_at)
        if new.error != old.error:
            parts["error"] = new.error
        if new.updated_at != old.updated_at:
            parts["updated_at"] = time_text(new.updated_at)
        if lines:
            parts["log"] = self._appended(self._log(row.cells), lines, new.key)
        changed = {
            name: value
            for name, value in new.metrics.items()
            if name not in old.metrics or (old.metrics[name], type(old.metrics[name])) != (value, type(value))
        }
        return self._cells(parts, changed, new.key)

    def of_setting(self, metrics: Mapping[str, MetricValue], at: datetime, key: RunKey) -> dict[str, Any]:
        """The cells of a change that only sets metrics."""
        return self._cells({"updated_at": time_text(at)}, metrics, key)

    def _appended(self, text: str, lines: Iterable[LogLine], key: RunKey) -> str | None:
        """The text of the log's cell with more lines. What people wrote into it is unchanged."""
        if self.log is None:
            return None
        new = "\n".join(
            [*([text.rstrip("\r\n")] if text.strip() else []), *(f"{time_text(at.at)} {at.text}" for at in lines)]
        )
        if len(new) > MAX_CELL:
            raise InvalidValue(
                f"the log of {key} would have {len(new):,} characters, and a cell holds {MAX_CELL:,}: write fewer or "
                "shorter notes. Nothing was written.",
                key,
            )
        return new or None

    def _cells(self, parts: Mapping[str, Any], metrics: Mapping[str, MetricValue], key: RunKey) -> dict[str, Any]:
        columns = self.of_parts
        cells = {columns[part]: value for part, value in parts.items() if part in columns and value is not None}
        for name, value in metrics.items():
            cells[self.metric_column(name, key)] = time_text(value) if isinstance(value, datetime) else value
        return cells

    def row(self, reference: str, created_time: str, cells: Mapping[str, Any]) -> Row:
        """A row with its record. Raises InvalidValue if the row is not a valid run record."""
        get = {part: cells.get(column) for part, column in self.of_parts.items()}.get
        key = RunKey(get("run_id") or "", get("client_id") or "")
        created = datetime.fromisoformat(created_time)
        ended_at = self._time(get("ended_at"), "ended_at")
        if self.started_at:
            started_at = self._time(get("started_at"), "started_at")
        else:  # two clocks may disagree, but no run ends before it starts
            started_at = min(created, ended_at or created)
        if started_at is None:
            raise InvalidValue(f"column {self.started_at!r} is empty: fill it in.")
        log = self._log(cells)
        updated_at = self._time(get("updated_at"), "updated_at")
        if updated_at is None:
            updated_at = max(started_at, ended_at or started_at, *(line.at for line in _lines(log, started_at)))
        record = RunRecord.trusted(
            key.run_id,
            key.client_id,
            self._text(get("client_name"), "client_name") or key.client_id,
            self._status(get("status")),
            started_at,
            ended_at,
            Metrics(self._metrics(cells)),
            sum(map(_is_line, log.split("\n"))),
            self._text(get("error"), "error") or None,
            updated_at,
            reference,
        )
        order = (self._number(cells), created, reference)
        return Row(reference, created, order, cells, record, self._text(get("start_mark"), "start_mark"))

    def lines(self, row: Row) -> tuple[LogLine, ...]:
        """The lines of a row's log, oldest first: as many as its record counts notes."""
        return tuple(_lines(self._log(row.cells), row.record.started_at))

    def _log(self, cells: Mapping[str, Any]) -> str:
        return self._text(cells.get(self.log), "log") if self.log else ""

    def _number(self, cells: Mapping[str, Any]) -> float:
        number = cells.get(self.number) if self.number else 0
        if not isinstance(number, (int, float)):  # without it there is no order of creation
            raise InvalidValue(f"column {self.number!r} holds {number!r}: it must be an autonumber column.")
        return number

    def _status(self, label: Any) -> RunStatus:
        for status in RunStatus:
            if self.label(status) == label:
                return status
        raise InvalidValue(f"column {self.status!r} holds {label!r}, which is not a status: correct it or map it.")

    def _text(self, value: Any, part: str) -> str:
        if not isinstance(value, (str, NoneType)):  # as computed and linked columns give it
            raise InvalidValue(f"column {self.of_parts[part]!r} holds {value!r}, which is not text.")
        return value or ""

    def _time(self, text: Any, part: str) -> datetime | None:
        if text is None:
            return None
        try:
            return time_of_iso(text).astimezone(UTC)
        except (TypeError, ValueError):
            raise InvalidValue(
                f"column {self.of_parts[part]!r} holds {text!r}, which is not a date and time."
            ) from None

    def _metrics(self, cells: Mapping[str, Any]) -> Iterator[tuple[str, MetricValue]]:
        for column, value in cells.items():
            name = self.metric_of(column)
            if name is not None and isinstance(value, (str, int, float)):
                yield name, _metric(value)


def _metric(value: str | int | float) -> MetricValue:
    if isinstance(value, str):
        return datetime.fromisoformat(value) if _TIME.fullmatch(value) else value
    # Airtable's numbers are doubles: beyond ±2^53 an integer is not exact, so return it as a float.
    return value if abs(value) <= MAX_INTEGER else float(value)


_PARTS = tuple(each.name for each in fields(Columns) if each.name not in ("metrics", "statuses"))


@frozen
class Row:
    """A row of the table: Airtable's record id, its creation time, its place in the order of creation, its cells.

    `mark` is that of the start that created it; "" without a column for marks.
    """

    reference: str
    created: datetime
    order: tuple[float, datetime, str]
    cells: Mapping[str, Any]
    record: RunRecord
    mark: str = ""


def _is_line(line: str) -> bool:
    return bool(line.strip())


def _lines(text: str, started_at: datetime) -> Iterator[LogLine]:
    """The lines of a log's cell. A line without a time, which a person wrote, takes the time of the line before."""
    at = started_at
    for line in text.replace("\r\n", "\n").split("\n"):
        found = _LOG_LINE.fullmatch(line)
        if found:
            at = datetime.fromisoformat(found[1])
        if _is_line(line):
            yield LogLine.trusted(at, found[2] if found else line)
