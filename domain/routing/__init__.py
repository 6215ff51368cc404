"""Which provider is tried, in which order, and why."""
