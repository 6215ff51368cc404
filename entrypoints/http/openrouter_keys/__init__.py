"""OpenRouter's routes of API keys, over the hub's own actions, so that tools which rotate its keys can be pointed here.

The base URL of such a tool is `https://HUB/openrouter/api/v1`: the hub's own management of keys is at `/api/v1/keys`,
with the fields of the action table. Both are views of the same keys.
https://openrouter.ai/docs/api/api-reference/api-keys/list

Its modules:

    bodies   what a tool sends: its fields, and what is wrong with them
    views    a key in OpenRouter's shape: its budget, and what it was charged
    routes   the handlers: list, create, show, change, delete, and the caller's own key
"""
