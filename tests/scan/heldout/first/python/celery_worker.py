from celery import Celery, chain
from celery.signals import task_failure
from pyairtable import Api

app = Celery("scoring", broker="redis://localhost")
RUNS = "Client Run Results"


def table(name):
    return Api("pat").table("appZ", name)


@app.task(bind=True, max_retries=3)
def begin(self, run_id):
    try:
        return table(RUNS).create({"Run ID": run_id, "Status": "Running"})["id"]  # expect: creation
    except ConnectionError as error:
        raise self.retry(exc=error)


@app.task(name="scoring.nightly")  # expect: no-start
def nightly():
    for row in table(RUNS).all(view="Stuck"):
        table(RUNS).update(row["id"], {"Status": "Failed"})  # expect: update


@app.task  # expect: no-start
def tokens(record_id, count):
    add_tokens(record_id, count)  # expect: updating-wrapper


def add_tokens(record_id, count):
    table(RUNS).update(record_id, {"Tokens": count})  # expect: update


@task_failure.connect
def failed(sender=None, task_id=None, **_):
    print("task failed", task_id)
