"""One module per store. Each imports the domain and its own driver; `runledger.stores` alone imports them."""
