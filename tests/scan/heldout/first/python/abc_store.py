import abc

import psycopg

# The port is abstract; who builds the store is in a file that is not here.


class RunStore(abc.ABC):
    @abc.abstractmethod
    def add(self, run_id): ...

    @abc.abstractmethod
    def mark(self, run_id, status): ...


class PostgresRunStore(RunStore):
    def __init__(self, dsn):
        self.dsn = dsn

    def add(self, run_id):
        with psycopg.connect(self.dsn) as conn:
            conn.execute("INSERT INTO client_runs (run_id, status) VALUES (%s, 'Running')", (run_id,))  # expect: creation

    def mark(self, run_id, status):
        with psycopg.connect(self.dsn) as conn:
            cur = conn.execute("UPDATE client_runs SET status = %s WHERE run_id = %s", (status, run_id))  # expect: update
            if cur.rowcount == 0:
                raise LookupError(run_id)


def process(store: RunStore, run_id, items):
    store.add(run_id)  # expect: creating-wrapper
    for item in items:
        print(item)
    store.mark(run_id, "Completed")  # expect: updating-wrapper


class Sweeper:
    def __init__(self, store: "RunStore | None" = None):
        self._store = store

    def expire(self, run_ids):
        if self._store is None:
            return
        for run_id in run_ids:
            self._store.mark(run_id, "Expired")  # expect: updating-wrapper
