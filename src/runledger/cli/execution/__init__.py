"""Running a command as a run: its input and output unchanged, signals passed on, its record true to the end."""
