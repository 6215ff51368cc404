"""The echo's embeddings: the same text gives the same vector, of length 1 and by default of eight numbers.

The vectors have no other meaning. One word is one token, and so is each token of an input in tokens.
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
    """Return a vector for each input."""
    request = _REQUEST.decode(body)
    inputs: list[Any] = request.input if isinstance(request.input, list) else [request.input]
    if isinstance(inputs[0], int):
        inputs = [inputs]
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(_vector(text, request.dimensions), request)}
        for index, text in enumerate(inputs)
    ]
    tokens = sum(word_count(text) if isinstance(text, str) else len(text) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return as_json({"object": "list", "data": data, "model": request.model, "usage": usage})


def _vector(text: str | list[int], dimensions: int | None) -> list[float]:
    count = dimensions or _DIMENSIONS
    drawn = hashlib.shake_256(repr(text).encode()).digest(count)
    numbers = [byte - 127.5 for byte in drawn]
    length = math.hypot(*numbers)
    return [number / length for number in numbers]


def _encoded(vector: list[float], request: _Request) -> list[float] | str:
    return b64encode(pack(f"<{len(vector)}f", *vector)).decode() if request.encoding_format == "base64" else vector
