"""Stores behind SQL: SQLite by the standard library, PostgreSQL by psycopg. Bare drivers and written statements."""
