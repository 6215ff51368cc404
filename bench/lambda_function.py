"""A Lambda function's cold start: from its process to the first bytes of a streamed answer at the Runtime API."""

import base64
import json
import socket
import subprocess
import time
from pathlib import Path

from bench.hub import BenchedHub, HubError

BOOTSTRAP = Path("entrypoints/aws_lambda/bootstrap")
TIMEOUT_S = 60.0
_CALL = {"model": "echo/echo", "stream": True, "messages": [{"role": "user", "content": "three small words"}]}


def has_function(hub: BenchedHub) -> bool:
    """Whether this version of the hub has a function that streams."""
    return (_root(hub) / BOOTSTRAP).exists()


def first_answer_ms(hub: BenchedHub) -> float:
    """Start the function with a call that waits for it, and return the milliseconds to its first chunk."""
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.settimeout(TIMEOUT_S)
        variables = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": str(_root(hub)),
        }
        argv: list[str | Path] = [_root(hub) / BOOTSTRAP, hub.command.with_name("python")]
        before = time.monotonic()
        process = hub.processes.start(
            argv, cpus=hub.cpus, env={**hub.env(), **variables}, cwd=hub.data, stderr=subprocess.DEVNULL
        )
        try:
            with api.accept()[0] as waiting:
                _received(waiting, b"\r\n\r\n")
                waiting.sendall(_invocation(hub))
                with api.accept()[0] as response:
                    _received(response, b'"statusCode":200', b"data: ")
                    return (time.monotonic() - before) * 1000
        finally:
            hub.processes.end(process)


def _invocation(hub: BenchedHub) -> bytes:
    request = {
        "version": "2.0",
        "rawPath": "/v1/chat/completions",
        "headers": dict(header.split(": ", 1) for header in hub.headers()),
        "requestContext": {"http": {"method": "POST"}},
        "body": base64.b64encode(json.dumps(_CALL).encode()).decode(),
        "isBase64Encoded": True,
    }
    body = json.dumps(request).encode()
    head = (
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: bench\r\n"
        f"Lambda-Runtime-Deadline-Ms: {int((time.time() + TIMEOUT_S) * 1000)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _received(connection: socket.socket, *texts: bytes) -> None:
    """Read until those texts have come."""
    connection.settimeout(TIMEOUT_S)
    read = b""
    while not all(text in read for text in texts):
        data = connection.recv(65536)
        if not data:
            raise HubError(f"the function ended its connection before {texts}: {read[-500:]!r}")
        read += data


def _root(hub: BenchedHub) -> Path:
    return hub.command.parents[2]
