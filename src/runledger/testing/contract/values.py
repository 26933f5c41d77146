"""What is stored comes back whole: metrics, texts and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from attrs import evolve

from ...domain import (
    InvalidValue,
    LogLine,
    MetricValue,
    NewRun,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    UnknownMetric,
)
from ..rules import Rule
from ..runs import changed
from ..subclasses import Amount, Count, Word, holds_plain_values, of_subclass
from ..trial import Trial
from .cases import AT, FINISH, LATER, Part, R, S, keeps, started


class Values(Part):
    @keeps(Rule.WHOLE)
    def test_a_record_comes_back_as_it_was_created(self, trial: Trial) -> None:
        metrics: Mapping[str, MetricValue] = {"n": 1, "i": 1.0, "b": True, "text": "ü", "when": AT}
        new = RunRecord.start(R, AT, client_name="Åcme 株", metrics=metrics)
        change = RunChange(metrics=metrics, note="brought in", error="e")
        imported = changed(NewRun(RunRecord.start(S, AT)), change, at=LATER)
        trial.repository.create(new)
        trial.repository.create_many([imported])
        trial.holds(new, imported)

    @keeps(Rule.WHOLE)
    def test_values_at_their_limits_come_back_exactly(self, trial: Trial) -> None:
        numbers = (2**53, -(2**53), 5e-324, 1.7976931348623157e308, 0.1, 1e16, 3.0)
        exact = trial.repository.guarantees.exact_values
        texts = ("", "\r\n\t\x1b\u2028", "x" * 100_000) if exact else ("x" * 100_000,)
        for i, number in enumerate(numbers):
            metrics: Mapping[str, MetricValue] = {"n": number, "text": texts[i % len(texts)]}
            record = RunRecord.start(RunKey(f"r{i}", "c"), AT, metrics=metrics)
            change = RunChange(metrics=metrics, note="n" * 10_000, error="e" * 100_000)
            trial.begin()
            trial.repository.create(record)
            trial.repository.update(record.key, change, AT)
            trial.same(trial.repository.get(record.key), record.apply(change, AT))
            trial.same_log(record.key, [LogLine(AT, "n" * 10_000)])

    @keeps(Rule.WHOLE)
    def test_text_keeps_the_blanks_at_its_ends(self, trial: Trial) -> None:
        for i, blank in enumerate((" ", "   ", "\u00a0", "\u3000")):
            text = f"{blank}text{blank}"
            run = NewRun(started(f"{i}"))
            change = RunChange(note=text, error=text)
            later = RunChange(note=blank)
            trial.begin()
            trial.repository.create(run)
            trial.repository.update(run.key, change, AT)
            trial.repository.update_many([(run.key, later)], AT)
            due = changed(run, change, later, at=AT)
            trial.same(trial.repository.get(run.key), due.record)
            trial.same_log(run.key, due.log)

    @keeps(Rule.WHOLE)
    def test_what_cannot_be_added_changes_nothing(self, trial: Trial) -> None:
        unsuitable: Mapping[str, MetricValue] = {"text": "text", "b": True, "when": AT, "n": 2**53}
        for name, value in unsuitable.items():
            run = RunRecord.start(RunKey(name, "acme"), AT, metrics={name: value})
            trial.begin()
            trial.repository.create(run)
            with trial.refuses(InvalidValue, run.key):
                trial.repository.update(run.key, RunChange(add={"i": 1, name: 1}, note="n"), AT)
            trial.same(trial.repository.get(run.key), run)
            trial.same_log(run.key, ())

    @keeps(Rule.WHOLE)
    def test_an_unknown_column_is_refused_and_nothing_written(self, trial: Trial) -> None:
        repository = trial.repository
        if repository.guarantees.exact_values:
            pytest.skip("the store promises exact_values: it has no columns, and takes any name")
        repository.create(started("r"))
        for change in (RunChange(metrics={"n": 1, "No Such": 1}), RunChange(add={"No Such": 1}, note="n")):
            with trial.refuses(UnknownMetric, R):
                repository.update(R, change, AT)
        with trial.refuses(UnknownMetric, S):
            repository.create(RunRecord.start(S, AT, metrics={"No Such": 1}))
        trial.holds(started("r"))

    @keeps(Rule.WHOLE)
    def test_a_value_of_a_subclass_is_kept_as_the_plain_value(self, trial: Trial) -> None:
        metrics: Mapping[str, MetricValue] = {"n": 1, "i": 1.5, "text": "ü", "when": AT}
        words: Mapping[str, MetricValue] = {Word(name): of_subclass(value) for name, value in metrics.items()}
        r, s = RunKey(Word("r"), Word("acme")), RunKey(Word("s"), Word("acme"))
        record = RunRecord.start(r, of_subclass(AT), client_name=Word("Åcme"), metrics=words)
        imported = NewRun(evolve(RunRecord.start(s, AT), notes=1), [LogLine(of_subclass(AT), Word("first"))])
        trial.repository.create(NewRun(record, mark=Word("mark")))
        trial.repository.create_many([imported])
        later = RunChange(add={Word("n"): Count(2), Word("i"): Amount(0.5)})
        trial.repository.update_many([(r, later)], LATER)
        change = RunChange(metrics=words, note=Word("second"), error=Word("e"))
        returned = trial.repository.update(s, change, LATER)

        plain = RunRecord.start(R, AT, client_name="Åcme", metrics=metrics)
        first = changed(NewRun(started("s")), RunChange(note="first"), at=AT)
        second = changed(first, RunChange(metrics=metrics, note="second", error="e"), at=LATER)
        trial.holds(plain.apply(RunChange(add={"n": 2, "i": 0.5}), LATER), second)
        found = list(trial.repository.find(RunQuery(run_id=Word("s"), client_id=Word("acme"), status=Word("running"))))
        trial.same_list(found, [second.record])
        read = [returned, *found, trial.repository.get(r), *trial.repository.log(s)]
        trial.require(holds_plain_values(read), "a value that was given as one of a subclass is read as one")

    @keeps(Rule.TIMES)
    def test_times_are_kept_to_the_millisecond(self, trial: Trial) -> None:
        for millis in (0, 1, 7, 120, 999):
            at = AT.replace(microsecond=1000 * millis)
            record, change = (
                started(f"{millis}", at=at),
                RunChange(metrics={"when": at}, note="n", status=FINISH.status),
            )
            trial.begin()
            trial.repository.create(record)
            trial.repository.update(record.key, change, at)
            trial.same(trial.repository.get(record.key), record.apply(change, at))

    @keeps(Rule.TIMES)
    def test_updated_at_moves_with_each_update_and_never_back(self, trial: Trial) -> None:
        trial.repository.create(started("r"))
        record = started("r")
        for at in (LATER, AT, AT - timedelta(days=1), LATER + timedelta(milliseconds=1)):
            record = record.apply(RunChange(), at)
            trial.repository.update(R, RunChange(), at)
            trial.holds(record)
            trial.repository.update_many([(R, RunChange(note="n"))], at)
            record = record.apply(RunChange(note="n"), at)
            trial.holds(record)
