# scan: runs = "client_run_results"
import asyncio

import asyncpg

SET = "UPDATE client_run_results SET status = $2 WHERE run_id = $1"
ADD = "INSERT INTO client_run_results (run_id) VALUES ($1)"


async def set_status(pool, run_id, status):
    await pool.execute(SET, run_id, status)  # expect: update


async def add(pool, run_id):
    await pool.execute(ADD, run_id)  # expect: creation


async def repair(pool):
    for row in await pool.fetch("SELECT run_id FROM client_run_results WHERE status = 'Running'"):
        await set_status(pool, row["run_id"], "Failed")  # expect: updating-wrapper


async def main():  # expect: no-start
    pool = await asyncpg.create_pool("postgresql:///runs")
    await repair(pool)


if __name__ == "__main__":
    asyncio.run(main())
