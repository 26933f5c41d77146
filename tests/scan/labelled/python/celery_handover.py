from celery import shared_task
from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def _begin(run_id):
    return runs.create({"Run ID": run_id})["id"]  # expect: creation


def _finish(record_id):
    runs.update(record_id, {"Status": "Completed"})  # expect: update


@shared_task
def work(record_id):
    # Queued by `launch` alone, which has started the run.
    _finish(record_id)  # expect: updating-wrapper


@shared_task
def launch(run_id):
    record_id = _begin(run_id)  # expect: creating-wrapper
    work.delay(record_id)
