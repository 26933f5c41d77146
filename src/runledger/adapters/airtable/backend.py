"""Airtable as a backend. Examining, preparing and probing import their modules when they are called."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import timedelta

from ...domain import Backend, Finding
from ...domain.preparation import Preparation
from . import open_removal, open_url


def _examine(url: str) -> Iterator[Finding]:
    from .schema import examine_base

    return examine_base(url)


def _prepare(url: str, preparation: Preparation) -> Iterator[Finding]:
    from .preparation import prepare_base

    return prepare_base(url, preparation)


def _probe(url: str, scratch_table: str) -> Generator[Finding]:
    from .probe import probe

    return probe(url, scratch_table)


BACKEND = Backend(
    open=open_url,
    examine=_examine,
    prepare=_prepare,
    metric_columns=True,
    probe=_probe,
    removal=open_removal,
    # A workspace has a monthly quota of requests: 1,000 in the free plan.
    heartbeat_interval=timedelta(minutes=10),
)
