from pyairtable import Table
from redis import Redis
from rq import Queue, get_current_job
from rq.decorators import job

redis = Redis()
queue = Queue(connection=redis)
runs = Table("key", "app", "Client Run Results")


@job("default", connection=redis)
def score(record_id):
    runs.update(record_id, {"Status": "Running", "Job": get_current_job().id})  # expect: update


@job("low", connection=redis)  # expect: no-start
def expire():
    for row in runs.iterate(view="Old"):
        for record in row:
            runs.update(record["id"], {"Status": "Expired"})  # expect: update


def submit(run_id):
    record = runs.create({"Run ID": run_id})  # expect: creation
    score.delay(record["id"])  # expect: updating-wrapper
    redis.set(f"run:{run_id}", record["id"])
    return record["id"]


def progress(run_id, percent):
    record_id = redis.get(f"run:{run_id}")
    if not record_id:
        record_id = submit(run_id)  # expect: recovery
    runs.update(record_id, {"Percent": percent})  # expect: update
