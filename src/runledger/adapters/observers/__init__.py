"""Observers that need a library, each behind an extra. They import the domain and that library."""
