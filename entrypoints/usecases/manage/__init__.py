"""What operators and users can do besides calling models."""
