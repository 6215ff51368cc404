"""A server that receives the hub's messages over a real socket, and checks their signatures by the specification alone.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple


class Message(NamedTuple):
    """One message as it was received."""

    id: str
    at_s: int
    body: bytes
    signatures: list[str]

    @property
    def content(self) -> dict[str, Any]:
        """The body as JSON."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures is that of the secret, `whsec_` and base64."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = hmac.new(key, f"{self.id}.{self.at_s}.".encode() + self.body, hashlib.sha256).digest()
        return f"v1,{base64.b64encode(signed).decode()}" in self.signatures


class Receiver:
    """The server. It answers with the next of `statuses`, and with 204 when there is none."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks"
        self.statuses: list[int] = []
        self.messages: Queue[Message] = Queue()

    def received(self) -> list[Message]:
        """All messages so far."""
        found = []
        while not self.messages.empty():
            found.append(self.messages.get())
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.statuses.pop(0) if receiver.statuses else 204
            receiver.messages.put(
                Message(
                    id=self.headers["webhook-id"],
                    at_s=int(self.headers["webhook-timestamp"]),
                    body=body,
                    signatures=self.headers["webhook-signature"].split(" "),
                )
            )
            self.send_response(status)
            if status == 302:
                self.send_header("location", receiver.url)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
