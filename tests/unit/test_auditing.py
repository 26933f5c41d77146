"""What an audit calls a defect, in which month, and which row of several it keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from runledger import RunChange, RunKey, RunQuery, RunRecord, RunStatus
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import NewRun
from runledger.domain.stored_row import StoredRow
from runledger.services.inspecting.auditing import UNDATED, Audit, DefectKind, audit, rows_of
from runledger.services.inspecting.future import CLOCKS_DIFFER

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
NOW = AT + timedelta(hours=24)


class Rows:
    """A store of these rows, as far as an audit sees it."""

    def __init__(self, *rows: StoredRow) -> None:
        self._rows = rows

    def stored_rows(self) -> Iterator[StoredRow]:
        return iter(self._rows)


def row(**changed: Any) -> StoredRow:
    fields = {"run_id": "r", "client_id": "acme", "status": RunStatus.RUNNING, "started_at": AT, **changed}
    return StoredRow(**fields)


def audited(*rows: StoredRow, skipped: Collection[DefectKind] = ()) -> Audit:
    return audit(rows_of(Rows(*rows)), now=NOW, longest=timedelta(hours=24), skipped=skipped)  # type: ignore[arg-type]


def described(*rows: StoredRow) -> list[tuple[str, str, str]]:
    return [(defect.kind.value, defect.month, defect.detail) for defect in audited(*rows).defects]


def test_a_valid_row_has_no_defect() -> None:
    ended = row(run_id="s", status=RunStatus.FAILED, ended_at=AT)
    assert described(row(), ended) == []
    assert audited(row(), ended).rows == 2


@pytest.mark.parametrize(
    ("changed", "kind", "detail"),
    [
        ({"run_id": ""}, "no id", "the run id is empty"),
        ({"client_id": ""}, "no id", "the client id is empty"),
        ({"status": None}, "unknown status", "the status is empty"),
        ({"status": None, "word": "Done"}, "unknown status", "the status is 'Done'"),
        ({"status": None, "word": "D" * 99}, "unknown status", f"the status is '{'D' * 56}…'"),
        ({"status": RunStatus.SKIPPED}, "no end time", "it is Skipped, and has no end time"),
        (
            {"status": RunStatus.FAILED, "ended_at": AT - timedelta(milliseconds=1)},
            "end before start",
            "it ended at 2025-11-24T08:14:59.999Z, and started at 2025-11-24T08:15:00.000Z",
        ),
        (
            {"started_at": AT - timedelta(milliseconds=1)},
            "running too long",
            "it is Running since 2025-11-24T08:14:59.999Z",
        ),
        ({"updated_at": NOW + CLOCKS_DIFFER}, "in the future", "last update 2025-11-25T08:20:00.000Z"),
        (
            {"status": RunStatus.FAILED, "ended_at": NOW + CLOCKS_DIFFER, "updated_at": NOW + 2 * CLOCKS_DIFFER},
            "in the future",
            "end 2025-11-25T08:20:00.000Z, last update 2025-11-25T08:25:00.000Z",
        ),
        ({"fault": "its note is a number"}, "unreadable", "its note is a number"),
        ({"started_at": None, "created_at": AT, "start": "noon"}, "no start time", "the start time is 'noon'"),
        (
            {"started_at": None, "created_at": AT, "start": "n" * 99},
            "no start time",
            f"the start time is '{'n' * 56}…'",
        ),
    ],
)
def test_each_defect_is_found(changed: dict[str, Any], kind: str, detail: str) -> None:
    assert described(row(**changed)) == [(kind, "2025-11", detail)]


def test_times_as_far_ahead_as_clocks_differ_are_no_defect() -> None:
    almost = NOW + CLOCKS_DIFFER - timedelta(milliseconds=1)
    assert described(row(status=RunStatus.FAILED, started_at=almost, ended_at=almost, updated_at=almost)) == []
    start = NOW + CLOCKS_DIFFER
    assert described(row(started_at=start)) == [("in the future", "2025-11", "start 2025-11-25T08:20:00.000Z")]


def test_without_a_start_the_month_is_that_of_the_rows_creation() -> None:
    assert described(row(started_at=None, status=RunStatus.FAILED, ended_at=AT)) == [
        ("no start time", UNDATED, "there is no start time")
    ]
    assert described(row(started_at=None, created_at=AT)) == [("no start time", "2025-11", "there is no start time")]
    (_, long) = described(row(started_at=None, created_at=AT - timedelta(days=30)))
    assert long == ("running too long", "2025-10", "it is Running since 2025-10-25T08:15:00.000Z")


def test_a_fault_that_has_a_name_is_not_named_twice() -> None:
    assert [kind for kind, *_ in described(row(status=None, word="x", fault="the status is 'x'"))] == ["unknown status"]


@pytest.mark.parametrize("changed", [{"run_id": ""}, {"started_at": None, "created_at": AT}, {"status": None}])
def test_a_part_that_is_missing_explains_why_the_row_is_unreadable(changed: dict[str, Any]) -> None:
    (found,) = described(row(**changed, fault="it is not valid"))
    assert found[0] != "unreadable"


@pytest.mark.parametrize(
    "changed",
    [
        {"started_at": AT - timedelta(milliseconds=1)},
        {"status": RunStatus.FAILED},
        {"status": RunStatus.FAILED, "ended_at": AT - timedelta(milliseconds=1)},
    ],
)
def test_any_other_defect_of_an_unreadable_row_is_reported_with_it(changed: dict[str, Any]) -> None:
    kinds = [kind for kind, *_ in described(row(**changed, fault="its note is a number"))]
    assert len(kinds) == 2
    assert kinds[-1] == "unreadable"


def ordered(number: float, reference: str, at: datetime = AT) -> StoredRow:
    return row(reference=reference, order=(number, at, reference), started_at=at)


def test_of_several_rows_of_a_key_the_oldest_is_kept_however_they_come() -> None:
    later = AT + timedelta(days=10)
    defect, ahead = audited(ordered(3, "recC", later), ordered(1, "recA"), ordered(2, "recB")).defects
    assert (ahead.kind, ahead.reference) == (DefectKind.IN_FUTURE, "recC")
    assert (defect.kind, defect.month) == (DefectKind.DUPLICATE, "2025-12")
    assert (defect.keep, defect.remove) == ("recA", ("recB", "recC"))
    assert defect.detail == "recA is the run's record; remove recB, recC"
    assert audited(ordered(2, "recB"), ordered(1, "recA")).to_remove() == ("recB",)


def test_rows_without_ids_are_not_duplicates_of_each_other() -> None:
    one, other = (row(run_id="", reference=each, order=(0, AT, each)) for each in ("recA", "recB"))
    assert {defect.kind for defect in audited(one, other).defects} == {DefectKind.NO_ID}


def test_similar_keys_are_counted_in_the_month_of_the_last() -> None:
    defect, ahead = audited(row(), row(run_id="R", started_at=AT + timedelta(days=10))).defects
    assert ahead.kind is DefectKind.IN_FUTURE
    assert (defect.kind, defect.month, defect.detail) == (DefectKind.SIMILAR, "2025-12", "they differ by case")
    assert defect.keys == (("R", "acme"), ("r", "acme"))
    assert defect.to_json()["keys"][1] == {"run_id": "r", "client_id": "acme"}


def test_a_defect_names_its_row_and_key_and_is_complete_as_json() -> None:
    (defect,) = audited(row(status=None, reference="recA")).defects
    assert (defect.keys, defect.reference) == ((("r", "acme"),), "recA")
    (defect,) = audited(ordered(1, "recA"), ordered(2, "recB")).defects
    assert defect.to_json() == {
        "kind": "duplicate",
        "month": "2025-11",
        "keys": [{"run_id": "r", "client_id": "acme"}],
        "detail": "recA is the run's record; remove recB",
        "reference": None,
        "keep": "recA",
        "remove": ["recB"],
    }


def test_each_key_has_its_own_duplicates_whatever_rows_come_between() -> None:
    others = (evolve(ordered(number, f"rec{number}"), run_id="other") for number in (7, 8))
    nobody = row(run_id="", order=(0, AT, "rec0"))
    rows = (ordered(1, "recA"), nobody, *others, ordered(2, "recB"))
    duplicates = [defect for defect in audited(*rows).defects if defect.kind is DefectKind.DUPLICATE]
    assert sorted((defect.keys[0][0], defect.remove) for defect in duplicates) == [
        ("other", ("rec8",)),
        ("r", ("recB",)),
    ]


def test_the_month_of_similar_keys_is_that_of_their_newest_row_in_any_order() -> None:
    newest = ordered(1, "recA", AT + timedelta(days=10))
    found = audited(newest, ordered(2, "recB"), row(run_id="R")).defects
    assert [defect.month for defect in found if defect.kind is DefectKind.SIMILAR] == ["2025-12"]


def test_a_valid_record_is_a_row_with_all_its_parts() -> None:
    record = RunRecord.start(RunKey("r", "acme", reference="recA"), AT)
    stored = record.apply(RunChange(status=RunStatus.FAILED), NOW)
    assert StoredRow.of_record(stored) == StoredRow(
        run_id="r",
        client_id="acme",
        status=RunStatus.FAILED,
        started_at=AT,
        ended_at=NOW,
        updated_at=NOW,
        reference="recA",
    )


def test_counts_are_by_kind_and_month_in_their_order() -> None:
    old = AT - timedelta(days=60)
    unknown = (row(run_id=each, status=None) for each in ("u", "v"))
    found = audited(*unknown, row(run_id="s", status=None, started_at=old), row(run_id="t", client_id=""))
    assert list(found.counts().items()) == [
        (DefectKind.NO_ID, {"2025-11": 1}),
        (DefectKind.UNKNOWN_STATUS, {"2025-09": 1, "2025-11": 2}),
    ]


def test_a_store_of_valid_records_is_read_by_find() -> None:
    store = InMemoryRunRepository()
    record = RunRecord.start(RunKey("r", "acme"), AT)
    store.create(NewRun(record))
    store.update(record.key, RunChange(status=RunStatus.COMPLETED), AT)
    store.create(NewRun(RunRecord.start(RunKey("R", "acme"), AT)))
    found = audit(rows_of(store.without_creation()), now=NOW, longest=timedelta(hours=24))
    assert (found.rows, [defect.kind for defect in found.defects]) == (2, [DefectKind.SIMILAR])
    assert [each.run_id for each in map(StoredRow.of_record, store.find(RunQuery()))] == ["r", "R"]


class KeyOfNothing(str):
    """An id that cannot be looked up, so that it shows whether an audit keeps keys."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


