"""Nothing here writes a run record."""
import hashlib
import json
from collections import Counter, OrderedDict

import boto3
import redis
from openai import OpenAI

openai = OpenAI()
cache = redis.Redis()
queue = boto3.client("sqs")


class RunTable:
    """A table on the screen."""

    def __init__(self):
        self.rows = OrderedDict()

    def create(self, run_id, **cells):
        self.rows[run_id] = cells
        return cells

    def update(self, run_id, **cells):
        if run_id not in self.rows:
            self.create(run_id, **cells)
        self.rows[run_id].update(cells)


def digest(run):
    sha = hashlib.sha256()
    sha.update(json.dumps(run).encode())
    return sha.hexdigest()


def ask(thread_id, assistant_id):
    run = openai.beta.threads.runs.create(thread_id=thread_id, assistant_id=assistant_id)
    openai.beta.threads.runs.update(run.id, thread_id=thread_id, metadata={"seen": "yes"})
    return run


def remember(run_id, value):
    if not cache.exists(f"run:{run_id}"):
        cache.set(f"run:{run_id}", value)
    cache.hset("runs", run_id, value)


def count(events):
    totals = Counter()
    totals.update(event["run"] for event in events)
    return totals


def announce(run_id):
    queue.send_message(QueueUrl="runs", MessageBody=json.dumps({"insert": run_id, "into": "client_runs"}))


HELP = """
To make a run by hand:
    INSERT INTO client_runs (id) VALUES (...);
"""


def show(table: RunTable, runs):
    for run in runs:
        table.update(run["id"], status=run["status"])
    print(HELP)
