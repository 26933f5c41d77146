"""The service afterwards: one function starts runs, and everything else only updates them."""
