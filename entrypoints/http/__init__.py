"""HTTP without a server: routes, handlers, and the callers' dialects."""
