"""The dialects of callers: each reads requests and renders answers."""
