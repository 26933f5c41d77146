from celery import Celery, shared_task
from pyairtable import Api

app = Celery("night", broker="redis://localhost")
runs = Api("pat").table("app", "Client Run Results")


def set_status(record_id, status):
    runs.update(record_id, {"Status": status})  # expect: update


@app.task(bind=True, max_retries=3)  # expect: no-start
def score_posts(self, record_id):
    try:
        set_status(record_id, "Scoring")  # expect: updating-wrapper
    except OSError as error:
        raise self.retry(exc=error) from error


@shared_task
def begin(run_id):
    runs.create({"Run ID": run_id, "Status": "Running"})  # expect: creation


@shared_task  # expect: no-start
def sweep(record_ids):
    for record_id in record_ids:
        set_status(record_id, "Timed out")  # expect: updating-wrapper
