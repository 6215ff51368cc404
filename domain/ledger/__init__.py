"""Who owns which credit."""
