"""Where the books are kept: one SQLite file. Another engine would be another package here."""
