"""`python -m runledger` is the command `runledger`."""

from runledger_command import main

main()
