# scan: runs = "client_run_results"
import psycopg


def start(conn: psycopg.Connection, run_id: str, client_id: str) -> None:
    conn.execute(  # expect: creation
        "INSERT INTO client_run_results (run_id, client_id, status) VALUES (%s, %s, 'Running')",
        (run_id, client_id),
    )


def complete(conn: psycopg.Connection, run_id: str, client_id: str) -> int:
    with conn.cursor() as cur:
        cur.execute(  # expect: update
            """
            UPDATE client_run_results
               SET status = 'Completed', end_time = now()
             WHERE run_id = %s AND client_id = %s
            """,
            (run_id, client_id),
        )
        return cur.rowcount


def lock(conn, run_id):
    return conn.execute("SELECT status FROM client_run_results WHERE run_id = %s FOR UPDATE", (run_id,)).fetchone()
