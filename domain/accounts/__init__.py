"""Users and keys, and the one rule that says whether a key is valid."""
