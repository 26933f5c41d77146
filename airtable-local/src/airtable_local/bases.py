"""The bases of a service: the current version of each, and the earlier ones that lists may still show."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import UTC, datetime, timedelta

from attrs import evolve

from .messages import FORBIDDEN, NOT_FOUND, ApiError
from .tables import Base, Table
from .tokens import Token

_EPOCH = datetime.min.replace(tzinfo=UTC)


class Bases:
    """All bases by id. Each keeps its versions with the time of their commit, the current version last."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[tuple[datetime, Base], ...]] = {}

    def copy(self) -> Bases:
        twin = Bases()
        twin._versions = dict(self._versions)
        return twin

    def __iter__(self) -> Iterator[Base]:
        return (versions[-1][1] for versions in self._versions.values())

    def __getitem__(self, base_id: str) -> Base:
        return self._versions[base_id][-1][1]

    def snapshot(self) -> Hashable:
        """The rows of every version that lists can show, each version but the oldest with the time of its commit."""
        return tuple(
            (
                None if place == 0 else at,
                *((table.id, frozenset(table.rows.values())) for table in base.tables.values()),
            )
            for versions in self._versions.values()
            for place, (at, base) in enumerate(versions)
        )

    def add(self, base: Base) -> None:
        self._versions[base.id] = ((_EPOCH, base),)

    def commit(self, base: Base, now: datetime, lag: timedelta) -> None:
        """Make `base` the current version. Versions that no list within `lag` can show are dropped."""
        versions = (*self._versions[base.id], (now, base))
        oldest = max(place for place, (at, _) in enumerate(versions) if at <= now - lag)
        self._versions[base.id] = versions[oldest:]

    def as_listed(self, base: Base, table: Table, now: datetime, lag: timedelta) -> Table:
        """The table with its rows as lists show them, which is the state of `lag` ago."""
        old = [version for at, version in self._versions[base.id] if at <= now - lag][-1].tables.get(table.id)
        return evolve(table, rows={} if old is None else old.rows)

    def visible(self, base_id: str, token: Token, scope: str) -> Base:
        """The base, for a token that has the scope and reaches it. Raises ApiError."""
        if len(base_id) != 17 or not base_id.startswith("app"):
            raise ApiError(*NOT_FOUND)
        if scope not in token.scopes or base_id not in self._versions or not token.reaches(base_id):
            raise ApiError(*FORBIDDEN)
        return self[base_id]


def table_of(base: Base, name_or_id: str) -> Table:
    """The table of that name or id. Raises ApiError."""
    if (table := base.table(name_or_id)) is None:
        raise ApiError(*FORBIDDEN)
    return table
