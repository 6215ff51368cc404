"""The echo's images: each is one pixel, and its colour depends on the prompt alone.

A stream has as many partial images as requested, and the finished one.
"""

import hashlib
import re
import zlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from adapters.providers.echo.shared import EchoAnswer, as_events, as_json, event

_Few = Annotated[int, msgspec.Meta(ge=1, le=10)]
_FIELD = re.compile(rb'name="(model|prompt|n|stream)"\r\n\r\n([^\r]*)\r\n')


class _Request(msgspec.Struct, frozen=True):
    model: str
    prompt: Annotated[str, msgspec.Meta(min_length=1)]
    n: _Few | None = None
    stream: bool | None = None
    partial_images: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def images(body: bytes, content_type: str) -> EchoAnswer:
    """Return a pixel for each image."""
    request = _REQUEST.decode(body)
    if request.stream:
        return as_events(_streamed(request, "image_generation"))
    return as_json(_complete(request))


def edits(body: bytes, content_type: str) -> EchoAnswer:
    """Return the same for a form."""
    if not content_type.startswith("multipart/"):
        return images(body, content_type)
    fields = {name.decode(): value.decode("utf-8", "replace") for name, value in _FIELD.findall(body)}
    stream = fields.get("stream", "").lower() in ("true", "1")
    request = _Request(
        model=fields.get("model", ""), prompt=fields.get("prompt", ""), n=int(fields.get("n") or 1), stream=stream
    )
    return as_events(_streamed(request, "image_edit")) if stream else as_json(_complete(request))


def _complete(request: _Request) -> dict[str, Any]:
    pixel = b64encode(_pixel(request.prompt)).decode()
    return {"created": 0, "data": [{"b64_json": pixel}] * (request.n or 1), "output_format": "png", "size": "1x1"}


def _streamed(request: _Request, kind: str) -> Iterator[bytes]:
    pixel = b64encode(_pixel(request.prompt)).decode()
    for number in range(request.partial_images or 0):
        name = f"{kind}.partial_image"
        yield event({"type": name, "b64_json": pixel, "partial_image_index": number}, name)
    yield event({"type": f"{kind}.completed", "b64_json": pixel, "created_at": 0}, f"{kind}.completed")


def _pixel(prompt: str) -> bytes:
    """Return a PNG of one pixel, 8 bits of red, green and blue (https://www.w3.org/TR/png-3)."""
    head = (1).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    line = zlib.compress(b"\x00" + hashlib.sha256(prompt.encode()).digest()[:3])
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in ((b"IHDR", head), (b"IDAT", line), (b"IEND", b"")))


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return len(content).to_bytes(4, "big") + name + content + check.to_bytes(4, "big")
