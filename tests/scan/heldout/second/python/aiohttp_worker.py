import asyncio
import os

import aiohttp

BASE = os.environ["AIRTABLE_BASE"]
URL = f"https://api.airtable.com/v0/{BASE}/Client Run Results"
HEADERS = {"Authorization": "Bearer " + os.environ["AIRTABLE_TOKEN"]}


async def start(session: aiohttp.ClientSession, run_id: str) -> str:
    async with session.post(URL, json={"fields": {"Run ID": run_id}}, headers=HEADERS) as answer:  # expect: creation
        answer.raise_for_status()
        return (await answer.json())["id"]


async def beat(session, record_id):
    async with session.patch(f"{URL}/{record_id}", json={"fields": {"Beat": "now"}}, headers=HEADERS) as answer:  # expect: update
        if answer.status == 404:
            return False
        answer.raise_for_status()
        return True


async def keep_alive(session, run_id, record_id):
    while True:
        alive = await beat(session, record_id)  # expect: updating-wrapper
        if not alive:
            record_id = await start(session, run_id)  # expect: recovery
        await asyncio.sleep(30)


async def main():
    async with aiohttp.ClientSession() as session:
        record_id = await start(session, "r1")  # expect: creating-wrapper
        await keep_alive(session, "r1", record_id)


if __name__ == "__main__":
    asyncio.run(main())
