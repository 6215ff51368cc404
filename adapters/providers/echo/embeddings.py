"""The echo's embeddings: the same text gives the same vector, of length 1 and of eight numbers unless others are asked.

They mean nothing else. One word is one token, and so is each token of an input that comes as tokens.
"""

import hashlib
import math
from base64 import b64encode
from struct import pack
from typing import Annotated, Any, Literal

import msgspec

from adapters.providers.echo.shared import EchoAnswer, as_json, word_count

_DIMENSIONS = 8


class _Request(msgspec.Struct, frozen=True):
    model: str
    input: str | Annotated[list[str | int | list[int]], msgspec.Meta(min_length=1)]
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=4096)] | None = None
    encoding_format: Literal["float", "base64"] = "float"


_REQUEST = msgspec.json.Decoder(_Request)


def embeddings(body: bytes, content_type: str) -> EchoAnswer:
    """A vector for each input."""
    asked = _REQUEST.decode(body)
    inputs: list[Any] = asked.input if isinstance(asked.input, list) else [asked.input]
    if isinstance(inputs[0], int):
        inputs = [inputs]
    data = [
        {"object": "embedding", "index": index, "embedding": _said(_vector(text, asked.dimensions), asked)}
        for index, text in enumerate(inputs)
    ]
    tokens = sum(word_count(text) if isinstance(text, str) else len(text) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return as_json({"object": "list", "data": data, "model": asked.model, "usage": usage})


def _vector(text: str | list[int], dimensions: int | None) -> list[float]:
    count = dimensions or _DIMENSIONS
    drawn = hashlib.shake_256(repr(text).encode()).digest(count)
    numbers = [byte - 127.5 for byte in drawn]
    length = math.hypot(*numbers)
    return [number / length for number in numbers]


def _said(vector: list[float], asked: _Request) -> list[float] | str:
    return b64encode(pack(f"<{len(vector)}f", *vector)).decode() if asked.encoding_format == "base64" else vector
