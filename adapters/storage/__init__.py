"""Storage of the books: one SQLite file. Another engine would be another package here."""
