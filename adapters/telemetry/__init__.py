"""Receivers of what the hub reports about its calls."""
