"""What the stub providers answer where no chat is asked for, as OpenAI would write it, and Voyage its vectors."""

import json
from base64 import b64encode
from struct import pack
from typing import Any

from tests.support.provider import Received

TEXT = "continued by the stub"
VECTOR = [0.25, -0.5, 0.125]
PACKED = b64encode(pack("<3f", *VECTOR)).decode()


def polite_beside_chat(request: Received) -> bytes | None:
    """A whole answer for the path, None where chat is asked for."""
    if request.path.endswith("/embeddings"):
        return embeddings(json.loads(request.body), voyage=request.path.startswith("/voy/"))
    if request.path.endswith("/moderations"):
        verdict = {"flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.9}}
        return json.dumps({"id": "modr-1", "model": "omni", "results": [verdict], "future_field": 1.50}).encode()
    if request.path.endswith("/completions") and "/chat/" not in request.path:
        asked = json.loads(request.body)
        return None if asked.get("stream") else completion(asked["model"])
    return None


def completion(model: str) -> bytes:
    """A text completion of eleven tokens in and seven out."""
    choice = {"text": TEXT, "index": 0, "logprobs": None, "finish_reason": "length"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    head = {"id": "cmpl-stub", "object": "text_completion", "created": 1, "model": model}
    return json.dumps({**head, "choices": [choice], "usage": usage, "future_field": 1.50}).encode()


def completion_stream(usage: bool) -> list[bytes]:
    """The same, streamed."""
    head = {"id": "cmpl-stub", "object": "text_completion", "created": 1, "model": "m"}
    half = len(TEXT) // 2
    choices = [
        [{"text": TEXT[:half], "index": 0, "logprobs": None, "finish_reason": None}],
        [{"text": TEXT[half:], "index": 0, "logprobs": None, "finish_reason": "length"}],
    ]
    chunks: list[dict[str, Any]] = [{**head, "choices": choice} for choice in choices]
    if usage:
        counted = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        chunks.append({**head, "choices": [], "usage": counted})
    return [*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n"]


def embeddings(asked: dict[str, Any], voyage: bool = False) -> bytes:
    """A vector for each input and eleven tokens; Voyage tells a total alone."""
    inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    if isinstance(inputs[0], int):
        inputs = [inputs]
    vector: Any = PACKED if asked.get("encoding_format") == "base64" else VECTOR
    data = [{"object": "embedding", "index": n, "embedding": vector, "future_field": 1.50} for n in range(len(inputs))]
    usage = {"total_tokens": 11} if voyage else {"prompt_tokens": 11, "total_tokens": 11}
    return json.dumps({"object": "list", "data": data, "model": asked["model"], "usage": usage}, indent=1).encode()
