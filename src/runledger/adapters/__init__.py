"""A module or a package for each kind of store, and for what else is outside: files and observers."""
