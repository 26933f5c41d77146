from ..services import record_error
from ..store import update_run
from .app import celery


def run_harvest(run_id, client_id):
    seen: set[str] = set()
    try:
        seen.add(client_id)
        update_run(run_id, client_id, Harvested=len(seen))  # expect: updating-wrapper
    except OSError as error:
        record_error(run_id, client_id, error)


@celery.task(name="harvest")  # expect: no-start
def harvest_all(run_id, clients):
    for client_id in clients:
        run_harvest(run_id, client_id)
