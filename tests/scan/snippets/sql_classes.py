import logging
from abc import ABC, abstractmethod
import psycopg2
import psycopg2.extras
log = logging.getLogger(__name__)
class Base(ABC):
    TABLE: str
    @property
    @abstractmethod
    def columns(self): ...
    def insert(self, cur, values):
        cur.execute(f"INSERT INTO {self.TABLE} (a) VALUES (%s)", values)  # expect: creation, creation@clients
    def modify(self, cur, key, value):
        cur.execute("UPDATE " + self.TABLE + " SET a = %s WHERE id = %s", (value, key))  # expect: update, update@clients
    def exists(self, cur, key) -> bool:
        cur.execute("SELECT 1 FROM %s WHERE id = %%s" % self.TABLE, (key,))
        return cur.fetchone() is not None
class Runs(Base):
    TABLE = "client_runs"
    def ensure(self, cur, key):
        if not self.exists(cur, key):
            self.insert(cur, (key,))  # expect: recovery
    def start(self, cur, key):
        if self.exists(cur, key):
            raise RuntimeError("exists")
        self.insert(cur, (key,))  # expect: creating-wrapper
    def finish(self, cur, key):
        self.modify(cur, key, "done")  # expect: updating-wrapper
class Clients(Base):
    TABLE = "clients"
runs, clients = Runs(), Clients()
def add_client(conn, name):
    with conn, conn.cursor() as cur:
        clients.insert(cur, (name,))  # expect: creating-wrapper@clients
        psycopg2.extras.execute_values(cur, "INSERT INTO client_runs (a) VALUES %s", [])  # expect: creation
def replay(conn, rows):
    with conn.cursor() as cur:
        for row in rows:
            try:
                runs.start(cur, row["id"])
            except RuntimeError:
                log.info("there")
            runs.finish(cur, row["id"])
