"""What things cost: at most, probably, and exactly."""
