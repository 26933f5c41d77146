# scan: runs = "results"
from contextlib import closing

import psycopg2
from psycopg2.extras import execute_values


def load(dsn, rows):
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        execute_values(  # expect: upsert
            cursor,
            "INSERT INTO results (run_id, tokens) VALUES %s ON CONFLICT (run_id) DO UPDATE SET tokens = EXCLUDED.tokens",
            rows,
        )


def load_plain(cursor, rows):
    cursor.executemany("INSERT INTO results (run_id, tokens) VALUES (%s, %s)", rows)  # expect: creation


def load_mysql(cursor, run_id, tokens):
    query = """INSERT INTO `results` (`run_id`, `tokens`) VALUES (%s, %s)
               ON DUPLICATE KEY UPDATE `tokens` = VALUES(`tokens`)"""
    cursor.execute(query, (run_id, tokens))  # expect: upsert
