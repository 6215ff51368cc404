"""The server: HTTP/1.0 and HTTP/1.1 on asyncio, in front of an ASGI application, and the processes that run it.

A server in another language, with threads of its own, cannot do what a gateway that strangers reach needs: look at a
key before it reads a body, bound the time and the memory of bodies, answer callers who have closed their sending side,
and answer `/healthz` while everything else is full. What HTTP's grammar is, httptools says (llhttp, Node's parser).

`connection.py` reads requests, `exchange.py` is one request and its answer, `listening.py` accepts and bounds,
`hangups.py` notices who has left, `supervisor.py` keeps the processes running.

House rule: the server knows HTTP and ASGI and nothing of the hub. What a request is refused for before it reaches the
application is in the scope under REFUSED, so that the application can say it in the caller's dialect.
"""

from typing import Literal

# Why the server would not serve a request: a key of the ASGI scope, absent for one that is to be served.
REFUSED = "aihub.refused"
Refused = Literal["busy", "malformed", "version", "head_too_large", "body_too_large", "slow"]
