"""Arguments for any public method, drawn by the names of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from runledger import RunChange, RunKey, RunQuery, RunStatus
from runledger.testing.strategies import changes, column_additions, column_metrics, errors, near_times, notes

run_ids = st.sampled_from(["r", "R", "a b", "a  b", "caf\u00e9", "cafe\u0301"])
"""Ids that a careless store takes for one another: by case, by blanks inside, by Unicode form."""
client_ids = st.sampled_from(["acme", "ACME", "never started"])
keys = st.builds(RunKey, run_ids, client_ids)

any_change = (
    st.builds(RunChange, error=errors) | st.builds(RunChange, note=notes) | changes(column_metrics, column_additions)
)

BY_NAME: Mapping[str, SearchStrategy[Any]] = {
    "add": column_additions,
    "after": st.none() | st.tuples(near_times, keys),
    "at": near_times,
    "change": any_change,
    "changes": st.lists(st.tuples(keys, any_change), max_size=3),
    "client_id": client_ids,
    "clients": st.none() | st.lists(client_ids, min_size=1),
    "error": errors | errors.map(RuntimeError),
    "key": keys,
    "last": st.none() | st.integers(0, 3),
    "limit": st.none() | st.integers(0, 3),
    "metrics": column_metrics,
    "note": st.none() | notes,
    "older_than": st.timedeltas(timedelta(0), timedelta(days=1)),
    "query": st.builds(RunQuery, run_id=st.none() | run_ids, status=st.none() | st.sampled_from(RunStatus)),
    "run_id": run_ids,
    "since": st.none() | near_times,
    "status": st.none() | st.sampled_from(RunStatus) | st.lists(st.sampled_from(RunStatus), min_size=1),
    "until": st.none() | near_times,
    "updated_before": st.none() | near_times,
    "why": errors,
    "with_errors": st.none() | errors,
}
"""What is passed for a parameter, whichever method has it."""


def public_methods(thing: object) -> list[str]:
    """The names of the methods that a caller of this object may use."""
    return [name for name, _ in inspect.getmembers(thing, callable) if not name.startswith("_")]


def arguments_of(method: Callable[..., Any]) -> SearchStrategy[tuple[list[Any], dict[str, Any]]]:
    """Positional and named arguments of a method; those that have a default may be left out.

    Raises LookupError, with what to do, for a parameter whose name is not in BY_NAME.
    """
    positional: list[SearchStrategy[Any]] = []
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, parameter in inspect.signature(method).parameters.items():
        if name not in BY_NAME:
            raise LookupError(
                f"{method.__qualname__} has a parameter {name!r}, for which nothing can be drawn: add it to BY_NAME in "
                "tests/property/drawn_arguments.py, so that every public method is tried."
            )
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(BY_NAME[name])
        elif parameter.default is inspect.Parameter.empty:
            required[name] = BY_NAME[name]
        else:
            optional[name] = BY_NAME[name]
    return st.tuples(st.tuples(*positional).map(list), st.fixed_dictionaries(required, optional=optional))
