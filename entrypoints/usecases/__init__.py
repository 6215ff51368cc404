"""What the hub does for callers and operators, step by step, over ports."""
