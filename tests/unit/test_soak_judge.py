"""The judge of `benchmarks/soak.py`, judged: for each promise a store that broke it, and the sentence that says so."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve

from runledger import NewRun, RunChange, RunKey, RunQuery, RunRecord, RunStatus
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import Guarantees
from soak_judge import Verdict, judged
from soak_work import CLIENT

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
STORY = "ok start r s1|ok add r a1|ok add r a2|refused add r a3|ok finish r f1|refused finish r f2|refused ghost g g1"


class Store(InMemoryRunRepository):
    """A store that was told this and that, whatever the journals say."""

    def __init__(self, *, adds: str = "a1 a2", n: int | None = None, finish: str = "f1", start: str = "s1") -> None:
        super().__init__()
        if start:
            self.began("r", start)
        for note in adds.split():
            self.update(RunKey("r", CLIENT), RunChange(add={"n": 1}, note=note), AT)
        if n is not None:
            self.update(RunKey("r", CLIENT), RunChange(metrics={"n": n}), AT)
        if finish:
            self.update(RunKey("r", CLIENT), RunChange(status=RunStatus.COMPLETED, metrics={"by": finish}), AT)

    def began(self, run_id: str, token: str) -> "Store":
        self.create(NewRun(RunRecord.start(RunKey(run_id, CLIENT), AT, client_name=token)))
        return self


class Doubled(Store):
    """A store that made a second record of each key, and promises as little as Airtable."""

    guarantees = Guarantees(atomic_bulk=False)

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        for record in super().find(query):
            yield evolve(record, client_name="s2")
            yield record


def verdict(folder: Path, story: str, store: InMemoryRunRepository) -> Verdict:
    acts = [line.split() for line in story.split("|") if line]
    tried = [["try", *words[1:]] for words in acts]
    lines = ["\t".join(words) for pair in zip(tried, acts, strict=True) for words in pair]
    (folder / "w0.journal").write_text("\n".join(lines[::2] + lines[1::2]))
    return judged(folder, store)


def test_a_store_that_kept_every_promise_is_acquitted(tmp_path: Path) -> None:
    just = verdict(tmp_path, STORY, Store())
    assert (just.wrong, just.found, just.left_behind) == ([], 1, 0)
    assert (just.told["start", "ok"], just.told["add", "ok"], just.told["add", "refused"]) == (1, 2, 1)


@pytest.mark.parametrize("store", [Store(), Store(adds="a1 a2 a4"), Store(adds="a4 a2 a1")])
def test_what_a_worker_cannot_know_may_be_there_or_not(tmp_path: Path, store: Store) -> None:
    assert verdict(tmp_path, STORY + "|try add r a4|try start q s2|lost finish r f3", store).wrong == []


@pytest.mark.parametrize(
    ("story", "store", "wrong"),
    [
        (STORY, Store(adds="a1"), "r: 1 acknowledged updates are lost"),
        (STORY, Store(adds="a1 a2 a2"), "r: an update is there twice"),
        (STORY, Store(adds="a1 a2 a3"), "r: 1 updates are there that were refused or never made"),
        (STORY, Store(n=1), "r: n is 1 after 2 updates"),
        (STORY, Store(start="", adds="", finish=""), "r: its start was acknowledged, and there is no record"),
        (STORY, Store(start="s2"), "r: its record is of s2, which got no answer that it had started it"),
        (STORY + "|ok start r s2", Store(), "r: 2 got the answer that they had started it"),
        (STORY, Store(finish=""), "r: it is Running, finished by None"),
        (STORY, Store(finish="f2"), "r: finished by f2, which got no such answer"),
        (STORY + "|ok finish r f2", Store(), "r: 2 got the answer that they had finished it"),
        (STORY, Store().began("q", "q1"), "q: its record is of q1, which got no answer that it had started it"),
        (STORY + "|wrong ghost g2 g2", Store(), "ghost of g2: "),
        (STORY, Doubled(), "r: 2 records"),
    ],
)
def test_a_broken_promise_is_reported(tmp_path: Path, story: str, store: Store, wrong: str) -> None:
    assert verdict(tmp_path, story, store).wrong == [wrong]


def test_a_second_record_of_a_start_that_was_lost_is_left_over_where_a_store_cannot_prevent_it(tmp_path: Path) -> None:
    left = verdict(tmp_path, STORY + "|try start r s2", Doubled())
    assert (left.wrong, left.left_behind) == ([], 1)
