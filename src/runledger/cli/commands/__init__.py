"""The commands. Each reads its arguments, calls the ledger, prints; `group.py` says which stands where."""
