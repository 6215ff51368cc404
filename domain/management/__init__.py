"""The changes that an operator makes, each with its audit entry."""
