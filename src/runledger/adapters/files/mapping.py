"""How the columns and words of a file become a run record and its log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any, Literal

from attrs import field, frozen
from attrs.converters import optional

from ...domain import InvalidValue, LogLine, MetricValue, NewRun, RunKey, RunRecord, RunStatus
from ...domain.json_form import MALFORMED, log_from_json, metrics_from_json
from ...domain.key import checked_name
from ...domain.values import checked_status
from ...domain.visible import counted
from .cells import RepeatedName, id_of, json_of, metric_of
from .problems import Gap, MissingColumns, UnmappedValue, UnusableColumns
from .times import checked_time_format, time_of

FIELDS = (
    *("run_id", "client_id", "client_name", "status", "started_at", "ended_at", "updated_at", "error"),
    *("metrics", "log"),
)
"""The fields of a run with its log, which are the columns of a file that `write_runs` wrote."""

_EMPTY: dict[str, Any] = dict.fromkeys(FIELDS)

DefaultEnd = Literal["started_at", "updated_at"]


def _columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    for name in columns:
        if name not in FIELDS:
            raise InvalidValue(f"{name!r} is not a field: use one of {', '.join(FIELDS)}.")
    return dict(columns)


def _statuses(statuses: Mapping[str, RunStatus | str]) -> Mapping[str, RunStatus]:
    return {word: checked_status(status) for word, status in statuses.items()}


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise InvalidValue(f"{texts!r} is one text: give a list of them.")
    return tuple(dict.fromkeys(texts))


def _time_formats(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(checked_time_format, _texts(names))) or ("iso",)


def _default_end(name: str) -> str:
    if name not in ("started_at", "updated_at"):
        raise InvalidValue(f"the default end is {name!r}: use started_at or updated_at.")
    return name


@frozen(kw_only=True)
class FileMapping:
    """Which column of a file holds which field, and how its words are read. Raises InvalidValue.

    `columns` maps fields (see FIELDS) to columns, or to "" if no column holds the field; a field that it does not name
    is in the column of the same name. `statuses` maps words of the file to statuses. `default_status` is for rows that
    have none. `default_end` is the field whose time is the end of runs that have finished, but have no end time. With
    `rest_as_metrics`, every column that is not a field becomes a metric, but for `skip_columns`, which are not read.
    `nulls` are words of the file for an empty cell. `time_formats` are the file's notations of time: "iso", "epoch",
    "epoch-ms" and patterns of strptime. `timezone` is for times that name none.
    """

    columns: Mapping[str, str] = field(factory=dict, converter=_columns)
    statuses: Mapping[str, RunStatus] = field(factory=dict, converter=_statuses)
    default_status: RunStatus | None = field(default=None, converter=optional(checked_status))
    default_end: str | None = field(default=None, converter=optional(_default_end))
    rest_as_metrics: bool = False
    skip_columns: tuple[str, ...] = field(default=(), converter=_texts)
    nulls: tuple[str, ...] = field(default=(), converter=_texts)
    time_formats: tuple[str, ...] = field(default=("iso",), converter=_time_formats)
    timezone: tzinfo | None = None
    _read_columns: Mapping[str, str] = field(init=False, eq=False, repr=False)
    _not_metrics: frozenset[str] = field(init=False, eq=False, repr=False)

    @_read_columns.default
    def _columns_by_field(self) -> Mapping[str, str]:
        return {name: column for name in FIELDS if (column := self.column(name))}

    @_not_metrics.default
    def _fields_and_skipped(self) -> frozenset[str]:
        return frozenset(self._read_columns.values()).union(self.skip_columns)

    def __attrs_post_init__(self) -> None:
        for name, column in self.columns.items():
            if column in self.skip_columns and column:
                raise InvalidValue(f"the column {column!r} holds {name}, and is to be skipped: ask for one of the two.")

    def column(self, name: str) -> str:
        """The column of a field; "" if none holds it."""
        return self.columns.get(name, name)

    def missing_from(self, header: Iterable[str]) -> dict[str, str]:
        """The columns that are named, and those of required fields, that a header does not have, by their fields."""
        named = [name for name, column in self.columns.items() if column]
        status = ["status"] if self.default_status is None else []
        there = set(header)
        read = there.difference(self.skip_columns, [""])
        missing = {
            name: self.column(name)
            for name in (*named, "run_id", "client_id", "started_at", *status)
            if self.column(name) not in read
        }
        to_skip = [name for name in self.skip_columns if name not in there]
        return missing | ({"skip_columns": to_skip[0]} if to_skip else {})

    def require(self, header: Iterable[str]) -> None:
        """Check the columns of a file. Raises MissingColumns, and UnusableColumns for those that cannot be metrics."""
        header = list(header)
        if missing := self.missing_from(header):
            raise MissingColumns(missing, header)
        if self.rest_as_metrics:
            rest = [name for name in header if name not in self._not_metrics]
            if wrong := {name: why for name in rest if (why := _fault_of_name(name))}:
                raise UnusableColumns(wrong)

    def run(self, row: Mapping[str, Any]) -> NewRun:
        """The run of a row. Raises InvalidValue."""
        if self.nulls or self.skip_columns:
            row = self._read(row)
        cells = _EMPTY | {name: row.get(column) for name, column in self._read_columns.items()}
        key = RunKey(id_of(cells["run_id"]), id_of(cells["client_id"]))
        started_at = self._time(cells, "started_at")
        ended_at = self._time(cells, "ended_at")
        updated_at = self._time(cells, "updated_at")
        log = self._log(cells["log"])
        if not log and not self.rest_as_metrics and type(notes := row.get("notes")) is int and notes > 0:
            raise InvalidValue(f"it counts {counted(notes, 'note')}, but has no log: make the file with an export.")
        moments = [at for at in (ended_at, started_at, *[line.at for line in log]) if at is not None]
        updated_at = updated_at or max(moments, default=None)
        if started_at is None or updated_at is None:
            raise InvalidValue(f"{self.column('started_at')} is empty.")
        rest = self._rest(row)
        metrics = self._metrics(cells["metrics"])
        if metrics and (repeated := next((name for name in rest if name in metrics), None)):
            raise InvalidValue(
                f"the metric {repeated!r} is given twice, in its column and in {self.column('metrics')}: remove one."
            )
        name = id_of(cells["client_name"])
        status = self._status(cells["status"])
        if status.is_final and ended_at is None:
            ended_at = self._end(status, started_at, updated_at)
        elif ended_at is not None and not status.is_final:
            raise InvalidValue(f"the status is {status.value}, but {self.column('ended_at')} is {cells['ended_at']!r}.")
        try:
            record = RunRecord(
                key=key,
                client_name=key.client_id if name == "" else name,
                status=status,
                started_at=started_at,
                ended_at=ended_at,
                metrics=rest | metrics,
                notes=len(log),
                error=None if cells["error"] == "" else cells["error"],
                updated_at=updated_at,
            )
        except InvalidValue:
            _refuse_names(rest)
            raise
        return NewRun(record, log)

    def _read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The cells of a row that are read, without words for an empty cell."""
        return {
            name: None if isinstance(value, str) and value in self.nulls else value
            for name, value in row.items()
            if name not in self.skip_columns
        }

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

    def _end(self, status: RunStatus, started_at: datetime, updated_at: datetime) -> datetime:
        """The end of a run that has finished, but whose row has no end time."""
        if self.default_end is None:
            problem = f"the status is {status.value}, but {self.column('ended_at') or 'the end time'} is empty"
            raise UnmappedValue(Gap("default_end", "ended_at", problem))
        return started_at if self.default_end == "started_at" else updated_at

    def _time(self, cells: Mapping[str, Any], name: str) -> datetime | None:
        text = cells[name]
        if text in (None, ""):
            return None
        readings = [at for each in self.time_formats if (at := time_of(text, each))]
        if len(readings) == 1:
            return self._in_zone(readings[0], name, text)
        moments = {self._in_zone(at, name, text) for at in readings}
        if len(moments) == 1:
            return moments.pop()
        shown = f"{self.column(name)} {text!r}"
        if moments:
            either = " or ".join(sorted(at.isoformat() for at in moments))
            raise InvalidValue(f"{shown} may be {either}, by the time formats that were given: give fewer of them.")
        what = "an ISO time" if self.time_formats == ("iso",) else f"a time in {' or '.join(self.time_formats)}"
        raise UnmappedValue(Gap("time_formats", name, f"{shown} is not {what}", str(text)))

    def _in_zone(self, moment: datetime, name: str, text: Any) -> datetime:
        if moment.tzinfo is not None:
            return moment
        if self.timezone is None:
            raise UnmappedValue(Gap("timezone", name, f"{self.column(name)} {text!r} has no time zone", str(text)))
        return moment.replace(tzinfo=self.timezone)

    def _log(self, value: Any) -> tuple[LogLine, ...]:
        if value in (None, "", "[]"):
            return ()
        try:
            lines = json_of(value)
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
            return metrics_from_json(json_of(value))
        except RepeatedName:
            raise
        except MALFORMED:
            problem = f"{self.column('metrics')} is not a JSON object of names and values"
            raise UnmappedValue(Gap("columns", "metrics", problem)) from None

    def _rest(self, row: Mapping[str, Any]) -> dict[str, MetricValue]:
        """The columns that are not fields, as metrics, if the mapping asks for that."""
        if not self.rest_as_metrics:
            return {}
        others = self._not_metrics
        return {name: metric_of(value) for name, value in row.items() if name not in others and value not in ("", None)}


def _refuse_names(columns: Iterable[str]) -> None:
    """Raise UnmappedValue if the name of a column cannot be that of a metric."""
    for name in columns:
        if why := _fault_of_name(name):
            problem = f"the column {name!r} cannot become a metric ({why})"
            raise UnmappedValue(Gap("skip_columns", name, problem, name))


def _fault_of_name(name: str) -> str:
    """Why a column's name is not a metric's name; empty if it is."""
    try:
        checked_name(name, "metric name")
    except InvalidValue as error:
        return str(error).rstrip(".")
    return ""
