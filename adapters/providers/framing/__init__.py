"""Bytes to events: server-sent events, lines of JSON, raw bytes."""
