"""A plain script, such as cron or a container runs: one run for each client, with signs of life, ended by SIGTERM.

RUNLEDGER_STORE=sqlite:////var/lib/jobs/runs.db python nightly_script.py acme bolt
"""

import os
import sys
import time

import runledger


def score_posts(client_id: str) -> int:
    """The work itself, which takes its time."""
    time.sleep(float(os.environ.get("SECONDS_PER_CLIENT", "0.1")))
    return len(client_id)


def main(clients: list[str]) -> None:
    run_id = runledger.new_run_id()
    store = os.environ.get("RUNLEDGER_STORE", "memory://")
    with runledger.sigterm_as_exit(), runledger.connect(store) as ledger:
        for client_id in clients:
            with ledger.track(run_id, client_id, heartbeat=60) as run:
                print("scoring posts of", client_id, flush=True)
                run.update(metrics={"Posts Scored": score_posts(client_id)})
        print(", ".join(f"{count} {status.value}" for status, count in ledger.summary(run_id).statuses.items()))


if __name__ == "__main__":
    main(sys.argv[1:] or ["acme", "bolt"])
