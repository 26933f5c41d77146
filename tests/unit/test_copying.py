"""Copying between stores in memory, some of which alter, refuse or fail, and what a copy reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from copies import START, copied, everything, filled, history
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
    StoreUnavailable,
    StoreUnusable,
    copy,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import EventKind, Guarantees, Outcome, RunEvent, RunObserver, newest_first
from runledger.services.copying import copying
from runledger.services.copying.result import difference
from runledger.testing.runs import changed

RUN = RunRecord.start(RunKey("r", "a"), START)


def new(*runs: RunRecord | NewRun) -> list[NewRun]:
    return [run if isinstance(run, NewRun) else NewRun(run) for run in runs]


def put(store: InMemoryRunRepository, *runs: RunRecord | NewRun) -> InMemoryRunRepository:
    store.create_many(new(*runs))
    return store


class Edited(InMemoryRunRepository):
    """A store that people edit: it lists further records of its runs, and reports events whenever it lists."""

    def __init__(
        self, *runs: RunRecord | NewRun, more: Sequence[RunRecord] = (), events: Sequence[RunEvent] = ()
    ) -> None:
        super().__init__()
        self.create_many(new(*runs))
        self._more = more
        self._events = events
        self._observers: list[RunObserver] = []

    def add_observer(self, observer: RunObserver) -> None:
        self._observers.append(observer)

    def without_creation(self) -> InMemoryRunRepository:
        return self

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        for event in self._events:
            for observer in self._observers:
                observer(event)
        return iter(sorted([*super().find(query), *self._more], key=newest_first, reverse=True))

    def find_with_logs(self, query: RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        return ((record, tuple(self._table.logs.get(record.key, ()))) for record in self.find(query))


class Altering(InMemoryRunRepository):
    """Promises less than every value exactly, and keeps no error."""

    guarantees = Guarantees(atomic_bulk=False, exact_values=False)

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        return super().create_many([evolve(run, record=evolve(run.record, error=None)) for run in news])


class Counting(InMemoryRunRepository):
    """Counts the batches that it is asked to create."""

    batches = 0

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self.batches += 1
        return super().create_many(news)


def counts(result: CopyResult) -> dict[Fate, int]:
    return {fate: count for fate, count in result.counts.items() if count}


def test_a_remark_is_a_line_and_a_json_object() -> None:
    remark = Remark(Fate.ALTERED, RUN.key, "why")
    assert str(remark) == "altered by the target: run 'r' of client 'a': why"
    assert remark.to_json() == {"fate": "altered", "run_id": "r", "client_id": "a", "detail": "why"}
    row = Remark(Fate.UNREADABLE, None, "why")
    assert str(row) == "unreadable: a row: why"
    assert row.to_json() == {"fate": "unreadable", "run_id": None, "client_id": None, "detail": "why"}


def test_a_result_counts_every_fate_and_cannot_be_changed() -> None:
    result = CopyResult(counts={Fate.COPIED: 2, Fate.EQUAL: 1})
    assert [*result.counts] == [*Fate]
    assert result.is_complete
    assert result.to_json() == {
        **{"copied": 2, "ended": 0, "equal": 1, "unfinished": 0, "different": 0, "altered": 0, "refused": 0},
        **{"duplicated": 0, "unreadable": 0, "running": 0, "ended_since": None},
    }
    for fate in Fate:
        assert CopyResult(counts={fate: 1}).is_complete == (fate in (Fate.COPIED, Fate.ENDED, Fate.EQUAL))
    with pytest.raises(TypeError, match="read-only"):
        result.counts[Fate.COPIED] = 3  # type: ignore[index]


def test_a_difference_names_what_is_in_each_record() -> None:
    run = NewRun(RUN)
    end = RunChange(status=RunStatus.FAILED, error="x" * 39, note="n")
    failed = changed(run, end, at=START + timedelta(hours=1))
    assert difference(run, run) == ""
    assert difference(run, failed) == (
        "status is 'Running', in the target 'Failed'; "
        "ended_at is missing, in the target 2025-11-24T09:15:00.000Z; "
        "updated_at is 2025-11-24T08:15:00.000Z, in the target 2025-11-24T09:15:00.000Z; "
        f"error is missing, in the target '{'x' * 35}…'; "
        "the log has 0 lines, in the target 1, and they differ"
    )
    other = evolve(failed, log=[evolve(line, text="m") for line in failed.log])
    assert difference(failed, other) == "the log has 1 line, in the target 1, and they differ"
    shown = NewRun(evolve(RUN, metrics={"m": "x" * 38}))
    assert difference(shown, run) == f"metric 'm' is '{'x' * 38}', in the target missing"


def test_an_id_that_a_person_spoilt_is_refused() -> None:
    spoilt = evolve(RUN, key=RunKey.trusted("r", "a "))
    remarks: list[Remark] = []
    result = copy(Edited(spoilt), InMemoryRunRepository(), on_remark=remarks.append)
    assert counts(result) == {Fate.REFUSED: 1}
    assert remarks[0].key == spoilt.key
    assert remarks[0].detail.startswith("client id 'a ' begins or ends with white space")


def of(client: str, start: int = 0, **fields: object) -> RunRecord:
    return evolve(RunRecord.start(RunKey("r", client), START + timedelta(days=start)), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [-1, 0, 1])
def test_of_a_run_with_several_records_the_authoritative_one_is_copied(start: int) -> None:
    own = [of("a", -3), of("b", start), of("c", 3)]
    more = [of("b", day, client_name="a duplicate") for day in (-2, 0, 2)]
    for target in (InMemoryRunRepository(), Altering()):
        for dry_run in (True, False):
            result = copy(Edited(*own, more=more), target, dry_run=dry_run)
            assert counts(result) == {Fate.COPIED: 3}
        assert everything(target) == new(*sorted(own, key=newest_first, reverse=True))
        assert counts(copy(Edited(*own, more=more), target)) == {Fate.EQUAL: 3}


def test_a_run_that_is_removed_during_the_copy_is_copied_as_it_was_listed(caplog: pytest.LogCaptureFixture) -> None:
    target = InMemoryRunRepository()
    assert counts(copy(Edited(more=[of("b", 0), of("b", 2)]), target)) == {Fate.COPIED: 1}
    assert everything(target) == new(of("b", 2))
    assert caplog.records == []


def test_what_the_source_reports_is_remarked_on_once_and_only_during_the_copy() -> None:
    kinds = {"twice": EventKind.DUPLICATED, "bad": EventKind.UNREADABLE, "changed": EventKind.CONTENDED}
    events = [RunEvent(kind=kind, key=RUN.key, at=START, detail=detail) for detail, kind in kinds.items()]
    remarks: list[Remark] = []
    source = Edited(RUN, events=events)
    result = copy(source, InMemoryRunRepository(), on_remark=remarks.append)
    expected = [Remark(Fate.DUPLICATED, RUN.key, "twice"), Remark(Fate.UNREADABLE, RUN.key, "bad")]
    assert remarks == expected
    assert counts(result) == {Fate.COPIED: 1, Fate.DUPLICATED: 1, Fate.UNREADABLE: 1}
    source._events = [RunEvent(kind=EventKind.UNREADABLE, key=None, at=START, detail="new")]
    everything(source)
    assert remarks == expected


def progress_of(source: InMemoryRunRepository, target: InMemoryRunRepository) -> list[tuple[int, int | None]]:
    progress: list[tuple[int, int | None]] = []
    copy(source, target, on_progress=lambda done, total: progress.append((done, total)), dry_run=True)
    return progress


def test_progress_is_by_batches_with_the_total_where_it_is_known() -> None:
    records = history(2500)
    for source, total in ((put(InMemoryRunRepository(), *records), None), (Edited(*records), 2500)):
        assert progress_of(source, InMemoryRunRepository()) == [(1000, total), (2000, total)]
        assert progress_of(put(InMemoryRunRepository(), *records[:999]), InMemoryRunRepository()) == []
        assert progress_of(source, Altering()) == [(done, total) for done in range(100, 2501, 100)]


def test_what_is_copied_is_compared_again_where_values_may_change() -> None:
    failed = [
        of(str(number), status=RunStatus.FAILED, ended_at=START, error="why", updated_at=START) for number in range(150)
    ]
    there = of("there")
    for source in (put(InMemoryRunRepository(), *failed, there), Edited(*failed, there, more=[of("1", 2), of("5", 1)])):
        target = put(Altering(), evolve(there, client_name="another"))
        remarks: list[Remark] = []
        result = copy(source, target, on_remark=remarks.append)
        assert counts(result) == {Fate.COPIED: 150, Fate.ALTERED: 150, Fate.DIFFERENT: 1}
        assert Remark(Fate.DIFFERENT, there.key, "client_name is 'there', in the target 'another'") in remarks
        for record in failed:
            assert Remark(Fate.ALTERED, record.key, "error is 'why', in the target missing") in remarks


def test_a_dry_run_counts_beyond_a_batch() -> None:
    result = copy(filled(history(2500)), InMemoryRunRepository(), dry_run=True)
    assert counts(result) == {Fate.COPIED: 2500}


def test_between_open_stores_a_copy_is_not_dry_and_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    target = InMemoryRunRepository(columns=["Tokens"])
    result = copying.copy(put(InMemoryRunRepository(), of("a"), of("b", metrics={"Model": "m"})), target)
    assert counts(result) == {Fate.COPIED: 1, Fate.REFUSED: 1}
    assert everything(target) == new(of("a"))
    assert caplog.records == []


def test_a_refusal_that_names_its_record_costs_one_more_batch() -> None:
    records = [RunRecord.start(RunKey("r", str(number)), START) for number in range(50)]
    unfit = evolve(records[7], metrics={"Model": "m"})
    target = Counting(columns=["Tokens"])
    result = copy(put(InMemoryRunRepository(), *records[:7], unfit, *records[8:]), target)
    assert counts(result) == {Fate.COPIED: 49, Fate.REFUSED: 1}
    assert target.batches == 2


def test_a_run_that_is_removed_during_a_dry_run_counts_as_to_be_copied() -> None:
    class Fleeting(InMemoryRunRepository):
        """Lists a run with another start, which is gone when it is asked for."""

        def without_creation(self) -> InMemoryRunRepository:
            return self

        def find(self, query: RunQuery) -> Iterator[RunRecord]:
            yield evolve(RUN, started_at=START - timedelta(days=1))

        def find_with_logs(self, query: RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
            return ((record, ()) for record in self.find(query))

    result = copy(put(InMemoryRunRepository(), RUN), Fleeting(), dry_run=True)
    assert counts(result) == {Fate.COPIED: 1}


small_keys = st.builds(RunKey, st.sampled_from("rs"), st.sampled_from("abc"))


small_records = st.builds(
    lambda key, start, name: RunRecord.start(key, START + timedelta(seconds=start), client_name=name),
    small_keys,
    st.integers(0, 3),
    st.sampled_from("xy"),
)


stores_of_records = st.lists(small_records, unique_by=lambda record: record.key)


def test_what_is_there_already_is_left_and_named_if_it_differs() -> None:
    records = history(30)
    gone_on = changed(records[0], RunChange(metrics={"Tokens": 7}, note="later"), at=START + timedelta(hours=1))
    restarted = RunRecord.start(records[1].key, START + timedelta(hours=2))
    elsewhere = RunRecord.start(RunKey("another", "run"), START)
    target = filled([gone_on, *new(restarted, elsewhere), *records[2:10]])
    expected = {Fate.EQUAL: 8, Fate.DIFFERENT: 2, Fate.COPIED: 20}
    for dry_run in (True, False):
        counts, remarks = copied(filled(records), target, dry_run=dry_run)
        assert counts == expected
        assert {remark.key for remark in remarks} == {records[0].key, records[1].key}
        details = {remark.key: remark.detail for remark in remarks}
        assert "the log has 1 line, in the target 2, and they differ" in details[records[0].key]
        assert "metric 'Tokens' is missing, in the target 7" in details[records[0].key]
        assert "started_at is 2025-11-24T08:15:00.000Z, in the target 2025-11-24T10:15" in details[records[1].key]
        assert len(everything(target)) == (11 if dry_run else 31)
    assert target.get(records[0].key) == gone_on.record
    assert target.get(records[1].key) == restarted


@given(stores_of_records, stores_of_records)
def test_whatever_is_there_a_copy_adds_what_is_missing_and_counts_the_rest(
    here: list[RunRecord], there: list[RunRecord]
) -> None:
    before = {record.key: record for record in there}
    expected: Counter[Fate] = Counter()
    for record in here:
        stored = before.get(record.key)
        expected[Fate.COPIED if stored is None else Fate.EQUAL if stored == record else Fate.DIFFERENT] += 1
    target = filled(new(*there))
    for dry_run in (True, False):
        counts, _ = copied(filled(new(*here)), target, dry_run=dry_run)
        assert +Counter(counts) == expected
        after = {run.key: run.record for run in everything(target)}
        assert after == ({} if dry_run else {record.key: record for record in here}) | before


class Failing(InMemoryRunRepository):
    """A store that stops serving in the middle of a copy."""

    def __init__(self, error: BaseException, after: int) -> None:
        super().__init__()
        self._error = error
        self._left = after

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return super().create_many(news)


@pytest.mark.parametrize("error", [StoreUnusable, KeyboardInterrupt])
def test_a_copy_that_stopped_goes_on_where_it_was(error: type[BaseException]) -> None:
    records = history(2500)
    target = Failing(error("no permission"), after=2)
    with pytest.raises(error) as raised:
        copied(filled(records), target)
    assert raised.value.__notes__ == ["2,000 records copied before this: copy again, and it continues from there."]
    target._left = 10
    assert copied(filled(records), target) == ({Fate.EQUAL: 2000, Fate.COPIED: 500}, [])
    assert everything(target) == everything(filled(records))


def test_a_lost_answer_makes_nothing_twice() -> None:
    class Forgetful(InMemoryRunRepository):
        lost = False

        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            keys = super().create_many(news)
            if not self.lost:
                self.lost = True
                raise StoreUnavailable("the line went dead", Outcome.UNKNOWN)
            return keys

    target = Forgetful()
    assert copied(filled(history(20)), target) == ({Fate.COPIED: 20}, [])


class Reticent(InMemoryRunRepository):
    """A store that refuses one record without saying which."""

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        if any(run.key.client_id == "client 7" for run in news):
            raise InvalidValue("one of them is too long")
        return super().create_many(news)


def test_a_refusal_without_a_name_is_narrowed_down() -> None:
    counts, remarks = copied(filled(history(30)), Reticent())
    assert counts == {Fate.COPIED: 29, Fate.REFUSED: 1}
    assert remarks == [Remark(Fate.REFUSED, history(30)[7].key, "one of them is too long")]
