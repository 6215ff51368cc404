"""What a stub Bedrock answers to those whose signature, or whose bearer token, it finds right."""

import json
from typing import Any

from tests.support.eventstream import answer
from tests.support.provider import Handler, Received, Reply
from tests.support.sigv4 import verified

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLETOKEN//8="
BEARER = "bedrock-api-key-canary-0123456789"
TEXT = "Grüße from Bedrock 🦉"
USAGE = {"inputTokens": 100, "outputTokens": 20, "cacheReadInputTokens": 10, "totalTokens": 130}


def saying(*blocks: dict[str, Any], stop: str = "end_turn") -> Handler:
    """Answer with these blocks, whole or streamed as the path asks, if the request is signed as it should be."""

    async def handler(request: Received, reply: Reply) -> None:
        authorize(request)
        if request.path.endswith("/converse-stream"):
            await reply.start(200, {"content-type": "application/vnd.amazon.eventstream"})
            stream = answer(*blocks, stop=stop, usage=USAGE)
            for at in range(0, len(stream), 50):
                await reply.write(stream[at : at + 50])
            return
        output = {"message": {"role": "assistant", "content": list(blocks)}}
        body = {"output": output, "stopReason": stop, "usage": USAGE, "metrics": {"latencyMs": 1}}
        await reply.send(200, {"content-type": "application/json"}, json.dumps(body).encode())

    return handler


def authorize(request: Received) -> None:
    if request.path.startswith("/eu-west-1/"):
        assert f"Bearer {BEARER}" == request.headers["authorization"]
        return
    reported = verified(SECRET, "POST", request.path, request.headers, request.body)
    assert (KEY, "us-west-2", "bedrock") == (reported["key"], reported["region"], reported["service"])
    assert TOKEN == request.headers["x-amz-security-token"]


def failing(status: int, name: str, said: str) -> Handler:
    async def handler(request: Received, reply: Reply) -> None:
        headers = {"content-type": "application/json", "x-amzn-ErrorType": f"{name}:http://internal.amazon.com/"}
        await reply.send(status, headers, json.dumps({"message": said}).encode())

    return handler
