"""The actions of operators and users besides calling models."""
