# scan: runs = "client_run_results"
import asyncpg

MERGE = """
MERGE INTO client_run_results AS t
USING (SELECT $1::text AS run_id, $2::int AS scored) AS s
   ON t.run_id = s.run_id
 WHEN MATCHED THEN UPDATE SET scored = s.scored
 WHEN NOT MATCHED THEN INSERT (run_id, scored) VALUES (s.run_id, s.scored)
"""


async def merge(pool: asyncpg.Pool, run_id: str, scored: int) -> None:
    async with pool.acquire() as conn:
        await conn.execute(MERGE, run_id, scored)  # expect: upsert


async def add(conn: asyncpg.Connection, run_id: str) -> int:
    return await conn.fetchval(  # expect: creation
        "INSERT INTO client_run_results(run_id) VALUES($1) RETURNING id", run_id
    )


async def add_once(conn: asyncpg.Connection, run_id: str) -> None:
    sql = "insert into client_run_results (run_id) values ($1) on conflict do nothing"
    await conn.execute(sql, run_id)  # expect: creation


async def bump(conn, run_id):
    await conn.execute("update client_run_results set scored = scored + 1 where run_id = $1", run_id)  # expect: update
