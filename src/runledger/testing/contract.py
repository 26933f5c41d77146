"""The conformance suite: what every adapter must do, rule by rule. The built-in adapters pass the same suite.

Subclass RunRepositoryContract in a test file and give the fixture `new_store`: a function that makes a new, empty store
and returns a function that opens a repository over it, each time it is called:

    class TestSQLite(RunRepositoryContract):
        @pytest.fixture
        def new_store(self, tmp_path):
            def new():
                path = tmp_path / f"{uuid4()}.db"
                return lambda: SQLiteRunRepository(path)
            return new

If the store offers the removal of finished runs, give the fixture `open_removal` too: a function from a repository to
the RunRemoval of its store. Without it, the tests of the removal are skipped.

Tests of several processes run in processes that are spawned, if the function that opens the store can be pickled: a
`functools.partial` of the class can, a lambda cannot. If it cannot, they are skipped, with the reason.

If the store is a server that is reached by TCP, give the fixture `served_store` too. Its connections are then broken
before and after each request and each answer.

The suite also tests what the repository's `guarantees` promise beyond the rules. A test of something that is not
promised is skipped, with the reason. A store without `exact_values` must have the metric columns
`runledger.testing.COLUMNS`; the suite then uses no other names.

Histories of random calls run too: some are the same in every run, some are new. A failure of a new one names its seed.

A failure is a RuleBroken: it names the broken rule, what the adapter did, and which calls on an empty store show it.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import combinations, islice, zip_longest
from typing import Any, ClassVar, TypeVar

import attrs
import pytest

from ..domain import (
    BATCH,
    FinishedRuns,
    IdentifiedStore,
    InvalidValue,
    LatestStore,
    LoggedStore,
    LogLine,
    MetricValue,
    NewRun,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    SummableStore,
    UnknownMetric,
    summary_of,
)
from .calls import shown
from .handles import RemovalOnTrial, RepositoryOnTrial
from .history import run_histories
from .line import ServedStore
from .lost_connection import require_true_reports
from .reach import creators_within_reach, removers_within_reach
from .rules import Rule
from .runs import changed
from .seeds import seed_of
from .strategies import ALIKE
from .trial import EVERYTHING, OpenRemoval, OpenStore, Trial

AT = datetime(2025, 11, 24, 8, 15, 0, 123000, tzinfo=UTC)
LATER = AT + timedelta(seconds=5)
R, S, GONE = RunKey("r", "acme"), RunKey("s", "acme"), RunKey("never started", "acme")
FINISH = RunChange(status=RunStatus.COMPLETED)
FINAL = [status for status in RunStatus if status.is_final]

Test = Callable[[Any, Trial], None]
Item = TypeVar("Item")


def keeps(rule: Rule) -> Callable[[Test], Test]:
    """A test of this rule."""

    def of_rule(test: Test) -> Test:
        @wraps(test)
        def tried(self: Any, trial: Trial) -> None:
            with trial.of(rule):
                test(self, trial)

        return tried

    return of_rule


def every_combination() -> Iterator[RunChange]:
    """A change for each set of fields that a change may carry: the heartbeat, each field alone, all of them."""
    parts: Mapping[str, Any] = {
        "metrics": {"n": 1},
        "add": {"i": 1},
        "note": "n",
        "status": RunStatus.COMPLETED,
        "error": "e",
    }
    names = [field.name for field in attrs.fields(RunChange)]
    for count in range(len(names) + 1):
        for chosen in combinations(names, count):
            yield RunChange(**{name: parts[name] for name in chosen})


def started(run_id: str, client_id: str = "acme", at: datetime = AT) -> RunRecord:
    """The record of a run that has just started."""
    return RunRecord.start(RunKey(run_id, client_id), at)


def with_one_at_each_place(items: Sequence[Item], one: Item) -> Iterator[list[Item]]:
    """The items with one more among them: first, in the middle, last."""
    for place in (0, len(items) // 2, len(items)):
        yield [*items[:place], one, *items[place:]]


def ended(run_id: str, status: RunStatus, at: datetime, client_id: str = "acme", notes: int = 2) -> NewRun:
    """A run that started at AT, has so many notes, and ended at `at`."""
    changes = [*(RunChange(note=f"note {i}") for i in range(notes)), RunChange(status=status)]
    return changed(NewRun(started(run_id, client_id)), *changes, at=at)


def require_each(trial: Trial, records: Sequence[RunRecord]) -> None:
    """The store holds these records of one time, given in the order of their ids, and no others."""
    found = list(trial.repository.find(EVERYTHING))
    has_all = [record.key for record in found] == [record.key for record in reversed(records)]
    trial.require(has_all, f"{trial.calls[-1]} gives {len(found)} of {len(records)} records", Rule.FOUND_IN_ORDER)
    trial.same_list(found, records[::-1])


def removal_of(trial: Trial) -> AbstractContextManager[RemovalOnTrial]:
    """The removal of the trial's store. Skips the test if the store offers none."""
    if not trial.offers_removal:
        pytest.skip("the store offers no removal of runs: its fixture open_removal gives None")
    return trial.removal()


def removed(trial: Trial, finished: FinishedRuns, batch: int = BATCH) -> int:
    """Remove runs, and return how many were; see `removal_of`."""
    with removal_of(trial) as removal:
        counts = list(removal.remove_runs(finished, batch))
    are_bounded = all(0 <= count <= batch for count in counts)
    trial.require(are_bounded, f"{trial.calls[-1]} gives {counts} for batches of {batch}", Rule.REMOVED)
    return sum(counts)


def processes(trial: Trial) -> list[RepositoryOnTrial]:
    """Handles in processes that are spawned. Skips the test if they cannot open the store."""
    if reason := trial.reason_not_to_spawn:
        pytest.skip(reason)
    return trial.processes(3)


