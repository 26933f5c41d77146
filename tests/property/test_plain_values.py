"""Values of subclasses of str, int, float and datetime are kept, and shown, as the plain values that they are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from attrs import asdict, evolve
from hypothesis import given
from hypothesis import strategies as st

from runledger import (
    InvalidValue,
    NewRun,
    RunAlreadyExists,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import FinishedRuns
from runledger.services.observing import log_event
from runledger.testing.strategies import changes, errors, finished_runs, names, notes, queries, runs, times
from runledger.testing.subclasses import Count, Word, holds_plain_values, of_subclass


def of_subclasses(values: Mapping[str, Any]) -> dict[Any, Any]:
    """A mapping with values of subclasses, and such names, unless they differ by case alone: a Word ignores it."""
    others = {Word(name): of_subclass(value) for name, value in values.items()}
    return others if len(others) == len(values) else {name: of_subclass(value) for name, value in values.items()}


def of_words(key: RunKey) -> RunKey:
    return RunKey(Word(key.run_id), Word(key.client_id), reference=key.reference and Word(key.reference))


def remade(thing: Any, **fields: Any) -> Any:
    """The same thing, each of whose fields is given as a value of a subclass."""
    given = {name: of_subclass(value) for name, value in asdict(thing, recurse=False).items()}
    return type(thing)(**{**given, **fields})


def require_same(other: Any, thing: Any) -> None:
    assert holds_plain_values(other)
    assert (other, repr(other), hash(other)) == (thing, repr(thing), hash(thing))


@given(runs())
def test_a_run_of_subclasses_is_the_run_of_the_plain_values(run: NewRun) -> None:
    key, metrics = of_words(run.key.referring_to("rec1")), of_subclasses(run.record.metrics)
    record, log = remade(run.record, key=key, metrics=metrics), [remade(line) for line in run.log]
    other = remade(run, record=record, log=log, reference=Word("rec2"))
    require_same(other, evolve(run, reference="rec2"))
    assert (other.mark, other.reference, other.key.reference) == (run.mark, "rec2", "rec1")
    same = RunRecord.start(key, of_subclass(record.started_at), client_name=Word("Acme"), metrics=metrics)
    assert holds_plain_values(same)


@given(changes(), times)
def test_a_change_of_subclasses_is_the_change_of_the_plain_values(change: RunChange, at: Any) -> None:
    other = remade(change, metrics=of_subclasses(change.metrics), add=of_subclasses(change.add))
    require_same(other, change)
    with suppress(InvalidValue):  # of a sum
        changed = RunRecord.start(RunKey("r", "c"), at).apply(other, of_subclass(at))
        assert holds_plain_values([changed, other.line(of_subclass(at))])


@given(queries, finished_runs)
def test_a_query_of_subclasses_is_the_query_of_the_plain_values(query: RunQuery, finished: FinishedRuns) -> None:
    labels = query.status and [Word(status.value.upper()) for status in query.status]
    place = query.after and (of_subclass(query.after[0]), of_words(query.after[1]))
    require_same(remade(query, status=labels, after=place), query)
    require_same(remade(finished), finished)


@given(names, names, notes, errors)
def test_no_event_error_or_log_shows_a_subclass(run_id: str, client_id: str, note: str, error: str) -> None:
    events: list[RunEvent] = []
    ledger = RunLedger(InMemoryRunRepository(), observers=[events.append, log_event])
    run = ledger.start(Word(run_id), Word(client_id), client_name=Word("Acme"), note=Word(note))
    run.update(metrics={Word("n"): Count(1)}, add={Word("i"): Count(1)}, note=Word(note))
    with pytest.raises(RunAlreadyExists) as refusal:
        ledger.start(Word(run_id), Word(client_id))
    run.fail(Word(error), note=Word(note))
    with pytest.raises(RunNotFound) as missing:
        ledger.get(Word("never started"), Word(client_id))
    started = ledger.start_many(Word("batch"), {Word(client_id): Word("Acme")}, note=Word(note))
    read = [
        *ledger.find(run_id=Word(run_id), status=Word("failed"), limit=Count(1)),
        *ledger.latest(clients=[Word(client_id)]),
        *ledger.log(Word(run_id), Word(client_id), last=Count(3)),
        ledger.reads.get_with_log(Word(run_id), Word(client_id)),
        ledger.get("batch", client_id),
    ]
    assert holds_plain_values([read, list(started), [asdict(event) for event in events]])
    assert "Word" not in str(refusal.value) + str(missing.value)
    assert ledger.get("batch", client_id).client_name == "Acme"


def test_a_line_in_the_log_of_the_program_shows_the_plain_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "runledger"):
        RunLedger(InMemoryRunRepository()).start(Word("r"), Word("acme"))
    assert caplog.messages == ["event=run_started run_id=r client_id=acme status=Running"]


@given(st.sampled_from(RunStatus))
def test_a_label_of_a_subclass_names_its_status(status: RunStatus) -> None:
    assert RunQuery(status=Word(status.value)).status == (status,)
