"""`GET /`: an overview of the hub and its routes, as a page for browsers and as JSON for all other clients."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import escape

from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request, Route

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>aihub</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}
pre{{overflow-x:auto;padding:.8rem;border:1px solid #8886}}td{{padding:.1rem 1rem .1rem 0}}</style>
<h1>aihub</h1>
<p>An AI gateway. Point an OpenAI SDK at <code>{url}/v1</code> or an Anthropic SDK at <code>{url}</code>, with an API
key of this hub, which its operator makes with <code>aihub key create</code>.</p>
<pre>curl {url}/v1/models -H "Authorization: Bearer $KEY"</pre>
<table>{rows}</table>
</html>
"""


def index_handler(table: Sequence[Route]) -> Handler:
    """The handler, for all other routes."""
    served = [f"{route.method} {route.template}" for route in table]
    rows = "\n".join(f"<tr><td>{route.method}<td><code>{escape(route.template)}</code>" for route in table)

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        if "text/html" in request.headers.get("accept", ""):
            scheme = "https" if request.headers.get("x-forwarded-proto") == "https" else "http"
            url = escape(f"{scheme}://{request.headers.get('host', 'localhost')}")
            headers = (("content-type", "text/html; charset=utf-8"), ("x-request-id", request.id), ("vary", "accept"))
            yield Reply(status=200, headers=headers, body=_PAGE.format(url=url, rows=rows).encode())
            return
        yield json_reply(request, {"name": "aihub", "routes": served, "authentication": "Authorization: Bearer KEY"})

    return handle
