import asyncio
from concurrent.futures import ThreadPoolExecutor

from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")
pool = ThreadPoolExecutor(4)


def close(record_id):
    return runs.update(record_id, {"Status": "Completed"})  # expect: update


async def start(run_id):
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, lambda: runs.create({"Run ID": run_id}))  # expect: creation


async def step(record_id, name):
    await asyncio.to_thread(runs.update, record_id, {"Step": name})  # expect: update


async def night(run_id):
    record = await start(run_id)  # expect: creating-wrapper
    await step(record["id"], "score")  # expect: updating-wrapper
    await asyncio.gather(step(record["id"], "a"), asyncio.to_thread(print, "b"))  # expect: updating-wrapper


def close_all(record_ids):
    return [pool.submit(lambda i=i: close(i)) for i in record_ids]  # expect: updating-wrapper
