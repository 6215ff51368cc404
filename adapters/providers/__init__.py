"""Providers of models: one pure package per dialect, framing, transport, and one HTTP shell."""
