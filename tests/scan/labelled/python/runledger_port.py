from datetime import datetime, timezone

from runledger import RunChange, RunKey, RunStatus, open_repository

repository = open_repository("sqlite:///runs.db")


def begin(new):
    return repository.create(new)  # expect: creation


def begin_all(news):
    return repository.create_many(news)  # expect: creation


def end(run_id: str, client_id: str) -> None:
    change = RunChange(status=RunStatus.COMPLETED)
    repository.update(RunKey(run_id, client_id), change, datetime.now(timezone.utc))  # expect: update


def find(run_id, client_id):
    return repository.get(RunKey(run_id, client_id))
