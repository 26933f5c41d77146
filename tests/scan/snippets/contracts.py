# scan: runs = "client_runs"
"""Contracts: a protocol, an abstract base, one that nothing implements; a field of a class by its type."""

from abc import ABC, abstractmethod
from typing import Optional, Protocol

import psycopg


class Runs(Protocol):
    def begin(self, run_id): ...
    def close(self, run_id): ...
    def lookup(self, run_id): ...


class SqlRuns:
    def __init__(self, connection):
        self.connection = connection

    def begin(self, run_id):
        self.connection.execute("INSERT INTO client_runs VALUES (%s)", (run_id,))  # expect: creation

    def close(self, run_id):
        self.connection.execute("UPDATE client_runs SET done = true WHERE id = %s", (run_id,))  # expect: update

    def lookup(self, run_id):
        return self.connection.execute("SELECT id FROM client_runs WHERE id = %s", (run_id,)).fetchone()


class NotRuns:
    def begin(self, run_id):
        self.connection.execute("INSERT INTO other (id) VALUES (%s)", (run_id,))  # expect: creation@other


class Clients(ABC):
    def touch(self, client):
        self.save(client)  # expect: updating-wrapper@clients

    @abstractmethod
    def save(self, client): ...


class SqlClients(Clients):
    def save(self, client):
        psycopg.connect().execute("UPDATE clients SET seen = now() WHERE id = %s", (client,))  # expect: update@clients


class Nobody(Protocol):
    def create(self, run_id): ...


class Service:
    clients: Optional[Clients] = None

    def __init__(self, runs: Runs | None):
        self._runs = runs

    def finish(self, run_id):
        if not self._runs.lookup(run_id):
            self._runs.begin(run_id)  # expect: recovery
        self._runs.close(run_id)  # expect: updating-wrapper
        self.clients.save(run_id)  # expect: updating-wrapper@clients


def nothing(nobody: Nobody):
    nobody.create("x")
