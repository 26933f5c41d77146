"""The commands. Each parses its arguments, calls the ledger and prints. `group.py` lists their modules."""
