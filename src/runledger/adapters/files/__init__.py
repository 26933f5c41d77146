"""Histories of runs in files, CSV and JSON Lines: read as records, and written to be read again."""
