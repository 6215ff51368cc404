"""Providers of models: one pure file per dialect, one file of framing, one HTTP shell."""
