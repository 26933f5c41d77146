"""The nightly batch: python -m before.batch 251124"""

import sys

from .harvest import harvest
from .runs import create_run, update_run
from .scoring import score


def night(day: str) -> None:
    date = f"20{day[:2]}-{day[2:4]}-{day[4:]}"
    for client_id in ("acme", "bolt"):
        create_run(f"{day}-1", client_id, **{"Start Time": f"{date}T02:00:00Z"})
        score(day, client_id)
        harvest(day, client_id)
        update_run(f"{day}-1", client_id, Status="Completed", **{"End Time": f"{date}T02:30:00Z"})


if __name__ == "__main__":
    night(sys.argv[1])
