"""The store in memory, and the making of records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from comparison import AT, CHANGE, Row, compared, interleaved, millis, new_run, verdict
from runledger import RunKey, RunQuery, RunRecord
from runledger.adapters.memory import InMemoryRunRepository


def memory_rows() -> Iterator[Row]:
    """The in-memory store beside a dictionary of frozen records."""
    bare_class = attrs.make_class("BareRecord", [a.name for a in attrs.fields(RunRecord)], frozen=True)
    repository = InMemoryRunRepository()
    bare: dict[RunKey, Any] = {}
    news = [new_run(f"run-{i:06}") for i in range(20_000)]
    records = [new.record for new in news]
    twins = [bare_class(**attrs.asdict(record, recurse=False)) for record in records]

    def bare_create(i: int) -> None:
        bare[twins[i].key] = twins[i]

    def bare_update(i: int) -> None:
        old = bare[twins[i].key]
        bare[twins[i].key] = attrs.evolve(
            old, metrics={**old.metrics, "Posts Scored": 43, "Tokens": 1500}, updated_at=AT
        )

    yield compared("memory: create", 3.0, len(records), bare_create, lambda i: repository.create(news[i]))
    yield compared(
        "memory: update", 3.0, len(records), bare_update, lambda i: repository.update(records[i].key, CHANGE, AT)
    )
    repository.create_many([new_run(f"more-{i:06}") for i in range(10_000)])
    [taken] = interleaved(100, lambda i: list(repository.find(RunQuery(run_id=f"run-{i:06}", client_id="acme"))))
    yield "memory: find of one run among 30,000", "", millis(taken), "", verdict("≤ 1 ms", taken <= 0.001)


def trusted_rows() -> Iterator[Row]:
    """A hundred records made of a store's values: `trusted` beside the constructor, which checks everything again."""
    record = new_run("run-000001").record.apply(CHANGE, AT)
    fields = {field.name: getattr(record, field.name) for field in attrs.fields(RunRecord)}
    values = [value for name, value in fields.items() if name != "key"]

    def by_constructor(_: int) -> object:
        return [RunRecord(**{**fields, "key": RunKey("run-000001", "acme")}) for _ in range(100)]

    def by_trust(_: int) -> object:
        return [RunRecord.trusted("run-000001", "acme", *values) for _ in range(100)]

    yield compared("records: 100 by trusted, beside the constructor", 0.5, 200, by_constructor, by_trust)
