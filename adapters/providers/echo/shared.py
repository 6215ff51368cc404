"""What every answer of the echo is made of."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeAlias

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
encode = msgspec.json.Encoder().encode


class EchoAnswer(msgspec.Struct, frozen=True):
    """An answer: its pieces are what single reads of it bring."""

    status: int
    content_type: str
    body: bytes | Iterator[bytes]


# What answers at one path: the request's body and its content type to an answer.
Endpoint: TypeAlias = Callable[[bytes, str], EchoAnswer]


class Misfit(Exception):
    """The request asks for what cannot be; the message says what."""


def as_json(value: Any) -> EchoAnswer:
    """A whole answer."""
    return EchoAnswer(200, "application/json", encode(value))


def as_events(pieces: Iterator[bytes]) -> EchoAnswer:
    """A streamed answer."""
    return EchoAnswer(200, "text/event-stream; charset=utf-8", pieces)


def event(value: Any, name: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return b"%bdata: %b\n\n" % (head, encode(value))


def refused(status: int, problem: str) -> EchoAnswer:
    """An error in OpenAI's shape."""
    error = {"message": problem, "type": "invalid_request_error", "param": None, "code": None}
    return EchoAnswer(status, "application/json", encode({"error": error}))


def word_count(text: str) -> int:
    """The tokens of a text, as the echo counts them."""
    return len(text.split())
