from ..store import RunStore, runs
from .app import celery


@celery.task  # expect: no-start
def sweep():
    store = RunStore()
    for record in runs().all(formula="{Status}='Running'"):
        store.patch(record["id"], Status="Timed out")  # expect: updating-wrapper
