"""A run of parts that work in separate processes, in any order: the last one to be done completes the run.

    RUNLEDGER_STORE=sqlite:///runs.db python last_part.py 8

Nobody waits for the parts, and no part knows in advance which is the last. Each adds 1 to a number in the run's record,
and `update` returns the record directly after this addition. So each part sees another number, and exactly one part
sees the number of all parts.
"""

import multiprocessing
import os
import sys

import runledger


def score_posts(part: int) -> int:
    """The work itself. Returns the tokens that it took."""
    if str(part) == os.environ.get("FAILING_PART"):
        raise ConnectionError("no route to host")
    return part * 100


def work_on(store: str, run_id: str, client_id: str, part: int) -> None:
    """One part, as the worker of a queue does it, perhaps on another machine. It cannot create a run."""
    with runledger.connect(store, observers=()) as ledger:
        run = ledger.updates.run(run_id, client_id)
        try:
            done = {"Parts Done": 1, "Tokens": score_posts(part)}
        except Exception as error:
            run.update(note=f"part {part}: {error}")
            done = {"Parts Done": 1, "Parts Failed": 1}
        record = run.update(add=done)
        if record is None or record.metrics["Parts Done"] != record.metrics["Parts"]:
            return
        failed = record.metrics["Parts Failed"]
        run.complete(with_errors=f"{failed} of {record.metrics['Parts']} parts failed" if failed else None)
        print(f"part {part} was the last", flush=True)


def main(parts: int) -> None:
    store = os.environ.get("RUNLEDGER_STORE", "sqlite:///runs.db")
    run_id = runledger.new_run_id()
    with runledger.connect(store, observers=()) as ledger:
        ledger.start(run_id, "acme", metrics={"Parts": parts, "Parts Done": 0, "Parts Failed": 0})
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=work_on, args=(store, run_id, "acme", part)) for part in range(parts)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        record = ledger.get(run_id, "acme")
        print(record.status.value, dict(record.metrics), record.error)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 4)
