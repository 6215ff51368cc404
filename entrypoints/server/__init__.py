"""The server: HTTP/1.0 and HTTP/1.1 on asyncio, in front of an ASGI application, and the processes that run it.

A server in another language, with its own threads, lacks what a public gateway needs: check a key before it reads a
body, bound the time and the memory of bodies, answer callers who have closed their sending side, and answer `/healthz`
while everything else is full. httptools (llhttp, Node's parser) parses HTTP.

`connection.py` reads requests, `exchange.py` is one request and its answer, `listening.py` accepts and bounds,
`hangups.py` notices callers who have left, `supervisor.py` keeps the processes running.

House rule: the server knows HTTP and ASGI and nothing of the hub. If it refuses a request, the reason is in the scope
under REFUSED, so that the application can answer in the caller's dialect.
"""

from typing import Literal

# The key of the ASGI scope that holds why the server refuses a request; absent for one that is to be served.
REFUSED = "aihub.refused"
Refused = Literal["busy", "malformed", "version", "head_too_large", "body_too_large", "slow"]
