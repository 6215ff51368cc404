"""Common parts of the echo's answers."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeAlias

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
encode = msgspec.json.Encoder().encode


class EchoAnswer(msgspec.Struct, frozen=True):
    """An answer: each chunk is one read of its body."""

    status: int
    content_type: str
    body: bytes | Iterator[bytes]


# A handler of one path: from the request's body and its content type to an answer.
Endpoint: TypeAlias = Callable[[bytes, str], EchoAnswer]


class Misfit(Exception):
    """The request is invalid; the message says why."""


def as_json(value: Any) -> EchoAnswer:
    """Return a complete answer."""
    return EchoAnswer(200, "application/json", encode(value))


def as_events(chunks: Iterator[bytes]) -> EchoAnswer:
    """Return a streamed answer."""
    return EchoAnswer(200, "text/event-stream; charset=utf-8", chunks)


def event(value: Any, name: str = "") -> bytes:
    """Return one server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return b"%bdata: %b\n\n" % (head, encode(value))


def refused(status: int, problem: str) -> EchoAnswer:
    """Return an error in OpenAI's format."""
    error = {"message": problem, "type": "invalid_request_error", "param": None, "code": None}
    return EchoAnswer(status, "application/json", encode({"error": error}))


def word_count(text: str) -> int:
    """Return the tokens of a text, as the echo counts them."""
    return len(text.split())
