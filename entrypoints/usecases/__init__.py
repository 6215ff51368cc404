"""What the hub does for somebody, step by step, over ports."""
