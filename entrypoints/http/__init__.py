"""HTTP without a server: routes, handlers, and the dialects in which callers are heard and answered."""
