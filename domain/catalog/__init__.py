"""What can be called: vendors, providers, credentials, aliases, models."""
