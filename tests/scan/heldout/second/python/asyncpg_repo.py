import asyncpg
import attrs

INSERT = """
    INSERT INTO {schema}.runs (run_id, client)
    VALUES ($1, $2)
"""


@attrs.define
class RunRepo:
    pool: asyncpg.Pool
    schema: str = "public"

    async def create(self, run_id: str, client: str) -> None:
        async with self.pool.acquire() as connection:
            await connection.execute(INSERT.format(schema=self.schema), run_id, client)  # expect: creation

    async def create_once(self, run_id: str, client: str) -> None:
        query = INSERT.format(schema=self.schema) + " ON CONFLICT DO NOTHING"
        await self.pool.execute(query, run_id, client)  # expect: creation

    async def save(self, run_id: str, client: str) -> None:
        query = f"""
            {INSERT.format(schema=self.schema)}
            ON CONFLICT (run_id) DO UPDATE SET client = excluded.client
        """
        await self.pool.execute(query, run_id, client)  # expect: upsert

    async def status(self, run_id: str, status: str) -> None:
        answer = await self.pool.execute(f"UPDATE {self.schema}.runs SET status = $2 WHERE run_id = $1", run_id, status)  # expect: update
        if answer == "UPDATE 0":
            await self.create(run_id, "unknown")  # expect: recovery

    async def read(self, run_id: str):
        return await self.pool.fetchrow(f"SELECT * FROM {self.schema}.runs WHERE run_id = $1", run_id)
