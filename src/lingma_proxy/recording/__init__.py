"""What is remembered on disk: one SQLite file, one thread, and a place for each kind of thing."""
