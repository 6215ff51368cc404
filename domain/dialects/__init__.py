"""Facts about the wire formats of vendors, used by the caller's and the provider's side."""
