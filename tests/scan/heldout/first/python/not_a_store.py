import hashlib
from collections import Counter, OrderedDict

import stripe
from rich.progress import Progress
from werkzeug.datastructures import MultiDict


class Runs(OrderedDict):
    def create(self, run_id):
        self[run_id] = {"status": "running"}
        return self[run_id]


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 16), b""):
            sha.update(block)
    return sha.hexdigest()


def tally(words):
    counts = Counter()
    for line in words:
        counts.update(line.split())
    return counts


def charge(amount):
    intent = stripe.PaymentIntent.create(amount=amount, currency="eur")
    stripe.PaymentIntent.modify(intent.id, metadata={"runs": 1})


def show(items):
    runs = Runs()
    with Progress() as progress:
        task = progress.add_task("Runs", total=len(items))
        for item in items:
            runs.create(item).update(status="done")
            progress.update(task, advance=1)
    MultiDict(runs).update(other=1)
    query = "UPDATE client_runs SET status = 'x'"
    print("would run", query)
