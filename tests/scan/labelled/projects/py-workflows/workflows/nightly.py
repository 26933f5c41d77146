"""Batch of one night: python -m workflows.nightly RUN_ID CLIENT…"""
import sys

from .services import Recorder
from .store import RunStore, start_run, update_run


def night(run_id, clients):
    for client_id in clients:
        start_run(run_id, client_id)  # expect: creating-wrapper
        update_run(run_id, client_id, Status="Completed")  # expect: updating-wrapper


def main():
    run_id, *clients = sys.argv[1:]
    night(run_id, clients)
    recorder = Recorder(RunStore())
    for client_id in clients:
        recorder.step(run_id, client_id, "report")


if __name__ == "__main__":
    main()
