"""The action table over HTTP: what the command line does with words, these routes do with JSON.

Its modules:

    requests  the request struct of an action, from path, query and body
    routes    the handlers: key, permission, request, action, reply
    openapi   the OpenAPI document of these routes, from the same table
"""
