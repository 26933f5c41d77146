"""What applications call. Imports the domain and the standard library only."""