class RunRepositoryContract:
    """Every test has an empty store."""

    examples: ClassVar[int] = 100
    """How many random histories are the same in every run. Half as many new ones are added."""

    many: ClassVar[int] = 1_001
    """How many runs the tests of long bulk calls take: more than the adapter writes as one batch."""

    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        raise NotImplementedError(
            "define the fixture new_store: a function that makes an empty store and returns a function that opens it"
        )

    @pytest.fixture
    def open_removal(self) -> OpenRemoval | None:
        """A function that opens the removal of the store of a repository; None if the store offers none."""
        return None

    @pytest.fixture
    def served_store(self) -> ServedStore | None:
        """Where the server of the store is, and how to open the store elsewhere; None if no server can be reached."""
        return None

    @pytest.fixture
    def trial(
        self,
        new_store: Callable[[], OpenStore],
        open_removal: OpenRemoval | None,
        served_store: ServedStore | None,
    ) -> Iterator[Trial]:
        trial = Trial(new_store(), open_removal, served_store)
        yield trial
        trial.close()

    # A store's threads may use `random` while Hypothesis draws; nothing that is drawn depends on that.
    @pytest.mark.filterwarnings("ignore:Do not use the `random` module")
    def test_any_history_leaves_what_the_rules_say(self, new_store: Callable[[], OpenStore]) -> None:
        run_histories(lambda: Trial(new_store()), self.examples)

    @pytest.mark.filterwarnings("ignore:Do not use the `random` module")
    def test_new_histories_leave_what_the_rules_say(
        self, new_store: Callable[[], OpenStore], pytestconfig: pytest.Config
    ) -> None:
        run_histories(lambda: Trial(new_store()), (self.examples + 1) // 2, seed=seed_of(pytestconfig))

    # -- created once

    @keeps(Rule.CREATED_ONCE)
    def test_a_second_create_is_refused_and_the_first_record_stays(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))
        for again in (started("r"), started("r", at=LATER)):
            with trial.refuses(RunAlreadyExists, R):
                repository.create(again)
            trial.holds(started("r"))
        repository.update(R, FINISH, LATER)
        with trial.refuses(RunAlreadyExists, R):
            repository.create(started("r"))
        trial.holds(started("r").apply(FINISH, LATER))

    @keeps(Rule.CREATED_ONCE)
    def test_of_many_who_create_one_run_exactly_one_succeeds(self, trial: Trial) -> None:
        handles = trial.handles(8)
        for attempt in range(5):
            trial.begin()
            require_one_creation(trial, handles, f"r{attempt}")

    @keeps(Rule.WHOLE)
    def test_an_existing_run_in_a_bulk_start_leaves_none_of_the_others(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))
        with trial.refuses(RunAlreadyExists, R):
            repository.create_many([started("a"), started("r", at=LATER), started("c")])
        trial.holds(started("r"))
        with trial.refuses(RunAlreadyExists, S):
            repository.create_many([started("s"), started("t"), started("s", at=LATER)])
        same = started("s")
        with trial.refuses(RunAlreadyExists, S):
            repository.create_many([same, same])
        trial.holds(started("r"))

    @keeps(Rule.WHOLE)
    def test_a_long_bulk_start_leaves_none_wherever_an_existing_run_is(self, trial: Trial) -> None:
        """A store that makes batches of it checks all of them before it writes the first."""
        trial.repository.create(started("r"))
        for news in with_one_at_each_place([started(f"{i:04}") for i in range(self.many)], started("r", at=LATER)):
            with trial.refuses(RunAlreadyExists, R):
                trial.repository.create_many(news)
            trial.same_list(list(trial.repository.find(EVERYTHING)), [started("r")])

    @keeps(Rule.RAISED)
    def test_of_bulk_starts_that_overlap_each_reports_what_it_made(self, trial: Trial) -> None:
        handles = trial.handles(4)
        batches = [[started(f"{i}a"), started("r"), started(f"{i}c")] for i in range(4)]
        outcomes = trial.concurrently(4, lambda i: handles[i].create_many(batches[i]))
        require_one_success(
            trial, outcomes, RunAlreadyExists, "concurrent bulk starts with one key in common", Rule.CREATED_ONCE
        )
        there = {record.key for record in trial.repository.find(EVERYTHING)}
        for batch, error in zip(batches, outcomes, strict=True):
            own = {record.key for record in batch} - {R}
            reported = own if error is None else set(error.applied)
            trial.require(
                there & own == reported, f"the store has {shown(list(there & own))} of a start that reported {reported}"
            )
            if trial.repository.guarantees.atomic_bulk:
                trial.require(
                    reported in (own, set()),
                    f"a bulk start was applied in part: {shown(list(reported))}",
                    Rule.PROMISES,
                )

    # -- updated only; no recovery, no registry

    @keeps(Rule.UPDATED_ONLY)
    def test_updating_a_missing_run_creates_nothing(self, trial: Trial) -> None:
        for change in every_combination():
            trial.begin()
            with trial.refuses(RunNotFound, GONE):
                trial.repository.update(GONE, change, AT)
            trial.holds()
            with trial.refuses(RunNotFound, GONE):
                trial.repository.update_many([(GONE, change)], AT)
            trial.holds()

    @keeps(Rule.WHOLE)
    def test_a_missing_run_in_a_bulk_update_leaves_the_others_as_they_were(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create_many([started("r"), started("s")])
        for change in (RunChange(note="n"), RunChange(metrics={"n": 1}), RunChange()):
            with trial.refuses(RunNotFound, GONE):
                repository.update_many([(R, change), (GONE, change), (S, change)], LATER)
            trial.holds(NewRun(started("r")), NewRun(started("s")))

    @keeps(Rule.WHOLE)
    def test_a_long_bulk_update_leaves_all_as_they_were_wherever_a_missing_run_is(self, trial: Trial) -> None:
        records = [started(f"{i:04}") for i in range(self.many)]
        trial.repository.create_many(records)
        change = RunChange(metrics={"n": 1})
        for changes in with_one_at_each_place([(record.key, change) for record in records], (GONE, change)):
            with trial.refuses(RunNotFound, GONE):
                trial.repository.update_many(changes, LATER)
            require_each(trial, records)

    @keeps(Rule.NO_REGISTRY)
    def test_a_missing_run_is_looked_for_nowhere_else(self, trial: Trial) -> None:
        trial.repository.create(started("r"))
        for key in (GONE, RunKey("R", "acme"), RunKey("r", "ACME"), RunKey("acme", "r")):
            with trial.refuses(RunNotFound, key):
                trial.repository.get(key)

    @keeps(Rule.NO_REGISTRY)
    def test_every_look_is_at_the_store(self, trial: Trial) -> None:
        repository, other = trial.repository, trial.open()
        key = repository.create(started("r"))
        for i in range(3):
            change = RunChange(metrics={"i": i})
            due = started("r").apply(change, AT)
            other.update(R, change, AT)
            for reader in (repository, repository.without_creation(), other):
                trial.same(reader.get(R), due)
                trial.same(reader.get(key), due)
                trial.same_list(list(reader.find(EVERYTHING)), [due])

    # -- ids are opaque

    @keeps(Rule.OPAQUE_IDS)
    def test_keys_are_compared_exactly(self, trial: Trial) -> None:
        for group in ALIKE:
            trial.begin()
            for text in group:
                trial.repository.create(started(text, text))
            for i, text in enumerate(group):
                due = started(text, text).apply(RunChange(metrics={"i": i}), AT)
                trial.repository.update(due.key, RunChange(metrics={"i": i}), AT)
                trial.same(trial.repository.get(due.key), due)
                trial.same_list(list(trial.repository.find(RunQuery(client_id=text))), [due])
                trial.same_list(list(trial.repository.find(RunQuery(run_id=text))), [due])

    @keeps(Rule.OPAQUE_IDS)
    def test_the_two_ids_of_a_key_are_never_run_together(self, trial: Trial) -> None:
        for joint in ("b", "/", ":", "|", ",", "-", "_", "\\", "'", '"'):
            trial.begin()
            pairs = ((f"a{joint}c", "d"), ("a", f"c{joint}d"), ("a", f"{joint}c{joint}d"), (f"a{joint}c{joint}", "d"))
            records = [started(*pair) for pair in pairs]
            for record in records:
                trial.repository.create(record)
            for record in records:
                trial.same(trial.repository.get(record.key), record)

    # -- finished once

    @keeps(Rule.FINISHED_ONCE)
    def test_a_finished_run_stays_finished_and_its_end_never_moves(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))
        repository.update(R, FINISH, LATER)
        trial.holds(started("r").apply(FINISH, LATER))
        for change in (FINISH, RunChange(status=RunStatus.FAILED, note="n"), RunChange(error="late")):
            with trial.refuses(RunAlreadyFinished, R):
                repository.update(R, change, LATER + timedelta(hours=1))
            with trial.refuses(RunAlreadyFinished, R):
                repository.update_many([(R, RunChange(note="n")), (R, change)], LATER + timedelta(hours=1))
            trial.holds(started("r").apply(FINISH, LATER))

    @keeps(Rule.FINISHED_ONCE)
    def test_a_run_never_ends_before_its_start(self, trial: Trial) -> None:
        repository, early = trial.repository, AT - timedelta(minutes=1)
        repository.create_many([started("r"), started("s")])
        repository.update(R, FINISH, early)
        repository.update_many([(S, FINISH)], early)
        trial.holds(*(started(run_id).apply(FINISH, early) for run_id in ("r", "s")))
        ended = [record.ended_at for record in repository.find(EVERYTHING)]
        trial.require(ended == [AT, AT], f"runs that started at {AT} ended at {ended}")

    @keeps(Rule.FINISHED_ONCE)
    def test_late_metrics_and_notes_are_accepted(self, trial: Trial) -> None:
        late, at = RunChange(metrics={"Tokens": 2}, note="late"), LATER + timedelta(hours=1)
        for status in FINAL:
            trial.begin()
            end = RunChange(status=status, error="broken")
            record = started(status.name)
            trial.repository.create(record)
            trial.repository.update(record.key, end, LATER)
            trial.repository.update(record.key, late, at)
            trial.same(trial.repository.get(record.key), record.apply(end, LATER).apply(late, at))

    # -- retry only at creation

    @keeps(Rule.SENT_ONCE)
    def test_an_update_is_applied_once(self, trial: Trial) -> None:
        change = RunChange(add={"n": 1}, note="line")
        trial.repository.create(started("r"))
        trial.repository.update(R, change, AT)
        trial.holds(started("r").apply(change, AT))
        trial.repository.update_many([(R, change)], AT)
        trial.holds(started("r").apply(change, AT).apply(change, AT))

    # -- whole or not at all

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
    def test_a_bulk_update_applies_changes_of_one_key_in_their_order(self, trial: Trial) -> None:
        changes = (RunChange(metrics={"n": 1}), RunChange(add={"n": 2}, note="x"), FINISH)
        trial.repository.create_many([started("r"), started("s")])
        trial.repository.update_many([(R, change) for change in changes], AT)
        record = started("r")
        for change in changes:
            record = record.apply(change, AT)
        trial.holds(record, started("s"))

    @keeps(Rule.WHOLE)
    def test_a_bulk_update_leaves_no_record_out(self, trial: Trial) -> None:
        records = [started(f"{i:04}") for i in range(self.many)]
        trial.repository.create_many(records)
        changes = [(record.key, RunChange(metrics={"n": i + 1})) for i, record in enumerate(records)]
        changes.append((records[0].key, RunChange(add={"n": 1}, note="the first again")))
        trial.repository.update_many(changes, AT)
        for key, change in changes:
            place = int(key.run_id)
            records[place] = records[place].apply(change, AT)
        require_each(trial, records)
        trial.same_log(records[0].key, [LogLine(AT, "the first again")])

    @keeps(Rule.WHOLE)
    def test_empty_bulk_calls_do_nothing(self, trial: Trial) -> None:
        trial.repository.create_many([])
        trial.repository.update_many([], AT)
        trial.holds()

    # -- times

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

    # -- every note is a line of the log

    @keeps(Rule.LOGGED)
    def test_the_log_has_every_note_in_its_order(self, trial: Trial) -> None:
        repository = trial.repository
        run, other = (
            changed(NewRun(started("r")), RunChange(note="0"), RunChange(note="1"), at=AT),
            NewRun(started("s")),
        )
        repository.create(run)
        repository.create_many([other])
        notes = [RunChange(note=str(i)) for i in range(2, 6)]
        run = changed(run, *notes, FINISH, at=LATER)
        repository.update(R, notes[0], LATER)
        repository.update_many([(R, notes[1]), (S, RunChange(note="other")), (R, notes[2])], LATER)
        repository.update(R, RunChange(note=notes[3].note, status=FINISH.status), LATER)
        trial.holds(run, changed(other, RunChange(note="other"), at=LATER))

    @keeps(Rule.LOGGED)
    def test_a_start_with_a_first_note_has_one_line_however_often_it_is_tried(self, trial: Trial) -> None:
        for is_retry in (False, True):
            runs = NewRun.started([started(run_id) for run_id in "rst"], "m", "begun")
            first, *others = (attrs.evolve(run, is_retry=is_retry) for run in runs)
            trial.repository.create(first)
            trial.repository.create_many(others)
        trial.holds(*(changed(NewRun(started(run_id)), RunChange(note="begun"), at=AT) for run_id in "rst"))

    @keeps(Rule.LOGGED)
    def test_the_last_lines_of_a_log_are_those_before_its_end(self, trial: Trial) -> None:
        notes = [RunChange(note=f"{i}") for i in range(12)]
        run = changed(NewRun(started("r")), *notes, at=AT)
        trial.repository.create_many([run, NewRun(started("s"))])
        for last in (0, 1, 2, 10, 11, 12, 13, 1_000_000):
            trial.same_log(R, run.log[max(0, 12 - last) :], last)
            trial.same_log(S, (), last)
        access = trial.repository.without_creation()
        trial.require(list(access.log(R, 3)) == list(run.log[-3:]), f"{trial.calls[-1]} gives other lines")

    @keeps(Rule.LOGGED)
    def test_a_log_that_grows_while_it_is_read_is_read_without_a_gap(self, trial: Trial) -> None:
        run = changed(NewRun(started("r")), *(RunChange(note=f"{i}") for i in range(300)), at=AT)
        trial.repository.create(run)
        lines = trial.repository.log(R)
        read = list(islice(lines, 1))
        trial.repository.update(R, RunChange(note="later"), AT)
        read += lines
        grown = [*run.log, LogLine(AT, "later")]
        trial.require(read in (grown[:-1], grown), f"{len(read)} lines were read of a log of 300 that grew by one")

    @keeps(Rule.ATOMIC)
    def test_concurrent_notes_of_each_thread_are_in_its_order(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))

        def note(thread: int) -> None:
            for step in range(3):
                repository.update(R, RunChange(note=f"{thread}/{step}"), AT)

        for error in trial.concurrently(4, note):
            trial.require(error is None, f"a note was refused: {error}")
        texts = [line.text for line in repository.log(R)]
        due = [f"{thread}/{step}" for thread in range(4) for step in range(3)]
        trial.require(sorted(texts) == due, f"the log of four threads is {texts}")
        by_thread = sorted(texts, key=lambda text: text[0])
        trial.require(by_thread == due, f"the log of four threads is {texts}", Rule.LOGGED)
        trial.require(repository.get(R).notes == 12, f"{trial.calls[-1]} does not count the 12 lines of the log")

    @keeps(Rule.NO_REGISTRY)
    def test_a_missing_run_has_no_log(self, trial: Trial) -> None:
        trial.repository.create(started("r"))
        for last in (None, 0, 1):
            for key in (GONE, RunKey("R", "acme")):
                with trial.refuses(RunNotFound, key):
                    list(trial.repository.log(key, last))

    @keeps(Rule.LOGGED)
    def test_a_note_for_a_missing_run_leaves_no_line(self, trial: Trial) -> None:
        repository, note = trial.repository, RunChange(note="n")
        with trial.refuses(RunNotFound, GONE):
            repository.update(GONE, note, AT)
        with trial.refuses(RunNotFound, GONE):
            repository.update_many([(GONE, note), (GONE, note)], AT)
        repository.create(RunRecord.start(GONE, AT))
        trial.same_log(GONE, ())
        repository.update(GONE, note, AT)
        trial.same_log(GONE, [LogLine(AT, "n")])

    @keeps(Rule.LOGGED)
    def test_a_rejected_change_leaves_no_line(self, trial: Trial) -> None:
        repository, end = trial.repository, RunChange(note="n", status=RunStatus.FAILED)
        run = NewRun(started("r"))
        repository.create(run)
        repository.update(R, FINISH, AT)
        for call in (lambda: repository.update(R, end, AT), lambda: repository.update_many([(R, end)], AT)):
            with trial.refuses(RunAlreadyFinished, R):
                call()
        with trial.refuses(RunAlreadyExists, R):
            repository.create(changed(run, RunChange(note="n"), at=AT))
        trial.holds(changed(run, FINISH, at=AT))

    @keeps(Rule.FOUND_IN_ORDER)
    def test_logs_that_are_found_with_their_records_are_those_of_log(self, trial: Trial) -> None:
        """Of stores that find records and logs together."""
        adapter = trial.repository.adapter
        stores = [store for store in (adapter, adapter.without_creation()) if isinstance(store, LoggedStore)]
        if not stores:
            pytest.skip("the store has no find_with_logs method: the ledger asks log for each record")
        notes = [RunChange(note=f"{i}") for i in range(5)]
        runs = [changed(NewRun(started(f"{i:03}")), *notes[: i % 4], at=AT) for i in range(203)]
        trial.repository.create_many(runs)
        trial.repository.update(runs[7].key, notes[4], AT)
        runs[7] = changed(runs[7], notes[4], at=AT)
        for query in (EVERYTHING, RunQuery(run_id="003"), RunQuery(limit=150), RunQuery(limit=0)):
            due = [run for run in reversed(runs) if query.matches(run.record)][: query.limit]
            for store in stores:
                call = trial.noted("repository", "find_with_logs", query)
                with trial.watched(call):
                    found = list(store.find_with_logs(query))
                trial.same_list([record for record, _ in found], [run.record for run in due])
                for (record, log), run in zip(found, due, strict=True):
                    is_whole = tuple(log) == run.log
                    trial.require(is_whole, f"{call} gives {shown(log)} as the log of {shown(record.key)}", Rule.LOGGED)

    # -- the start that comes again

    @keeps(Rule.CREATED_ONCE)
    def test_a_retry_of_a_start_returns_its_key_and_changes_nothing(self, trial: Trial) -> None:
        run = NewRun(RunRecord.start(R, AT, client_name="Acme Ltd"), mark="m")
        trial.repository.create(run)
        trial.repository.update(R, FINISH, LATER)
        for _ in range(2):
            trial.repository.create(attrs.evolve(run, is_retry=True))
            trial.holds(changed(run, FINISH, at=LATER))

    @keeps(Rule.CREATED_ONCE)
    def test_a_retry_of_a_bulk_start_makes_what_is_missing_and_changes_nothing(self, trial: Trial) -> None:
        first, second = (NewRun(started(run_id), mark="m") for run_id in "rs")
        again = [attrs.evolve(run, is_retry=True) for run in (second, first)]
        trial.repository.create(first)
        for _ in range(2):
            trial.repository.create_many(again)
            trial.holds(first, second)

    @keeps(Rule.CREATED_ONCE)
    def test_a_retry_of_another_start_is_refused(self, trial: Trial) -> None:
        trial.repository.create(NewRun(started("r"), mark="m"))
        late = NewRun(started("r", at=LATER), mark="another", is_retry=True)
        with trial.refuses(RunAlreadyExists, R):
            trial.repository.create(late)
        with trial.refuses(RunAlreadyExists, R):
            trial.repository.create_many([late])
        trial.holds(started("r"))

    @keeps(Rule.CREATED_ONCE)
    def test_only_its_mark_tells_a_start_from_another_one_where_promised(self, trial: Trial) -> None:
        repository = trial.repository
        if not repository.guarantees.exact_start:
            pytest.skip("the store does not promise exact_start: it knows a retry by its start time and client name")
        repository.create(NewRun(started("r"), mark="m"))
        repository.create_many([NewRun(started("s"))])
        repository.create(NewRun(started("r"), mark="m"))
        repository.create_many([NewRun(started("r"), mark="m")])
        for key, mark in ((R, "M"), (R, ""), (S, ""), (S, "m")):
            rival = NewRun(RunRecord.start(key, AT), mark=mark, is_retry=True)
            with trial.refuses(RunAlreadyExists, key):
                repository.create(rival)
            with trial.refuses(RunAlreadyExists, key):
                repository.create_many([rival])
        trial.holds(NewRun(started("r")), NewRun(started("s")))

    # -- who may only update cannot create

    @keeps(Rule.CANNOT_CREATE)
    def test_what_has_no_right_to_create_updates_the_same_store(self, trial: Trial) -> None:
        change = RunChange(note="n")
        access = trial.repository.without_creation()
        for name in ("create", "create_many"):
            trial.require(not hasattr(access.adapter, name), f"what without_creation() returns has {name}")
        paths = creators_within_reach(access.adapter)
        trial.require(not paths, f"what without_creation() returns reaches {', '.join(sorted(paths))}")
        trial.repository.create(started("r"))
        access.update(R, change, AT)
        trial.holds(started("r").apply(change, AT))
        with trial.refuses(RunNotFound, GONE):
            access.update(GONE, change, AT)
        trial.holds(started("r").apply(change, AT))

    # -- who does not hold the removal cannot remove

    @keeps(Rule.CANNOT_REMOVE)
    def test_nothing_that_a_repository_holds_removes_runs(self, trial: Trial) -> None:
        repository = trial.repository.adapter
        for name, thing in (("the repository", repository), ("without_creation()", repository.without_creation())):
            paths = removers_within_reach(thing)
            trial.require(not paths, f"from {name} one reaches {', '.join(sorted(paths))}")

    # -- removed as asked

    @keeps(Rule.REMOVED)
    def test_removing_takes_finished_runs_that_are_old_and_no_others(self, trial: Trial) -> None:
        before, a_moment = AT.replace(microsecond=0) + timedelta(days=1), timedelta(seconds=1)
        old = [ended(status.name, status, before - a_moment) for status in FINAL]
        kept = [
            NewRun(started("running")),
            ended("at that moment", RunStatus.COMPLETED, before),
            ended("later", RunStatus.FAILED, before + a_moment),
            NewRun(started("started later", at=before).apply(FINISH, before + a_moment)),
        ]
        trial.repository.create_many([run for pair in zip_longest(old, kept) for run in pair if run])
        for moment, due in ((AT, 0), (before, len(old)), (before, 0)):
            count = removed(trial, FinishedRuns(before=moment))
            trial.require(count == due, f"{trial.calls[-1]} counts {count} runs removed, and not {due}")
        trial.holds(*kept)

    @keeps(Rule.REMOVED)
    def test_removing_the_runs_of_one_client_leaves_those_of_all_others(self, trial: Trial) -> None:
        clients = ("acme", "ACME", "acme corp")
        runs = [ended(f"r{i}", RunStatus.COMPLETED, LATER, client) for client in clients for i in range(3)]
        trial.repository.create_many(runs)
        removed(trial, FinishedRuns(before=LATER + timedelta(days=1), client_id="acme"))
        trial.holds(*(run for run in runs if run.key.client_id != "acme"))

    @keeps(Rule.REMOVED)
    def test_a_removed_run_is_missing_and_its_key_is_free(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(attrs.evolve(ended("r", RunStatus.FAILED, LATER), mark="mark"))
        removed(trial, FinishedRuns(before=LATER + timedelta(days=1)))
        for change in (RunChange(), RunChange(note="late"), RunChange(metrics={"n": 1})):
            with trial.refuses(RunNotFound, R):
                repository.update(R, change, LATER)
        with trial.refuses(RunNotFound, R):
            repository.get(R)
        with trial.refuses(RunNotFound, R):
            list(repository.log(R))
        again = NewRun(started("r", at=LATER), mark="mark")
        repository.create(again)
        trial.holds(again)
        repository.update(R, RunChange(note="first"), LATER)
        trial.holds(changed(again, RunChange(note="first"), at=LATER))

    @keeps(Rule.REMOVED)
    def test_a_batch_is_bounded_and_what_is_stopped_after_it_leaves_the_others(self, trial: Trial) -> None:
        runs = [ended(f"r{i}", RunStatus.COMPLETED, LATER + timedelta(seconds=i), notes=i) for i in range(5)]
        trial.repository.create_many(runs)
        finished = FinishedRuns(before=LATER + timedelta(days=1))
        with removal_of(trial) as removal:
            first = next(iter(removal.remove_runs(finished, 3)), 0)
        there = list(trial.repository.find(EVERYTHING))
        trial.require(0 < first <= 3, f"a batch of at most 3 rows removed {first} runs")
        trial.require(len(there) == 5 - first, f"of 5 runs {len(there)} are left after a batch that removed {first}")
        trial.holds(*(run for run in runs if run.record.key in {record.key for record in there}))
        removed(trial, finished, batch=1)
        trial.holds()

    @keeps(Rule.UPDATED_ONLY)
    def test_updating_a_run_that_is_removed_meanwhile_creates_nothing(self, trial: Trial) -> None:
        for i in range(5):
            trial.begin()
            require_whole_removals(trial, [RunKey(f"r{i} {j}", "acme") for j in range(4)])

    # -- written when it returns

    @keeps(Rule.WRITTEN)
    def test_what_an_act_returns_is_what_it_made(self, trial: Trial) -> None:
        repository = trial.repository
        key = repository.create(started("r"))
        repository.create_many([started("t"), started("s")])
        record = started("r")
        for change in (RunChange(metrics={"n": 1}), RunChange(note="n", error="e"), FINISH):
            record = record.apply(change, AT)
            trial.same(repository.update(key, change, AT), record)
        trial.holds(record, started("s"), started("t"))

    @keeps(Rule.WRITTEN)
    def test_what_one_handle_has_written_every_other_sees(self, trial: Trial) -> None:
        writer = trial.open()
        writer.create(started("r"))
        trial.holds(started("r"))
        writer.update(R, FINISH, LATER)
        trial.holds(started("r").apply(FINISH, LATER))
        later = trial.open()
        trial.same(later.get(R), started("r").apply(FINISH, LATER))

    # -- updates are atomic, within a process for every store, between processes where it is promised

    @keeps(Rule.ATOMIC)
    def test_what_threads_add_concurrently_is_all_kept(self, trial: Trial) -> None:
        require_all_additions(trial, [trial.repository] * 8)

    @keeps(Rule.ATOMIC)
    def test_what_threads_add_in_bulk_calls_that_cross_is_all_kept(self, trial: Trial) -> None:
        repository, adds = trial.repository, RunChange(add={"n": 1})
        repository.create_many([started("r"), started("s")])

        def add(thread: int) -> None:
            first, second = (R, S) if thread % 2 else (S, R)
            for _ in range(5):
                if thread < 4:
                    repository.update_many([(first, adds), (second, adds)], AT)
                else:
                    repository.update(first, adds, AT)

        for error in trial.concurrently(6, add):
            trial.require(error is None, f"an addition was refused: {error}")
        kept = [repository.get(key).metrics.get("n") for key in (R, S)]
        trial.require(kept == [25, 25], f"of 25 additions of 1 to each of two runs {kept} were kept")

    @keeps(Rule.PROMISES)
    def test_what_handles_add_concurrently_is_all_kept_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.atomic_add:
            pytest.skip("the store does not promise atomic_add: that is exact within one process only")
        require_all_additions(trial, trial.handles(8))

    @keeps(Rule.ATOMIC)
    def test_of_many_threads_that_finish_one_run_exactly_one_succeeds(self, trial: Trial) -> None:
        require_one_finish(trial, [trial.repository] * 8)

    @keeps(Rule.PROMISES)
    def test_of_many_handles_that_finish_one_run_exactly_one_succeeds_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.exact_finish:
            pytest.skip("the store does not promise exact_finish: that is exact within one process only")
        require_one_finish(trial, trial.handles(8))

    # -- the same in processes that are spawned

    @keeps(Rule.CREATED_ONCE)
    def test_of_many_processes_that_create_one_run_exactly_one_succeeds(self, trial: Trial) -> None:
        handles = processes(trial)
        for attempt in range(5):
            trial.begin()
            require_one_creation(trial, handles, f"r{attempt}")

    @keeps(Rule.PROMISES)
    def test_what_processes_add_concurrently_is_all_kept_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.atomic_add:
            pytest.skip("the store does not promise atomic_add: that is exact within one process only")
        require_all_additions(trial, processes(trial))

    @keeps(Rule.PROMISES)
    def test_of_many_processes_that_finish_one_run_exactly_one_succeeds_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.exact_finish:
            pytest.skip("the store does not promise exact_finish: that is exact within one process only")
        require_one_finish(trial, processes(trial))

    # -- a connection that is lost

    @keeps(Rule.RAISED)
    def test_what_a_lost_connection_leaves_is_what_is_reported(self, trial: Trial) -> None:
        if trial.served is None:
            pytest.skip("the fixture served_store gives None: lost connections are untested")
        for method in ("create", "create_many", "update", "update_many"):
            for answers in (False, True):
                require_true_reports(trial, method, answers)

    # -- found in order

    @keeps(Rule.FOUND_IN_ORDER)
    def test_find_pages_through_many_without_loss_or_repeat(self, trial: Trial) -> None:
        repository = trial.repository
        many = [started(f"{i:04}", "acme", AT + timedelta(seconds=i // 7)) for i in range(1203)]
        repository.create_many(many)
        trial.same_list(list(repository.find(RunQuery(limit=700))), many[::-1][:700])
        require_lazy(trial)
        found = repository.find(EVERYTHING)
        newest = [next(found) for _ in range(3)]
        repository.create(started("later", at=AT + timedelta(days=1)))
        repository.update(many[-1].key, FINISH, AT + timedelta(days=1))
        trial.same_list(newest + list(found), many[::-1])

    @keeps(Rule.FOUND_IN_ORDER)
    def test_find_gives_what_matches_every_filter(self, trial: Trial) -> None:
        records = [started(run, client, AT + timedelta(seconds=i % 3)) for i, (run, client) in enumerate(_KEYS)]
        records[0] = records[0].apply(FINISH, LATER)
        trial.repository.create_many(records)
        newest = sorted(records, key=lambda record: (record.started_at, record.key), reverse=True)
        second = AT + timedelta(seconds=1)
        for query in (
            RunQuery(run_id="r"),
            RunQuery(client_id="bolt"),
            RunQuery(run_id="s", client_id="acme"),
            RunQuery(status=RunStatus.COMPLETED),
            RunQuery(status=RunStatus.RUNNING, client_id="acme"),
            RunQuery(status=[RunStatus.RUNNING, RunStatus.COMPLETED]),
            RunQuery(status=[RunStatus.SKIPPED, RunStatus.RUNNING, RunStatus.FAILED], limit=3),
            RunQuery(status=[RunStatus.SKIPPED, RunStatus.FAILED]),
            RunQuery(after=newest[2]),
            RunQuery(after=newest[2], client_id="bolt", until=second, status=[RunStatus.RUNNING, RunStatus.FAILED]),
            RunQuery(after=(second, RunKey("r", "c")), limit=2),
            RunQuery(since=second),
            RunQuery(until=second),
            RunQuery(since=second, until=second + timedelta(milliseconds=1)),
            RunQuery(updated_before=second),
            RunQuery(limit=0),
            RunQuery(client_id="acme", limit=2),
        ):
            due = list(filter(query.matches, newest))[: query.limit]
            trial.same_list(list(trial.repository.find(query)), due)

    @keeps(Rule.FOUND_IN_ORDER)
    def test_pages_put_together_are_the_one_listing(self, trial: Trial) -> None:
        """Each page continues after the last record of the one before, whatever is started or finished meanwhile."""
        repository = trial.repository
        many = [started(f"{i // 2:02}", "ab"[i % 2], AT + timedelta(seconds=i // 9)) for i in reversed(range(60))]
        repository.create_many(many)
        after = None
        for first in (0, 25, 50):
            query = RunQuery(status=[RunStatus.RUNNING, RunStatus.FAILED], after=after, limit=25)
            trial.same_list(list(repository.find(query)), page := many[first : first + 25])
            after = page[-1]
            repository.create(started(f"{first}", "later", after.started_at + timedelta(seconds=1)))
            repository.update(after.key, FINISH, LATER)
            for following in many[first + 25 :][:1]:
                repository.update(following.key, RunChange(status=RunStatus.FAILED), LATER)
                many[first + 25] = following.apply(RunChange(status=RunStatus.FAILED), LATER)

    @keeps(Rule.FOUND_IN_ORDER)
    def test_the_latest_record_of_each_client_is_the_first_that_find_gives(self, trial: Trial) -> None:
        """Of stores that look for it themselves."""
        adapter = trial.repository.adapter
        stores = [store for store in (adapter, adapter.without_creation()) if isinstance(store, LatestStore)]
        if not stores:
            pytest.skip("the store has no latest method: the ledger takes the newest of what find returns")
        second = AT + timedelta(seconds=1)
        awkward = (*ALIKE[0], "\u00e9", "\uff21", "\U0001f469")  # by case, and in UTF-16, they have another order
        records = [
            started(run_id, client_id, at)
            for run_id, at in (("r", second), ("s", second), ("t", AT))
            for client_id in (*(f"{i:04}" for i in range(600)), *awkward)
            if not (at == second and client_id.startswith("a"))
        ]
        trial.repository.create_many(records)
        trial.repository.update(records[7].key, FINISH, LATER)
        for since in (None, second, LATER):
            newest: dict[str, RunRecord] = {}
            for record in trial.repository.find(RunQuery(since=since)):
                newest.setdefault(record.key.client_id, record)
            for store in stores:
                call = trial.noted("repository", "latest", *([] if since is None else [since]))
                with trial.watched(call):
                    found = list(store.latest(since))
                trial.same_list(found, [newest[client_id] for client_id in sorted(newest)])

    @keeps(Rule.PROMISES)
    def test_a_store_is_recognised_whoever_opened_it(self, trial: Trial) -> None:
        """Of stores that can be recognised."""
        stores = [handle.adapter for handle in trial.handles(2)]
        if not all(isinstance(store, IdentifiedStore) for store in stores):
            pytest.skip("the store has no identity method: a copy compares the two URLs")
        before = [store.identity() for store in stores if isinstance(store, IdentifiedStore)]
        trial.repository.create(started("r"))
        after = [store.identity() for store in stores if isinstance(store, IdentifiedStore)]
        trial.require(len({*before, *after}) == 1, f"one store has the identities {before}, and later {after}")

    @keeps(Rule.FOUND_IN_ORDER)
    def test_a_summary_is_of_what_find_gives(self, trial: Trial) -> None:
        """Of stores that add records up themselves."""
        adapter = trial.repository.adapter
        stores = [store for store in (adapter, adapter.without_creation()) if isinstance(store, SummableStore)]
        if not stores:
            pytest.skip("the store has no summary method: the ledger adds up what find returns")
        metrics: list[Mapping[str, MetricValue]] = [
            {"n": 2**53, "x": 0.5, 'a "b",{': 1},
            {"n": -3, "yes": True, "t": "1,{", "at": AT},
            {"x": 2, "y": 2.0**999},
        ]
        records = [
            RunRecord.start(
                RunKey(f"{i:04}", f"client {i % 3}"), AT + timedelta(seconds=i // 7), metrics=metrics[i % 5 % 3]
            )
            for i in range(1203)
        ]
        ended = [record.apply(FINISH, LATER + timedelta(seconds=i)) for i, record in enumerate(records[:9])]
        trial.repository.create_many(records := ended + records[9:])
        second = AT + timedelta(seconds=1)
        for query in (
            EVERYTHING,
            RunQuery(run_id="0003"),
            RunQuery(client_id="client 1", since=second),
            RunQuery(status=RunStatus.COMPLETED, until=second),
            RunQuery(client_id="client 2", limit=602),
            RunQuery(status=[RunStatus.RUNNING, RunStatus.FAILED], after=records[400]),
            RunQuery(run_id="gone"),
            RunQuery(limit=0),
        ):
            due = summary_of(list(filter(query.matches, reversed(records)))[: query.limit])
            for store in stores:
                call = trial.noted("repository", "summary", query)
                with trial.watched(call):
                    summary = store.summary(query)
                trial.require(summary == due, f"{call} gives {shown(summary)} where {shown(due)} is due")


_KEYS = [(run, client) for run in ("r", "s", "t") for client in ("acme", "bolt")]


def require_one_success(
    trial: Trial,
    outcomes: Sequence[RunLedgerError | None],
    refusal: type[RunLedgerError],
    what: str,
    rule: Rule | None = None,
) -> None:
    """Exactly one of many calls succeeded, and every other one raised the error that is due."""
    others = [type(error) for error in outcomes if error is not None]
    raised = ", ".join(sorted(kind.__name__ for kind in others)) or "none"
    is_one = others == [refusal] * (len(outcomes) - 1)
    trial.require(is_one, f"of {len(outcomes)} {what} {len(outcomes) - len(others)} succeeded; raised: {raised}", rule)


def require_all_additions(trial: Trial, handles: Sequence[RepositoryOnTrial]) -> None:
    """Ten concurrent additions and notes by each handle are all kept."""
    trial.repository.create(started("r"))

    def add(i: int) -> None:
        for _ in range(10):
            handles[i].update(R, RunChange(add={"n": 1}, note=f"by {i}"), AT)

    for error in trial.concurrently(len(handles), add):
        trial.require(error is None, f"an addition was refused: {error}")
    record, due = trial.repository.get(R), 10 * len(handles)
    lines = list(trial.repository.log(R))
    kept = (record.metrics.get("n"), len(lines))
    trial.require(kept == (due, due), f"of {due} additions of 1 and as many notes, {kept[0]} and {kept[1]} were kept")
    trial.require(
        record.notes == due, f"the record counts {record.notes} notes, and the log has {due} lines", Rule.LOGGED
    )
    own = Counter(line.text for line in lines)
    trial.require(set(own.values()) == {10}, f"of 10 notes by each handle, these were kept: {own}", Rule.LOGGED)


def require_lazy(trial: Trial) -> None:
    """Finding all of many records allocates less memory until the first is returned than until all are."""
    tracemalloc.start()
    try:
        found = trial.repository.find(EVERYTHING)
        records = [next(found)]
        _, for_one = tracemalloc.get_traced_memory()
        records += found
        for_all, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    what = f"{trial.calls[-1]} allocates {for_one} bytes before it gives the first record, of {for_all} for all"
    trial.require(for_one < max(0.9 * for_all, 100 * len(records)), what)


def require_whole_removals(trial: Trial, keys: Sequence[RunKey]) -> None:
    """Of runs that are updated while they are removed, each goes whole or stays whole."""
    trial.repository.create_many([ended(key.run_id, RunStatus.COMPLETED, LATER) for key in keys])
    finished = FinishedRuns(before=LATER + timedelta(days=1))
    handles = trial.handles(2)
    counts: list[int] = []

    def call(i: int) -> None:
        if i == len(handles):
            counts.append(removed(trial, finished, batch=2))
            return
        for key in keys:
            with suppress(RunNotFound):
                handles[i].update(key, RunChange(note="late"), LATER)

    for error in trial.concurrently(len(handles) + 1, call):
        trial.require(error is None, f"a call was refused: {error}")
    left = list(trial.repository.find(EVERYTHING))
    what = f"of {len(keys)} runs {sum(counts)} were removed, and {len(left)} are there"
    trial.require(sum(counts) + len(left) == len(keys), what)
    for record in left:
        lines = list(trial.repository.log(record.key))
        what = f"{shown(record.key)} counts {record.notes} notes, and its log has {len(lines)} lines"
        trial.require(len(lines) == record.notes, what, Rule.LOGGED)
    removed(trial, finished)
    trial.holds()


def require_one_creation(trial: Trial, handles: Sequence[RepositoryOnTrial], run_id: str) -> None:
    """Of handles that create one run concurrently exactly one succeeds, and the record is the one that it created."""
    rivals = [started(run_id, at=AT + timedelta(seconds=i)) for i in range(len(handles))]
    outcomes = trial.concurrently(len(handles), lambda i: handles[i].create(rivals[i]))
    require_one_success(trial, outcomes, RunAlreadyExists, "concurrent creates of one key")
    trial.same(trial.repository.get(rivals[0].key), rivals[outcomes.index(None)])


def require_one_finish(trial: Trial, handles: Sequence[RepositoryOnTrial]) -> None:
    """Of handles that finish one run concurrently exactly one succeeds, and the run has its status."""
    statuses = FINAL * len(handles)
    trial.repository.create(started("r"))
    outcomes = trial.concurrently(
        len(handles), lambda i: handles[i].update(R, RunChange(status=statuses[i]), AT + timedelta(seconds=i))
    )
    require_one_success(trial, outcomes, RunAlreadyFinished, "concurrent updates that finish one run")
    winner = outcomes.index(None)
    due = started("r").apply(RunChange(status=statuses[winner]), AT + timedelta(seconds=winner))
    trial.same(trial.repository.get(R), due)
