"""Stores behind SQL: SQLite by the standard library, PostgreSQL by psycopg. Bare drivers and written statements."""

CLOSED = "this repository was closed: open it again to use it."
"""The message of each call after `close`."""
