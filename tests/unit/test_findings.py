"""What doctor, init and the probe find, as values and in words; what a backend says of signs of life."""

from datetime import timedelta

from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import Backend, Finding, Verdict


def test_a_finding_is_what_was_seen_and_what_to_do_about_it() -> None:
    assert Finding.ok("the file is there") == Finding(Verdict.OK, "the file is there", "")
    assert Finding.note("it is old", "look at it") == Finding(Verdict.NOTE, "it is old", "look at it")
    assert Finding.note("it is old") == Finding(Verdict.NOTE, "it is old", "")
    assert Finding.fix("it is gone", "make it") == Finding(Verdict.FIX, "it is gone", "make it")
    assert Finding.fix("it is gone") == Finding(Verdict.FIX, "it is gone", "")


def test_a_finding_reads_as_one_sentence() -> None:
    assert str(Finding.fix("it is gone", "make it")) == "it is gone: make it"
    assert str(Finding.ok("it is there")) == "it is there"


def test_a_run_is_stale_when_five_signs_of_life_have_not_come() -> None:
    backend = Backend(open=lambda _: InMemoryRunRepository())
    assert (backend.heartbeat_interval, backend.stale_after) == (timedelta(minutes=1), timedelta(minutes=5))
    counting = Backend(open=lambda _: InMemoryRunRepository(), heartbeat_interval=timedelta(minutes=10))
    assert counting.stale_after == timedelta(minutes=50)
