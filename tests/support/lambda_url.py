"""A Lambda function URL on this machine: HTTP requests become events of format 2.0 for `entrypoints.aws_lambda.handler`.

One invocation at a time, in one thread, as Lambda runs a function's process. Run: python -m tests.support.lambda_url PORT
"""

import base64
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from entrypoints.aws_lambda import handler


class FunctionUrl(BaseHTTPRequestHandler):
    """Each request is one invocation."""

    protocol_version = "HTTP/1.1"

    def _invoke(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
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
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer = handler(event, None)  # type: ignore[arg-type]
        content = answer.get("body") or ""
        payload = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        self.send_response(answer["statusCode"])
        for name, value in (answer.get("headers") or {}).items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _invoke  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), FunctionUrl).serve_forever()
