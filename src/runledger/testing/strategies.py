"""Hypothesis strategies for everything that may be stored: awkward keys, values at their limits, changes, queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ..domain import FinishedRuns, NewRun, RunChange, RunKey, RunQuery, RunRecord, RunStatus
from ..domain.values import MAX_INTEGER, MetricValue
from .runs import changed

ALIKE = (
    ("acme", "Acme", "ACME", "acme corp"),
    ('O\'Brien "Bob" & Søns',),
    ("'; DROP TABLE run_records; --",),
    ("x' OR TRUE() OR 'x",),
    ("{Run ID}\\'",),
    ("100%_[a-z]*?",),
    ("caf\u00e9", "cafe\u0301", "cafe"),
    ("stra\u00dfe", "STRASSE", "strasse"),
    ("\ufb01n", "fin"),
    ("\u05e9\u05dc\u05d5\u05dd",),
    ("\u202eabc", "abc"),
    ("\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f469\U0001f469\U0001f467"),
    ("007", "7", "7.0"),
    ("null",),
    ("x" * 255, "x" * 254 + "y"),
)
"""Groups of ids that a store may take for one another, because of case, accents, form, number or length; or that mean
something to SQL, a formula or a terminal."""

AWKWARD = tuple(text for group in ALIKE for text in group)

_characters = st.characters(exclude_categories=["Cs", "Cc"])
names: SearchStrategy[str] = st.sampled_from(AWKWARD) | st.text(_characters, min_size=1, max_size=20).filter(
    lambda text: text == text.strip()
)
texts: SearchStrategy[str] = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
errors: SearchStrategy[str] = texts.filter(bool)
notes: SearchStrategy[str] = st.text(_characters, min_size=1, max_size=30)
times: SearchStrategy[datetime] = st.datetimes(
    # The bounds are naive because Hypothesis adds the zone.
    min_value=datetime(1, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
near_times: SearchStrategy[datetime] = st.integers(0, 3).map(
    lambda s: datetime(2025, 11, 24, 8, 15, s, 1000 * (7 + s), tzinfo=UTC)
)
"""Few moments, so that equal starts are common."""

numbers: SearchStrategy[int | float] = st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(
    allow_nan=False, allow_infinity=False
)
small_numbers: SearchStrategy[int | float] = st.integers(-5, 5) | st.sampled_from([0.1, 0.2, -0.3, 1e300, 2.0**53])
values: SearchStrategy[MetricValue] = numbers | texts | st.booleans() | times
metric_names: SearchStrategy[str] = st.sampled_from(["Tokens", "tokens", "Posts Scored", "it's", 'a"b\\{}']) | names

keys: SearchStrategy[RunKey] = st.builds(
    RunKey, st.sampled_from(AWKWARD[:8]) | names, st.sampled_from(AWKWARD[:3]) | names
)
_few_keys = st.builds(RunKey, st.sampled_from(AWKWARD[:2]), st.sampled_from(AWKWARD[:2]))
likely_keys: SearchStrategy[RunKey] = _few_keys | _few_keys | _few_keys | keys
"""Often one of four that differ by case alone, so that a history returns to the same few."""

few_marks: SearchStrategy[str] = st.sampled_from(["", "a", "b"])
no_marks: SearchStrategy[str] = st.just("")

final_statuses: SearchStrategy[RunStatus] = st.sampled_from([s for s in RunStatus if s.is_final])


COLUMNS: Mapping[str, type[MetricValue]] = {
    **dict.fromkeys(("n", "i", "Tokens"), float),
    **dict.fromkeys(("text", "it's"), str),
    "b": bool,
    "when": datetime,
}
"""Metric columns, with the type of their values, that a table with typed columns needs for the conformance suite."""

any_metrics: SearchStrategy[dict[str, MetricValue]] = st.dictionaries(metric_names, values | small_numbers, max_size=3)
any_additions: SearchStrategy[dict[str, int | float]] = st.dictionaries(
    metric_names, small_numbers | numbers, max_size=2
)
_OF_TYPE: Mapping[type, SearchStrategy[Any]] = {
    # In a table 2.0**53 may be 2**53, to which the ledger adds nothing: no sum of these comes near it.
    float: (small_numbers | numbers).filter(lambda number: abs(number) < 2**40 or abs(number) > 2.0**100),
    # Rich text may normalise line ends and blanks at its ends.
    str: st.just("") | names,
    bool: st.booleans(),
    datetime: near_times,
}
column_metrics: SearchStrategy[dict[str, MetricValue]] = st.fixed_dictionaries(
    {}, optional={name: _OF_TYPE[kind] for name, kind in COLUMNS.items()}
)
column_additions: SearchStrategy[dict[str, int | float]] = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("n", "i"), _OF_TYPE[float])
)


@st.composite
def changes(
    draw: st.DrawFn,
    metrics_of: SearchStrategy[dict[str, MetricValue]] = any_metrics,
    additions_of: SearchStrategy[dict[str, int | float]] = any_additions,
) -> RunChange:
    """Any change: often one that carries a single field, as a heartbeat carries none."""
    parts: Mapping[str, SearchStrategy[Any]] = {
        "metrics": metrics_of,
        "add": additions_of,
        "note": notes,
        "status": final_statuses,
        "error": errors,
    }
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(parts)))
        return RunChange(**{name: draw(parts[name])})
    metrics = draw(metrics_of)
    add = draw(additions_of)
    return RunChange(
        metrics=metrics,
        add={name: number for name, number in add.items() if name not in metrics},
        note=draw(st.none() | notes),
        status=draw(st.none() | st.none() | final_statuses),
        error=draw(st.none() | st.none() | errors),
    )


@st.composite
def runs(
    draw: st.DrawFn,
    metrics_of: SearchStrategy[dict[str, MetricValue]] = any_metrics,
    keys_of: SearchStrategy[RunKey] = keys,
    marks_of: SearchStrategy[str] = no_marks,
) -> NewRun:
    """Any run: just started, or with a history, as an import brings it."""
    record = RunRecord.start(
        draw(keys_of),
        draw(near_times | times),
        client_name=draw(names),
        metrics=draw(metrics_of),
    )
    mark = draw(marks_of)
    # A store that keeps no marks knows a retry by other facts, which a model of all stores does not.
    run = NewRun(record, mark=mark, is_retry=mark != "" and draw(st.booleans()))
    if draw(st.booleans()):
        note, status = draw(notes), draw(st.none() | final_statuses)
        change = RunChange(note=note, status=status, error=draw(st.none() | errors))
        run = changed(run, RunChange(note="first"), change, at=draw(near_times))
    return run


def records(
    metrics_of: SearchStrategy[dict[str, MetricValue]] = any_metrics, keys_of: SearchStrategy[RunKey] = keys
) -> SearchStrategy[RunRecord]:
    """Any record, with or without notes."""
    return runs(metrics_of, keys_of).map(lambda run: run.record)


queries: SearchStrategy[RunQuery] = st.builds(
    RunQuery,
    run_id=st.none() | st.sampled_from(AWKWARD[:8]),
    client_id=st.none() | st.sampled_from(AWKWARD[:3]),
    status=st.none() | st.sampled_from(RunStatus) | st.sets(st.sampled_from(RunStatus), min_size=1),
    since=st.none() | near_times,
    until=st.none() | near_times,
    updated_before=st.none() | near_times,
    after=st.none() | st.tuples(near_times, likely_keys),
    limit=st.none() | st.integers(0, 4),
)

finished_runs: SearchStrategy[FinishedRuns] = st.builds(
    FinishedRuns, before=near_times, client_id=st.none() | st.sampled_from(AWKWARD[:3])
)
