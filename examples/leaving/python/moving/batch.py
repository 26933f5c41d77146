"""The nightly batch, which starts each run in the ledger too: python -m moving.batch 251125"""

import sys

from before.runs import create_run, update_run

from .harvest import harvest
from .ledger import ledger
from .scoring import score


def night(day: str) -> None:
    run_id = f"{day}-1"
    date = f"20{day[:2]}-{day[2:4]}-{day[4:]}"
    for client_id in ("acme", "bolt"):
        create_run(run_id, client_id, **{"Start Time": f"{date}T02:00:00Z"})
        run = ledger.start(run_id, client_id)
        score(day, client_id)
        harvest(day, client_id)
        update_run(run_id, client_id, Status="Completed", **{"End Time": f"{date}T02:30:00Z"})
        run.complete()


if __name__ == "__main__":
    night(sys.argv[1])
