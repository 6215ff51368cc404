"""A Lambda function URL on this machine: HTTP requests become events of format 2.0 for `entrypoints.aws_lambda.buffered.handler`.

Connections are served by threads, as the service in front of Lambda does; the function is invoked in the main thread
alone, one request at a time, as Lambda runs a function's process. Run: python -m tests.support.lambda_url PORT
"""

import base64
import queue
import sys
import threading
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from entrypoints.aws_lambda.buffered import handler

_invocations: "queue.SimpleQueue[tuple[dict[str, Any], Future[dict[str, Any]]]]" = queue.SimpleQueue()


class FunctionUrl(BaseHTTPRequestHandler):
    """Each request is one invocation."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body in one packet: else each answer waits for the caller's delayed acknowledgement.

    def _invoke(self) -> None:
        path, _, query = self.path.partition("?")
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            # A header that is sent twice arrives once, joined by commas.
            "headers": {name.lower(): ", ".join(self.headers.get_all(name) or ()) for name in self.headers},
            "requestContext": {
                "accountId": "anonymous",
                "domainName": "localhost",
                "http": {
                    "method": self.command,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": self.headers.get("user-agent", ""),
                },
                "stage": "$default",
            },
            "body": base64.b64encode(self._body()).decode(),
            "isBase64Encoded": True,
        }
        future: Future[dict[str, Any]] = Future()
        _invocations.put((event, future))
        self._answer(future.result())

    def _body(self) -> bytes:
        """The body, whole: a function never sees how it was framed."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size + 2)[:-2]
        self.rfile.readline()
        return body

    def _answer(self, answer: dict[str, Any]) -> None:
        content = answer.get("body") or ""
        payload = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        self.send_response(answer["statusCode"])
        for cookie in answer.get("cookies") or ():
            self.send_header("set-cookie", cookie)
        for name, value in (answer.get("headers") or {}).items():
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("content-length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)
        self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _invoke  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(port: int) -> None:
    """Serve until a signal ends the process."""
    server = _Server(("127.0.0.1", port), FunctionUrl)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        event, future = _invocations.get()
        try:
            future.set_result(handler(event, None))  # type: ignore[arg-type]
        except Exception as error:
            future.set_exception(error)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
