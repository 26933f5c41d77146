"""Version 1 of the tables in PostgreSQL, one row a run with its log as JSON, and how its runs come to this version."""

from __future__ import annotations

from typing import Any

import psycopg

from ...domain import StoreUnusable
from .row_faults import unreadable

_COUNT = "SELECT count(*), count(*) FILTER (WHERE ended_at < started_at) FROM run_records"
_COLUMNS = """SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = to_regclass('run_records') AND attnum > 0 AND NOT attisdropped"""
_KNOWN_COLUMNS = (
    "run_id text, client_id text, client_name text, status text, started_at timestamp with time zone, "
    "ended_at timestamp with time zone, metrics jsonb, log jsonb, error text, updated_at timestamp with time zone"
)
# What a table may have beside its columns and rights: the new tables would be without it.
_MORE = """WITH old AS (SELECT oid AS old, relrowsecurity FROM pg_class WHERE oid = to_regclass('run_records'))
    SELECT 'row level security' FROM old WHERE relrowsecurity
    UNION ALL SELECT format('the policy %I', polname) FROM old JOIN pg_policy ON polrelid = old
    UNION ALL SELECT format('rights on the column %I', attname) FROM old JOIN pg_attribute ON attrelid = old
        WHERE cardinality(attacl) > 0 AND NOT attisdropped
    UNION ALL SELECT format('the trigger %I', tgname) FROM old JOIN pg_trigger ON tgrelid = old WHERE NOT tgisinternal
    UNION ALL SELECT format('the rule %I', rulename) FROM old JOIN pg_rewrite ON ev_class = old
    UNION ALL SELECT format('the constraint %I', conname) FROM old JOIN pg_constraint ON conrelid = old
        WHERE contype IN ('c', 'f')
    UNION ALL SELECT format('the index %s', indexrelid::regclass) FROM old JOIN pg_index ON indrelid = old
        WHERE indisunique <> indisprimary
            OR (indisprimary, split_part(pg_get_indexdef(indexrelid), ' USING ', 2)) NOT IN (
                (true, 'btree (run_id, client_id)'), (false, 'btree (client_id, started_at, run_id)'),
                (false, 'btree (started_at, run_id, client_id)'),
                (false, 'btree (status, started_at, run_id, client_id)'))
    UNION ALL SELECT format('a place in the publication %I', pubname) FROM old
        JOIN pg_publication_rel ON prrelid = old JOIN pg_publication ON pg_publication.oid = prpubid"""
# The runs whose log is not one that version 1 wrote: a list of pairs of a time and a text in one line.
_ODD_LOG = r"""SELECT run_id, client_id, client_name, status FROM run_records
    WHERE CASE jsonb_typeof(log) WHEN 'array' THEN EXISTS (
        SELECT FROM jsonb_array_elements(log) AS lines (line) WHERE CASE jsonb_typeof(line) WHEN 'array' THEN
            jsonb_array_length(line) <> 2
            OR jsonb_typeof(line -> 0) <> 'string' OR line ->> 0 !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d'
            OR jsonb_typeof(line -> 1) <> 'string' OR line ->> 1 LIKE E'%\n%'
            ELSE true END)
        ELSE true END
    ORDER BY run_id, client_id LIMIT 1"""
# However long it takes; and in the table's own schema, which need not be the first of the path.
_BEFORE = (
    "SET LOCAL statement_timeout = 0",
    "LOCK TABLE run_records IN ACCESS EXCLUSIVE MODE",
    """SELECT set_config('search_path', quote_ident(nspname), true)
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE pg_class.oid = to_regclass('run_records')""",
)
_COPY_RUNS = """INSERT INTO runs
    (run_id, client_id, client_name, status, started_at, ended_at, metrics, notes, error, updated_at)
    SELECT run_id, client_id, client_name, status, started_at,
        CASE WHEN ended_at < started_at THEN started_at ELSE ended_at END, metrics, jsonb_array_length(log),
        error, updated_at
    FROM run_records"""
_COPY_NOTES = """INSERT INTO run_notes (run_id, client_id, position, at, text)
    SELECT run_id, client_id, position, (line ->> 0)::timestamptz, line ->> 1
    FROM run_records, jsonb_array_elements(log) WITH ORDINALITY AS lines (line, position)"""
# The same owner; the same rights on the runs; and whoever could write or read the log still can.
_RIGHTS = """WITH old AS (SELECT * FROM pg_class WHERE oid = to_regclass('run_records')),
    granted AS (
        SELECT privilege_type AS privilege,
            CASE is_grantable WHEN true THEN ' WITH GRANT OPTION' ELSE '' END AS passed_on,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS role
        FROM old, aclexplode(relacl) WHERE grantee <> relowner
    )
    SELECT format('ALTER TABLE %I OWNER TO %I', name, pg_get_userbyid(relowner))
        FROM old, (VALUES ('runs'), ('run_notes')) AS new (name)
    UNION ALL SELECT format('GRANT %s ON runs TO %s%s', privilege, role, passed_on) FROM granted
    UNION ALL SELECT format('GRANT %s ON run_notes TO %s%s',
        CASE privilege WHEN 'UPDATE' THEN 'INSERT' ELSE privilege END, role, passed_on) FROM granted
        WHERE privilege IN ('SELECT', 'INSERT', 'UPDATE')"""
DROP = "DROP TABLE run_records"
"""The last step. A process of the older version that is still open fails from then on, with an error on every call."""


def count_runs(cursor: psycopg.Cursor[tuple[Any, ...]]) -> tuple[int, int]:
    """The number of runs in the table of version 1, and of those among them that ended before they started."""
    row = cursor.execute(_COUNT, prepare=False).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def locked_rights(cursor: psycopg.Cursor[tuple[Any, ...]]) -> list[str]:
    """The statements that give the new tables the owner and the rights of the old one, which is locked from now on.

    Raises StoreUnusable if its columns are not those of version 1, or if the new tables would lack what it has.
    """
    for statement in _BEFORE:
        cursor.execute(statement, prepare=False)
    columns = cursor.execute(_COLUMNS, prepare=False).fetchone()
    if columns != (_KNOWN_COLUMNS,):
        given = set(str(columns and columns[0]).split(", "))
        odd = ", ".join(sorted(given ^ set(_KNOWN_COLUMNS.split(", "))))
        raise StoreUnusable(
            f"the table run_records has other columns than version 1 made ({odd}): make it as it was, then run "
            "`runledger init` again. Nothing was changed."
        )
    if more := [row[0] for row in cursor.execute(_MORE, prepare=False)]:
        raise StoreUnusable(
            f"the table run_records has {', '.join(more)}, which the new tables would not have: remove this first, run "
            "`runledger init` again, and then make what you still need for runs and run_notes. Nothing was changed."
        )
    return [str(row[0]) for row in cursor.execute(_RIGHTS, prepare=False).fetchall()]


def copy_runs(cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
    """Copy every run, and each line of its log, into the new tables. A run that ended before its start ends there.

    Raises StoreUnusable, with the key, for a run whose log version 1 did not write.
    """
    odd = cursor.execute(_ODD_LOG, prepare=False).fetchone()
    if odd is not None:
        raise unreadable(odd, "a log that cannot be read")
    cursor.execute(_COPY_RUNS, prepare=False)
    cursor.execute(_COPY_NOTES, prepare=False)
