"""How the world gets in: use cases, HTTP, and the servers, functions and command line that carry it."""
