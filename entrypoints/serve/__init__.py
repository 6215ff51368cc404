"""Serving: preparation, the server, its processes, and the report at the start."""
