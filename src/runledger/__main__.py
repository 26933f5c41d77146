"""`python -m runledger` is the command `runledger`."""

from .cli import main

main()
