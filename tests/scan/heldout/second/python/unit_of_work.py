from __future__ import annotations

import abc
import logging

from airtable import Airtable

logger = logging.getLogger("jobs")


class AbstractUnitOfWork(abc.ABC):
    runs: AbstractRuns

    def __enter__(self) -> AbstractUnitOfWork:
        return self

    def __exit__(self, *args):
        self.rollback()

    @abc.abstractmethod
    def rollback(self): ...


class AbstractRuns(abc.ABC):
    @abc.abstractmethod
    def add(self, run_id): ...

    @abc.abstractmethod
    def set_status(self, record_id, status): ...


class AirtableRuns(AbstractRuns):
    def __init__(self, base_key, api_key):
        self.airtable = Airtable(base_key, "Client Run Results", api_key)

    def add(self, run_id):
        return self.airtable.insert({"Run ID": run_id})  # expect: creation

    def set_status(self, record_id, status):
        self.airtable.update(record_id, {"Status": status})  # expect: update


class AirtableUnitOfWork(AbstractUnitOfWork):
    def __enter__(self):
        self.runs = AirtableRuns("app", "key")
        return super().__enter__()

    def rollback(self):
        logger.info("nothing to roll back")


def start_scoring(run_id, uow: AbstractUnitOfWork):
    with uow:
        return uow.runs.add(run_id)  # expect: creating-wrapper


def finish_scoring(record_id, uow: AbstractUnitOfWork):
    with uow:
        uow.runs.set_status(record_id, "Completed")  # expect: updating-wrapper
