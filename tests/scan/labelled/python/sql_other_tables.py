# scan: runs = "client_run_results"
"""Writes to other tables, and text that only looks like SQL."""
import logging
import sqlite3

log = logging.getLogger("audit")

HELP = """
To repair by hand: INSERT INTO client_run_results (run_id) VALUES ('...');
then UPDATE client_run_results SET status = 'Failed'.
"""


def audit(db: sqlite3.Connection, who: str) -> None:
    db.execute("INSERT INTO audit_log (who) VALUES (?)", (who,))  # expect: creation@audit_log
    # db.execute("INSERT INTO client_run_results (run_id) VALUES (?)", (who,))
    log.info("UPDATE client_run_results SET status = %s", who)


def count(db: sqlite3.Connection) -> int:
    return db.execute("SELECT count(*) FROM client_run_results").fetchone()[0]


def usage() -> str:
    print(HELP)
    return "INSERT INTO client_run_results VALUES (1)"
