"""Removing finished runs from PostgreSQL: a short transaction for each batch, which waits for nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ...domain import BATCH, FinishedRuns
from ...domain.json_form import time_text
from .postgresql_changes import Cursor
from .postgresql_pool import Connections
from .postgresql_schema import require_no_other_version
from .rows import finished_runs

# A row that another transaction has locked is left out, so nobody waits for a batch, and no batch for anybody. The
# foreign key of run_notes removes the lines of the log.
_REMOVE = """WITH old AS (
        SELECT run_id, client_id, started_at, notes FROM runs WHERE {}
        ORDER BY started_at, run_id, client_id LIMIT %s FOR UPDATE SKIP LOCKED),
    counted AS (
        SELECT *, row_number() OVER earlier AS number, sum(1 + notes) OVER earlier AS total FROM old
        WINDOW earlier AS (ORDER BY started_at, run_id, client_id)),
    chosen AS (SELECT * FROM counted WHERE number = 1 OR total <= %s),
    gone AS (
        DELETE FROM runs USING chosen WHERE runs.run_id = chosen.run_id AND runs.client_id = chosen.client_id
        RETURNING 1)
    SELECT (SELECT count(*) FROM gone), chosen.started_at::text, run_id, client_id FROM chosen
    ORDER BY number DESC LIMIT 1"""
# Statistics that are out of date make the planner sort all that is left, for each batch anew. An index has the order.
# What is switched off counts as so costly that every batch would be compiled, which takes a thousand times its time.
_IN_ORDER = """SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"""


class PostgreSQLRunRemoval:
    """Removes the finished runs of a database, over a separate connection; see RunRemoval.

    A role with SELECT and DELETE on table `runs`, and UPDATE on any one of its columns, which a role needs to lock
    rows, is enough. Raises what PostgreSQLRunRepository raises.
    """

    def __init__(self, url: str) -> None:
        self._connections = Connections(url, max_connections=1)
        require_no_other_version(self._connections)

    def remove_runs(self, finished: FinishedRuns, batch: int = BATCH) -> Iterator[int]:
        after: Sequence[str] = ()
        while True:
            where, values = finished_runs(finished, "%s", time_text, after)
            row = self._connections.run(partial(_remove, where, [*values, batch, batch]), "DELETE")
            if row is None:
                return
            removed, *after = row
            yield removed

    def close(self) -> None:
        self._connections.close()


def _remove(where: str, values: Sequence[Any], cursor: Cursor) -> tuple[Any, ...] | None:
    with cursor.connection.transaction():
        cursor.execute(_IN_ORDER)
        return cursor.execute(_REMOVE.format(where), values).fetchone()


def open_removal(url: str) -> PostgreSQLRunRemoval:
    """`postgresql://user@host/database`, as libpq reads it."""
    return PostgreSQLRunRemoval(url)
