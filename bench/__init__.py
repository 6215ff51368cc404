"""Measures the gateway against a stub provider: see README.md in this folder."""
