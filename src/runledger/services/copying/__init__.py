"""Bringing runs over from other stores and from files: copies, and imports."""
