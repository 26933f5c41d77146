# scan: runs = "runs"
import aiosqlite
import MySQLdb
import psycopg
from psycopg import sql

UPSERT = sql.SQL("INSERT INTO {} (id, n) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n").format(
    sql.Identifier("runs")
)


def write(conn: psycopg.Connection, run_id, n):
    conn.execute(UPSERT, (run_id, n))  # expect: upsert


async def write_lite(path, run_id, n):
    async with aiosqlite.connect(path) as db:
        await db.execute("insert or replace into runs(id, n) values (?, ?)", (run_id, n))  # expect: upsert
        await db.commit()


def write_mysql(rows):
    db = MySQLdb.connect(db="night")
    db.cursor().executemany("REPLACE INTO runs (id, n) VALUES (%s, %s)", rows)  # expect: upsert


def write_all(conn, rows):
    with conn.cursor() as cur, conn.pipeline():
        for row in rows:
            cur.execute("INSERT INTO runs SELECT %s, %s ON CONFLICT ON CONSTRAINT runs_pkey DO UPDATE SET n = 0", row)  # expect: upsert


def write_missing(conn, run_id):
    conn.execute("INSERT INTO runs (id) SELECT %s WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id = %s)", [run_id] * 2)  # expect: creation