def test_a_skipped_kind_is_not_looked_for() -> None:
    one = row(run_id=KeyOfNothing("r"))
    first = row(run_id=KeyOfNothing("r"), order=(0, AT, "a"), reference="a")
    assert audited(one, skipped={DefectKind.SIMILAR}) == Audit(rows=1, defects=())
    assert audited(first, first, skipped={DefectKind.SIMILAR, DefectKind.DUPLICATE}) == Audit(rows=2, defects=())
    for rows, skipped in (((one,), DefectKind.DUPLICATE), ((first, first), DefectKind.SIMILAR)):
        with pytest.raises(TypeError, match="unhashable"):
            audited(*rows, skipped={skipped})


@pytest.mark.parametrize("kind", DefectKind)
def test_each_kind_can_be_skipped_and_takes_no_other_with_it(kind: DefectKind) -> None:
    rows = [
        row(run_id="", status=None, fault="it has no key"),
        row(started_at=None, status=RunStatus.FAILED),
        row(started_at=AT, ended_at=AT - timedelta(hours=1), status=RunStatus.FAILED),
        row(run_id="R", started_at=AT - timedelta(days=1)),
        row(run_id="u", fault="it is no record"),
        row(run_id="v", updated_at=NOW + CLOCKS_DIFFER),
        *(row(run_id="twice", order=(order, AT, "a"), reference=f"{order}") for order in (0, 1)),
    ]
    every = audited(*rows)
    assert set(every.counts()) == set(DefectKind)
    rest = tuple(defect for defect in every.defects if defect.kind is not kind)
    assert audited(*rows, skipped={kind}) == Audit(rows=8, defects=rest)
