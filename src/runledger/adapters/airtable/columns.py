"""How a run record is stored in a row of the table: which column holds which part, and how each value is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from math import isinf
from types import MappingProxyType, NoneType
from typing import Any

from attrs import evolve, field, fields, frozen

from ...domain import (
    InvalidValue,
    LogLine,
    Metrics,
    MetricValue,
    NewRun,
    RunKey,
    RunRecord,
    RunStatus,
    UnusableForRun,
)
from ...domain.json_form import MALFORMED, time_of_iso, time_text
from ...domain.values import MAX_INTEGER
from ...domain.visible import shown
from .options import options_of
from .row import Row, is_line, lines_of, time_of_stamp

MAX_CELL = 100_000
"""Characters in a text cell: https://support.airtable.com/docs/using-rich-text-formatting-in-airtable"""


def _unchanging(names: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(names))


@frozen(kw_only=True)
class Columns:
    """Which column of the table holds which part of a record. None leaves a part out.

    A part whose column has its usual name is left out too if the table has no such column (`optional`); a column of any
    other name must exist.
    Without `started_at`, the start of a run is the creation of its row, or its end if another clock says that the end
    was earlier. Without `ended_at`, the end of a finished run is its last sign of life.
    Without `updated_at` there are no heartbeats; without `log` and `error`, notes and errors are rejected.
    `number` names an autonumber column, which orders creations without waiting. `start_mark` names a text column for
    the mark of a start, by which a start whose answer was lost recognises its record. Without it, the start time and
    the client name decide; without `started_at` too, such a start raises RunAlreadyExists, and the record stays at
    Running.
    `metrics` maps names of metrics to columns; any other metric is in the column of the same name. `statuses` maps
    statuses to choices of the status column; any other status is the choice of the same name. A final status that is
    mapped to None is rejected. Several may share a choice: it is read as the status of that name, else as the first.
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
    statuses: Mapping[RunStatus, str | None] = field(factory=dict, converter=_unchanging)

    def __attrs_post_init__(self) -> None:
        names = [*self.of_parts.values(), *self.metrics.values()]
        if not (self.run_id and self.client_id and self.status):
            raise InvalidValue("the columns of run_id, client_id and status cannot be left out.")
        for name in names:
            if names.count(name) > 1:
                raise InvalidValue(f"column {name!r} is named twice in the mapping: give each part its own.")
        running = self.label(RunStatus.RUNNING)
        if running is None:
            raise InvalidValue("the status Running cannot be left out of the mapping.")
        if sharing := [status.value for status in RunStatus if status.is_final and self.label(status) == running]:
            raise InvalidValue(f"{sharing[0]} and Running have one label, {running!r}: give Running its own.")

    @classmethod
    def of_query(cls, query: str) -> Columns:
        """The mapping of a URL's query: `ended_at=&updated_at=Seen&metric.Tokens=Token+Count&status.Failed=Error`.

        Raises InvalidValue for an unknown option.
        """
        parts: dict[str, Any] = {}
        metrics: dict[str, str] = {}
        statuses: dict[RunStatus, str | None] = {}
        labels = {status.value: status for status in RunStatus}
        for name, value in options_of(query):
            kind, _, of = name.partition(".")
            if kind == "metric" and of:
                metrics[of] = value
            elif kind == "status" and of in labels:
                statuses[labels[of]] = value or None
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

    @cached_property
    def optional(self) -> dict[str, str]:
        """The columns of their usual names that the table need not have, by part."""
        return {part: name for part, name in OPTIONAL.items() if getattr(self, part) == name}

    def without(self, part: str) -> Columns:
        """The mapping of a table that has no column for this part."""
        left_out: dict[str, Any] = {part: None}
        return evolve(self, **left_out)

    def ids(self, cells: Mapping[str, Any]) -> tuple[object, object]:
        """What the columns of the run id and the client id hold."""
        return cells.get(self.run_id), cells.get(self.client_id)

    @property
    def keeps_each_status(self) -> bool:
        """Whether each status has a choice, and no two have the same."""
        labels = {self.label(status) for status in RunStatus}
        return None not in labels and len(labels) == len(RunStatus)

    def label(self, status: RunStatus) -> str | None:
        """The choice that means a status; None if it is left out."""
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
        """The cells of a record to create.

        Raises UnusableForRun for what the table cannot keep, and InvalidValue if the log does not fit in a cell.
        """
        record = new.record
        self._require_kept(record.key, record.status, record.error, new.log)
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

        Raises UnusableForRun for what the table cannot keep, and InvalidValue if the log does not fit in a cell.
        """
        old = row.record
        self._require_kept(new.key, new.status, new.error if new.error != old.error else None, lines)
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

    def _require_kept(self, key: RunKey, status: RunStatus, error: str | None, lines: Sequence[LogLine]) -> None:
        """Raise UnusableForRun, which names it, for a part that the table cannot keep."""
        lacking = next(
            (part for part, value in (("log", lines), ("error", error)) if value and getattr(self, part) is None), None
        )
        if lacking is not None:
            what = {"log": "the log, so it cannot keep notes", "error": "errors"}[lacking]
            raise UnusableForRun(
                f"the table has no column for {what} ({key}): add {OPTIONAL[lacking]!r}, or name another with "
                f"{lacking}=COLUMN in the store URL. Nothing was written.",
                key,
            )
        if self.label(status) is None:
            raise UnusableForRun(
                f"the mapping leaves the status {status.value} out ({key}): map it in the store URL, "
                f"status.{status.value}=CHOICE. Nothing was written.",
                key,
            )

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
        if empty := next((part for part in ("run_id", "client_id") if not get(part)), None):
            column = self.of_parts[empty]
            raise InvalidValue(f"{empty.replace('_', ' ')} is empty: fill in column {column!r}, or map it.")
        key = RunKey(get("run_id") or "", get("client_id") or "")
        created = datetime.fromisoformat(created_time)
        ended_at = self._time(get("ended_at"), "ended_at")
        if self.started_at:
            started_at = self._time(get("started_at"), "started_at")
        else:  # two clocks may disagree, but no run ends before it starts
            started_at = min(created, ended_at or created)
        if started_at is None:
            raise InvalidValue(f"column {self.started_at!r} is empty: fill it in.")
        status, log = self.status_of(get("status")), self._log(cells)
        updated_at = self._time(get("updated_at"), "updated_at")
        if updated_at is None:
            updated_at = max(started_at, ended_at or started_at, *(line.at for line in lines_of(log, started_at)))
        record = RunRecord.trusted(
            key.run_id,
            key.client_id,
            self._text(get("client_name"), "client_name") or key.client_id,
            status,
            started_at,
            max(started_at, updated_at) if status.is_final and self.ended_at is None else ended_at,
            Metrics(self._metrics(cells)),
            sum(map(is_line, log.split("\n"))),
            self._text(get("error"), "error") or None,
            updated_at,
            reference,
        )
        order = (self._number(cells), created, reference)
        return Row(reference, created, order, cells, record, self._text(get("start_mark"), "start_mark"))

    def may_precede(self, raw: Mapping[str, Any], row: Row) -> bool:
        """Whether a raw record that cannot be read was created before a row."""
        try:
            number = self._number(raw["fields"])
        except InvalidValue:
            return True
        return (number, datetime.fromisoformat(raw["createdTime"]), str(raw["id"])) < row.order

    def lines(self, row: Row) -> tuple[LogLine, ...]:
        """The lines of a row's log, in their order: as many as its record counts notes."""
        return tuple(lines_of(self._log(row.cells), row.record.started_at))

    def _log(self, cells: Mapping[str, Any]) -> str:
        return self._text(cells.get(self.log), "log") if self.log else ""

    def _number(self, cells: Mapping[str, Any]) -> float:
        number = cells.get(self.number) if self.number else 0
        if not isinstance(number, (int, float)):  # without it there is no order of creation
            raise InvalidValue(f"column {self.number!r} holds {shown(number)}: it must be an autonumber column.")
        return number

    def status_of(self, label: Any) -> RunStatus:
        """The status that a choice means. Raises InvalidValue for another."""
        labelled = [status for status in RunStatus if self.label(status) == label and label is not None]
        if labelled:
            return next((status for status in labelled if status.value == label), labelled[0])
        raise InvalidValue(f"column {self.status!r} holds {shown(label)}, which is not a status: correct it or map it.")

    def _text(self, value: Any, part: str) -> str:
        if not isinstance(value, (str, NoneType)):  # as computed and linked columns give it
            raise InvalidValue(f"column {self.of_parts[part]!r} holds {shown(value)}, which is not text.")
        return value or ""

    def _time(self, text: Any, part: str) -> datetime | None:
        if text is None:
            return None
        try:
            return time_of_iso(text).astimezone(UTC)
        except MALFORMED:
            raise InvalidValue(
                f"column {self.of_parts[part]!r} holds {shown(text)}, which is not a date and time."
            ) from None

    def _metrics(self, cells: Mapping[str, Any]) -> Iterator[tuple[str, MetricValue]]:
        for column, value in cells.items():
            name = self.metric_of(column)
            if name is not None and isinstance(value, (str, int, float)):
                try:
                    yield name, _metric(value)
                except OverflowError:
                    raise InvalidValue(f"column {column!r} holds {shown(str(value))}, which no double can.") from None


def _metric(value: str | int | float) -> MetricValue:
    if isinstance(value, str):
        return time_of_stamp(value) or value
    # Airtable's numbers are doubles: beyond ±2^53 an integer is not exact, so return it as a float.
    number = value if abs(value) <= MAX_INTEGER else float(value)
    if isinf(number):
        raise OverflowError
    return number


_PARTS = tuple(each.name for each in fields(Columns) if each.name not in ("metrics", "statuses"))
OPTIONAL: Mapping[str, str] = {
    each.name: str(each.default)
    for each in fields(Columns)
    if each.name in ("client_name", "started_at", "ended_at", "updated_at", "log", "error")
}
"""The usual column of each part that a table need not have."""
