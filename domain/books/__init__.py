"""What a rule sees of the books, and what it writes."""
