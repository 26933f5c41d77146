"""Histories of runs in files: CSV and JSON Lines, read and written."""
