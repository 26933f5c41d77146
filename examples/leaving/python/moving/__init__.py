"""On the way: the new ledger beside the old table. The modules that differ from `before`."""
