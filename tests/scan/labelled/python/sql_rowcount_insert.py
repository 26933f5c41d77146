# scan: runs = "job_runs"
import psycopg


class JobRuns:
    def __init__(self, dsn: str) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)

    def update(self, run_id: str, status: str) -> None:
        """Set the status; a run that is unknown appears."""
        cur = self.conn.execute("UPDATE job_runs SET status = %s WHERE run_id = %s", (status, run_id))  # expect: update
        if cur.rowcount == 0:
            self.conn.execute("INSERT INTO job_runs (run_id, status) VALUES (%s, %s)", (run_id, status))  # expect: recovery
