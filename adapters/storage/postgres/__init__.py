"""The books in a database of PostgreSQL, or of an engine that is compatible with it."""
