"""The entrypoints: use cases, HTTP, and the servers, functions and command line around them."""
