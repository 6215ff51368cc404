"""Implementations of the ports: providers, storage, vault, system."""
