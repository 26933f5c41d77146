"""The nightly batch: python -m after.batch 251127"""

import sys

import runledger

from .harvest import harvest
from .runs import start_run
from .scoring import score


def night(day: str) -> None:
    run_id = f"{day}-1"
    for client_id in ("acme", "bolt"):
        run = start_run(run_id, client_id)
        score(run_id, client_id)
        harvest(run_id, client_id)
        run.complete()


if __name__ == "__main__":
    try:
        night(sys.argv[1])
    except runledger.RunLedgerError as error:
        sys.exit(str(error))
