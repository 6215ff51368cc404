"""Cross-origin requests: which pages in browsers may call the hub, by AIHUB_CORS_ORIGINS.

The page itself sends the API key in a header, the browser never does, so no answer allows credentials.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re

from entrypoints.http.wire import Headers

ANY = "*"
MAX_AGE_S = 7200  # Chromium remembers no preflight for longer.
_METHODS = "GET, POST, DELETE, HEAD, OPTIONS"
_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,4096}")
# Headers that pages may read only by this list: the hub's own, then (`*`) what providers add, such as x-ratelimit-….
EXPOSED = (
    *("x-request-id", "request-id", "retry-after", "x-should-retry", "x-aihub-provider", "x-aihub-route"),
    *(
        "x-aihub-charge",
        "x-aihub-output-cap",
        "x-aihub-tool-uses-cap",
        "x-aihub-dropped",
        "idempotent-replayed",
        "etag",
        "server-timing",
        "*",
    ),
)
_EXPOSED = ", ".join(EXPOSED)


def cors_headers(origins: tuple[str, ...], origin: str | None) -> Headers:
    """The headers of any answer to a page of that origin (None: no page asked). `origins` are those allowed."""
    if ANY in origins:
        return (("access-control-allow-origin", ANY), ("access-control-expose-headers", _EXPOSED))
    vary = ("vary", "Origin")
    if origin is None or origin.lower() not in origins:
        return (vary,)
    return (("access-control-allow-origin", origin), ("access-control-expose-headers", _EXPOSED), vary)


def preflight_headers(headers: dict[str, str]) -> Headers | None:
    """The headers of the answer to a preflight, besides `cors_headers`; None if the request is no preflight.

    A browser sends a preflight, without the key, before the request itself. The names in `headers` are in lower case.
    """
    if "origin" not in headers or "access-control-request-method" not in headers:
        return None
    requested = headers.get("access-control-request-headers", "")
    # A `*` would not do: it leaves out Authorization.
    names = requested if _NAMES.fullmatch(requested) else "authorization, x-api-key, content-type"
    allowed = [
        ("access-control-allow-methods", _METHODS),
        ("access-control-allow-headers", names),
        ("access-control-max-age", str(MAX_AGE_S)),
    ]
    # A page of the public web may call a hub on the user's own machine or network, where it is allowed at all.
    if headers.get("access-control-request-private-network", "").lower() == "true":
        allowed.append(("access-control-allow-private-network", "true"))
    return tuple(allowed)
