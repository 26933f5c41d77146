# scan: runs = "client_run_results"
from typing import Final

UPDATE: Final = "UPDATE client_run_results SET status = %(status)s WHERE run_id = %(run_id)s"
SAVE: Final = """INSERT INTO client_run_results (run_id, status)
VALUES (%(run_id)s, %(status)s)
ON CONFLICT (run_id)
DO UPDATE SET status = EXCLUDED.status"""
STATEMENTS = {"update": UPDATE, "save": SAVE}


class Writer:
    def __init__(self, connection) -> None:
        self.connection = connection

    def update(self, **row) -> None:
        self.connection.execute(UPDATE, row)  # expect: update

    def save(self, **row) -> None:
        self.connection.execute(STATEMENTS["save"], row)  # expect: upsert

    def save_many(self, rows) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(SAVE, rows)  # expect: upsert
