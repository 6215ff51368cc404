"""Where the books are kept: in memory, or in one SQLite file."""
