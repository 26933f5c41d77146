"""A second copy: the ends that came since the first are brought over by updates, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from copies import START, everything
from runledger import (
    CopyResult,
    Fate,
    InvalidValue,
    LogLine,
    NewRun,
    Remark,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    RunStatus,
    copy,
)
from runledger.adapters.memory import InMemoryRunAccess, InMemoryRunRepository
from runledger.domain import Guarantees
from runledger.services.copying import copying
from runledger.testing.runs import changed

KEY = RunKey("r", "a")
FIRST = START + timedelta(hours=1)
"""When the first copy is made."""
Step = tuple[RunChange, int]
"""A change, and how many minutes after the start of its run it is made."""

BEFORE: list[Step] = [
    (RunChange(metrics={"Posts": 1, "Model": "m"}, note="first"), 10),
    (RunChange(error="a warning"), 20),
]
AFTER: list[Step] = [
    (RunChange(metrics={"Posts": 1.0, "New": True}, add={"Tokens": 5}, note="second"), 70),
    (RunChange(note="the end", status=RunStatus.FAILED, error="why"), 80),
    (RunChange(metrics={"Late": 2}, note="late"), 90),
    (RunChange(), 95),
]


def run_of(steps: Sequence[Step], key: RunKey = KEY, start: datetime = START) -> NewRun:
    run = NewRun(RunRecord.start(key, start, client_name="Acme Ltd"))
    for change, minutes in steps:
        run = changed(run, change, at=start + timedelta(minutes=minutes))
    return run


def store(*runs: NewRun, columns: Sequence[str] | None = None) -> InMemoryRunRepository:
    repository = InMemoryRunRepository(columns=columns)
    repository.create_many(runs)
    return repository


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def first_copy(source: InMemoryRunRepository, target: InMemoryRunRepository) -> datetime:
    since = copying.copy(source, target, clock=at(FIRST)).ended_since
    assert since is not None
    return since


def second(
    source: InMemoryRunRepository, target: InMemoryRunRepository, since: datetime = FIRST, *, dry_run: bool = False
) -> tuple[dict[Fate, int], list[Remark]]:
    remarks: list[Remark] = []
    result = copy(source, target, ended_since=since, dry_run=dry_run, on_remark=remarks.append)
    assert result.is_complete == (not remarks)
    return {fate: count for fate, count in result.counts.items() if count}, remarks


def test_the_first_copy_says_how_many_runs_are_running_and_what_to_pass_to_the_second() -> None:
    source, target = store(run_of(BEFORE), run_of([*BEFORE, *AFTER], RunKey("r", "over"))), InMemoryRunRepository()
    assert copying.copy(source, target, clock=at(FIRST), dry_run=True).ended_since is None
    result = copying.copy(source, target, clock=at(FIRST))
    assert (result.running, result.ended_since, result.is_complete) == (1, FIRST, True)
    assert result.to_json()["ended_since"] == "2025-11-24T09:15:00.000Z"
    none = copying.copy(store(run_of([*BEFORE, *AFTER])), InMemoryRunRepository(), clock=at(FIRST))
    assert (none.running, none.ended_since) == (0, None)


def test_a_run_that_is_updated_after_the_copy_began_and_before_it_is_read_is_untouched() -> None:
    moments = iter([FIRST, FIRST + timedelta(minutes=30)])
    source, target = store(run_of([*BEFORE, *AFTER[:1]])), InMemoryRunRepository()
    since = copying.copy(source, target, clock=lambda: next(moments)).ended_since
    assert since == START + timedelta(minutes=70, milliseconds=1)
    source.update(KEY, RunChange(status=RunStatus.COMPLETED), START + timedelta(minutes=99))
    assert second(source, target, since) == ({Fate.ENDED: 1}, [])


def test_a_clock_that_is_ahead_does_not_hide_later_updates_of_the_target() -> None:
    ahead = run_of([(RunChange(), 60 * 24)])
    assert first_copy(store(ahead), InMemoryRunRepository()) == FIRST


def test_what_ended_since_is_brought_over_exactly_and_then_equal() -> None:
    source, target = store(run_of(BEFORE)), InMemoryRunRepository()
    since = first_copy(source, target)
    over = store(run_of([*BEFORE, *AFTER]))
    assert second(over, target, since, dry_run=True) == ({Fate.ENDED: 1}, [])
    assert everything(target) == everything(source)
    assert second(over, target, since) == ({Fate.ENDED: 1}, [])
    assert everything(target) == everything(over)
    assert [type(value) for value in target.get(KEY).metrics.values()] == [float, str, bool, int, int]
    assert second(over, target, since) == ({Fate.EQUAL: 1}, [])


class Interrupted(InMemoryRunRepository):
    """Fails at one of its updates, before or after it is applied, and forbids to create."""

    def __init__(self, *, at_update: int, applied: bool) -> None:
        super().__init__()
        self.left = at_update
        self._applied = applied

    def without_creation(self) -> InMemoryRunAccess:
        return self

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self.left -= 1
        if self.left == 0 and not self._applied:
            raise KeyboardInterrupt
        record = super().update(key, change, at)
        if self.left == 0:
            raise KeyboardInterrupt
        return record


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("at_update", range(1, 6))
def test_a_second_copy_that_is_interrupted_at_any_step_is_made_again(at_update: int, applied: bool) -> None:
    source, target = store(run_of([*BEFORE, *AFTER])), Interrupted(at_update=at_update, applied=applied)
    target.create(run_of(BEFORE))
    with pytest.raises(KeyboardInterrupt):
        second(source, target)
    is_over = at_update == 5 and applied
    assert target.get(KEY).status is (RunStatus.FAILED if is_over else RunStatus.RUNNING)
    assert second(source, target) == ({Fate.EQUAL if is_over else Fate.ENDED: 1}, [])
    assert everything(target) == everything(source)


def test_the_steps_are_five() -> None:
    source, target = store(run_of([*BEFORE, *AFTER])), Interrupted(at_update=6, applied=False)
    target.create(run_of(BEFORE))
    assert second(source, target) == ({Fate.ENDED: 1}, [])
    assert target.left == 1


TOUCHES: dict[str, list[Step]] = {
    "a heartbeat": [(RunChange(), 61)],
    "a note": [(RunChange(note="here"), 61)],
    "a note with an earlier clock": [(RunChange(note="here"), 5)],
    "a metric with an earlier clock": [(RunChange(metrics={"Here": 1}), 5)],
    "an end": [(RunChange(status=RunStatus.CANCELLED), 61)],
    "an update after the end in the source": [(RunChange(), 200)],
}


@pytest.mark.parametrize("touch", TOUCHES)
def test_a_run_that_was_updated_in_the_target_is_left_and_named(touch: str) -> None:
    target = store(run_of([*BEFORE, *TOUCHES[touch]]))
    before = everything(target)
    for dry_run in (True, False):
        counts, [remark] = second(store(run_of([*BEFORE, *AFTER])), target, dry_run=dry_run)
        assert counts == {Fate.DIFFERENT: 1}
        assert remark.detail.startswith("status is 'Failed', in the target '")
    assert everything(target) == before


def test_a_run_of_another_start_or_name_is_left_and_named() -> None:
    over = run_of([*BEFORE, *AFTER])
    earlier = run_of(BEFORE)
    for other in (
        run_of([], start=START - timedelta(minutes=1)),
        evolve(earlier, record=evolve(earlier.record, client_name="Another Ltd")),
        evolve(earlier, log=[evolve(line, text="another") for line in earlier.log]),
    ):
        target = store(other)
        assert second(store(over), target)[0] == {Fate.DIFFERENT: 1}
        assert everything(target) == [other]


def test_an_error_or_a_later_update_that_the_source_does_not_have_was_made_in_the_target() -> None:
    over = run_of([(RunChange(status=RunStatus.COMPLETED), 50)])
    for touch in ((RunChange(error="here"), 5), (RunChange(), 55)):
        target = store(run_of([touch]))
        assert second(store(over), target)[0] == {Fate.DIFFERENT: 1}
        assert everything(target) == [run_of([touch])]


def test_without_the_option_a_run_that_ended_is_different() -> None:
    target = store(run_of(BEFORE))
    remarks: list[Remark] = []
    result = copy(store(run_of([*BEFORE, *AFTER])), target, on_remark=remarks.append)
    assert result.counts[Fate.DIFFERENT] == 1
    assert "; a second copy, with the ended_since of the first, brings its end over, unless" in remarks[0].detail
    assert everything(target) == [run_of(BEFORE)]


def test_what_is_still_running_is_counted_and_left_and_what_the_first_copy_missed_is_created() -> None:
    started, missed, going = RunKey("r", "started"), RunKey("r", "missed"), RunKey("r", "going")
    source = store(
        run_of(BEFORE),
        run_of([*BEFORE, *AFTER[:1]], going),
        run_of([], started, START + timedelta(hours=2)),
        run_of(AFTER, missed),
    )
    target = store(run_of(BEFORE), run_of(BEFORE, going))
    counts, remarks = second(source, target)
    assert counts == {Fate.EQUAL: 1, Fate.UNFINISHED: 2, Fate.COPIED: 1}
    assert {remark.key: remark.detail for remark in remarks} == {
        going: "it has gone on in the source: copy again when it has finished",
        started: "it started after the first copy: copy again when it has finished",
    }
    assert {run.key for run in everything(target)} == {KEY, going, missed}
    result = copy(source, target, ended_since=FIRST)
    assert (result.running, result.ended_since) == (3, FIRST)


def test_a_column_that_the_target_lacks_is_refused_before_anything_is_written() -> None:
    target = store(run_of(BEFORE), columns=["Posts", "Model", "Tokens", "Late"])
    counts, [remark] = second(store(run_of([*BEFORE, *AFTER])), target)
    assert counts == {Fate.REFUSED: 1}
    assert "no column 'New'" in remark.detail
    assert everything(target) == [run_of(BEFORE)]


class Shared(InMemoryRunRepository):
    """Something else updates the run before the update of this number; before the first, after it was listed."""

    def __init__(self, number: int, change: RunChange | None) -> None:
        super().__init__()
        self._left = number
        self._touching = change

    def without_creation(self) -> InMemoryRunAccess:
        return self

    def get(self, key: RunKey) -> RunRecord:
        if self._left == 0:
            self._touch(key)
        return super().get(key)

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self._left -= 1
        if self._left == 0:
            self._touch(key)
        return super().update(key, change, at)

    def _touch(self, key: RunKey) -> None:
        if self._touching is None:
            del self._table.records[key]
        else:
            super().update(key, self._touching, START + timedelta(hours=5))


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("change", [RunChange(), RunChange(note="here"), RunChange(status=RunStatus.SKIPPED), None])
def test_a_run_that_something_else_updates_meanwhile_is_named_and_never_finished(
    number: int, change: RunChange | None
) -> None:
    target = Shared(number, change)
    target.create(run_of(BEFORE))
    counts, [remark] = second(store(run_of([*BEFORE, *AFTER])), target)
    assert counts == {Fate.DIFFERENT: 1}
    assert remark.detail == "something else has just changed it in the target"
    assert RunStatus.FAILED not in [run.record.status for run in everything(target)]


class Altering(InMemoryRunRepository):
    """Keeps True as text."""

    guarantees = Guarantees(exact_values=False)

    def without_creation(self) -> InMemoryRunAccess:
        return self

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        metrics = {name: str(value) if value is True else value for name, value in change.metrics.items()}
        return super().update(key, evolve(change, metrics=metrics), at)


def test_what_the_target_alters_is_named() -> None:
    target = Altering()
    target.create(run_of(BEFORE))
    counts, [remark] = second(store(run_of([*BEFORE, *AFTER])), target)
    assert counts == {Fate.ENDED: 1, Fate.ALTERED: 1}
    assert remark.detail == "metric 'New' is True, in the target 'True'"


def test_a_time_that_cannot_be_that_of_a_first_copy_is_rejected() -> None:
    for wrong, words in ((START.replace(tzinfo=None), "has no time zone"), (FIRST, "ended_since is in the future")):
        with pytest.raises(InvalidValue, match=words):
            copying.copy(InMemoryRunRepository(), InMemoryRunRepository(), ended_since=wrong, clock=at(START))


steps = st.lists(
    st.tuples(
        st.builds(
            RunChange,
            metrics=st.dictionaries(st.sampled_from("mn"), st.sampled_from([1, 1.0, True, "x"])),
            note=st.none() | st.sampled_from("yz"),
            error=st.none() | st.just("e"),
        ),
        st.integers(0, 120),
    ),
    max_size=5,
)


@given(steps, steps, st.integers(0, 120), st.integers(1, 9), st.booleans())
def test_whatever_a_run_did_its_end_is_brought_over_and_an_interruption_repeated(
    before: list[Step], after: list[Step], end: int, at_update: int, applied: bool
) -> None:
    over = run_of([*before, *after, (RunChange(status=RunStatus.COMPLETED), end)])
    source, target = store(over), Interrupted(at_update=at_update, applied=applied)
    target.create(run_of(before))
    since = max(FIRST, run_of(before).record.updated_at + timedelta(milliseconds=1))
    try:
        counts, _ = second(source, target, since)
    except KeyboardInterrupt:
        counts, _ = second(source, target, since)
    assert counts in ({Fate.ENDED: 1}, {Fate.EQUAL: 1})
    assert everything(target) == [over]


class Batches(InMemoryRunRepository):
    """Notes how many runs and lines it is asked to create together; keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self.sizes.append((len(news), sum(len(new.log) for new in news)))
        return [new.key for new in news]


class Listed(InMemoryRunRepository):
    """Lists runs with logs of some lengths, made one by one."""

    def __init__(self, lengths: Sequence[int]) -> None:
        super().__init__()
        self._lengths = lengths

    def without_creation(self) -> InMemoryRunAccess:
        return self

    def find_with_logs(self, query: RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        line = LogLine(START, "n")
        for number, length in enumerate(self._lengths):
            start = RunRecord.start(RunKey("r", f"{number:09}"), START - timedelta(seconds=number))
            yield evolve(start, notes=length), (line,) * length


def test_a_batch_ends_before_its_logs_fill_the_memory() -> None:
    target = Batches()
    result: CopyResult = copy(Listed([4000, 4000, 4000, 12_000, *[0] * 1500, 9999, 1]), target)
    assert result.counts[Fate.COPIED] == 1506
    assert target.sizes == [(3, 12_000), (1, 12_000), (1000, 0), (502, 10_000)]


def test_a_store_is_not_copied_to_itself() -> None:
    repository = store(run_of(BEFORE))
    for dry_run in (True, False):
        with pytest.raises(InvalidValue, match=r"^the source and the target are the same store: name two stores\.$"):
            copy(repository, repository, dry_run=dry_run)
