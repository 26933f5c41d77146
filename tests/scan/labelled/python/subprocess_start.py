import subprocess
import sys
import threading


class Worker(threading.Thread):
    def __init__(self, run_id: str) -> None:
        super().__init__(name=f"Client Run Results {run_id}")
        self.run_id = run_id

    def run(self) -> None:
        subprocess.run([sys.executable, "-m", "job", self.run_id], check=True)


def start(run_id: str) -> Worker:
    ledger = Worker(run_id)
    ledger.start()
    return ledger


def complete(worker: Worker) -> None:
    worker.join()


def update(worker: Worker) -> bool:
    return worker.is_alive()
