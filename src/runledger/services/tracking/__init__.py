"""`ledger.track`: a block or a function as one run."""
