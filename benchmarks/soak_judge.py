"""The judge of a soak, which compares the workers' journals with the store."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

from runledger import (
    RunKey,
    RunQuery,
    RunRecord,
)
from runledger.domain import RunRepository
from soak_work import ADD, CLIENT, FINISH, LOST, OK, START, WRONG


@define
class Told:
    """The answers that workers got to each call on one run, by its token; LOST if they got none."""

    of: dict[str, dict[str, str]] = field(factory=lambda: defaultdict(dict))

    def tokens(self, act: str, told: str) -> set[str]:
        return {token for token, answer in self.of[act].items() if answer == told}


@define
class Verdict:
    """What the journals and the store say together."""

    told: Counter[tuple[str, str]] = field(factory=Counter)
    found: int = 0
    left_behind: int = 0
    wrong: list[str] = field(factory=list)


def judged(folder: Path, repository: RunRepository) -> Verdict:
    """Compare all journals with the store."""
    verdict = Verdict()
    runs: dict[str, Told] = defaultdict(Told)
    for path in sorted(folder.glob("*.journal")):
        for line in path.read_text().splitlines():
            told, act, run_id, token, *detail = line.split("\t")
            runs[run_id].of[act][token] = LOST if told == "try" else told
            if told == WRONG:
                verdict.wrong.append(f"{act} of {run_id}: {' '.join(detail)}")
    for told_of_run in runs.values():
        for act, answers in told_of_run.of.items():
            verdict.told.update((act, told) for told in answers.values())
    records: dict[str, list[RunRecord]] = defaultdict(list)
    for record in repository.find(RunQuery()):
        records[record.key.run_id].append(record)
    verdict.found = len(records)
    for run_id in runs.keys() | records.keys():
        verdict.wrong += _faults_of(run_id, runs[run_id], records[run_id], repository, verdict)
    return verdict


def _faults_of(
    run_id: str, told: Told, records: list[RunRecord], repository: RunRepository, verdict: Verdict
) -> Iterator[str]:
    """What is wrong with one run, if anything is."""
    started, maybe = told.tokens(START, OK), told.tokens(START, LOST)
    if len(started) > 1:
        yield f"{run_id}: {len(started)} got the answer that they had started it"
    if not records:
        if started:
            yield f"{run_id}: its start was acknowledged, and there is no record"
        return
    record = records[0]
    if len(records) > 1:
        # Airtable has no unique key: a creator that was killed may leave a later record, which is nobody's.
        record = repository.get(RunKey(run_id, CLIENT))
        others = [other for other in records if other.client_name != record.client_name]
        verdict.left_behind += len(others)
        if repository.guarantees.atomic_bulk or {other.client_name for other in others} - maybe:
            yield f"{run_id}: {len(records)} records"
    if record.client_name not in (started or maybe):
        yield f"{run_id}: its record is of {record.client_name}, which got no answer that it had started it"
    notes = [line.text for line in repository.log(record.key)]
    yield from _faults_of_updates(run_id, told, record, notes)


def _faults_of_updates(run_id: str, told: Told, record: RunRecord, notes: list[str]) -> Iterator[str]:
    surely, maybe = told.tokens(ADD, OK), told.tokens(ADD, LOST)
    if len(set(notes)) < len(notes):
        yield f"{run_id}: an update is there twice"
    if missing := surely - set(notes):
        yield f"{run_id}: {len(missing)} acknowledged updates are lost"
    if strange := set(notes) - surely - maybe:
        yield f"{run_id}: {len(strange)} updates are there that were refused or never made"
    if record.metrics.get("n", 0) != len(notes):
        yield f"{run_id}: n is {record.metrics.get('n', 0)} after {len(notes)} updates"
    surely, maybe = told.tokens(FINISH, OK), told.tokens(FINISH, LOST)
    if len(surely) > 1:
        yield f"{run_id}: {len(surely)} got the answer that they had finished it"
    if record.status.is_final != ("by" in record.metrics) or (surely and not record.status.is_final):
        yield f"{run_id}: it is {record.status.value}, finished by {record.metrics.get('by')}"
    if record.status.is_final and record.metrics.get("by") not in (surely or maybe):
        yield f"{run_id}: finished by {record.metrics.get('by')}, which got no such answer"
