"""Serves Airtable's Web API on this machine: `python -m airtable_local --help`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
