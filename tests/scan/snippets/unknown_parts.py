# scan: runs = "client_runs"
"""SQL with a part that is not known: judged by the rest, else not resolved."""

import subprocess


def write(conn, schema, verb, table, columns):
    conn.execute(f"INSERT INTO {schema}.client_runs (id) VALUES (1)")  # expect: creation
    conn.execute(f'UPDATE "{schema}".client_runs SET done = 1')  # expect: update
    conn.execute(f"INSERT {verb} INTO {schema}.client_runs VALUES (1)")  # expect: creation
    conn.execute(f"{schema} INSERT INTO client_runs VALUES (1)")  # expect: creation
    conn.execute(f"{schema} UPDATE client_runs SET done = 1")  # expect: update
    conn.execute(f"UPDATE client_runs {columns} WHERE id = 1")  # expect: update
    conn.execute(f"{verb} INTO client_runs VALUES (1)")  # expect: unresolved
    conn.execute(f"INSERT INTO {table} VALUES (1)")  # expect: unresolved
    conn.execute(f"INSERT INTO client_runs_{table} VALUES (1)")  # expect: unresolved
    conn.execute(f"UPDATE {schema}.{table} SET done = 1")  # expect: unresolved
    conn.execute(f"SELECT 1 FROM {schema}.client_runs")
    subprocess.run(f"{verb} update {table} {columns}", shell=True)
    subprocess.run(f"update {table} {columns}", shell=True)
