"""The middleware for every request before it is routed and every answer before it is sent, under ASGI and WSGI alike.

Falcon calls the methods that end in `_async` under ASGI.
"""

from collections.abc import Callable
from typing import Any

import falcon

from entrypoints.http.cors import cors_headers, preflight_headers


class Paths:
    """Replaces a path as the caller wrote it by the route's own path."""

    def __init__(self, canonical: Callable[[str], str]) -> None:
        self._canonical = canonical

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Run before routing, which uses `req.path`."""
        req.path = self._canonical(req.path)

    async def process_request_async(self, req: Any, resp: Any) -> None:
        """The same under ASGI."""
        req.path = self._canonical(req.path)


class Cors:
    """Answers preflights and adds the headers to every answer, errors included."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = origins

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A preflight from a page that is allowed is answered here, without a key."""
        if req.method != "OPTIONS":
            return
        allowed = preflight_headers({name.lower(): value for name, value in req.headers.items()})
        if allowed is not None and len(cors_headers(self._origins, req.get_header("origin"))) > 1:
            resp.status = falcon.HTTP_204
            resp.set_headers(allowed)
            resp.complete = True

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        """Run after everything, errors included."""
        for name, value in cors_headers(self._origins, req.get_header("origin")):
            resp.append_header(name, value)

    async def process_request_async(self, req: Any, resp: Any) -> None:
        """The same under ASGI."""
        self.process_request(req, resp)

    async def process_response_async(self, req: Any, resp: Any, resource: object, succeeded: bool) -> None:
        """The same under ASGI."""
        self.process_response(req, resp, resource, succeeded)


def middleware(canonical: Callable[[str], str], origins: tuple[str, ...]) -> list[Any]:
    """Falcon's middleware for a hub; `origins` are those of AIHUB_CORS_ORIGINS."""
    return [Paths(canonical), Cors(origins)] if origins else [Paths(canonical)]
