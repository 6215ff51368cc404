"""How the outside does what the ports ask: providers, storage, vault, system."""
