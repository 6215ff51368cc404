"""The hub's own API: models, quotes, routing, health."""
