"""Finds where records are created and updated in source code. Knows no store, and imports nothing of the ledger."""
