"""Streams at AIGNE's older paths of chat completions: OpenAI's chunks, each with AIGNE's `delta` next to `choices`.

AIGNE's SDK of these paths reads `delta.role`, `delta.content` and `delta.toolCalls` at the top of a chunk, and OpenAI's
SDKs read `choices`, so both understand the same stream.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from entrypoints.http.decode_errors import JSON_ERRORS
from entrypoints.http.wire import Handler, Reply, Request

_DATA = b"data: {"
_NAMES = {"role": "role", "content": "content", "tool_calls": "toolCalls"}


class _Choice(msgspec.Struct):
    delta: dict[str, msgspec.Raw] | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []


_CHUNK = msgspec.json.Decoder(_Chunk)


def with_deltas(handler: Handler) -> Handler:
    """The handler, whose streams have both forms; whole answers and errors stay as they are."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        async with handler(request) as reply:
            if reply.status == 200 and not isinstance(reply.body, bytes):
                yield msgspec.structs.replace(reply, body=_with_deltas(reply.body))
            else:
                yield reply

    return handle


async def _with_deltas(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream line by line; a line that is not whole yet waits for its rest."""
    rest = b""
    try:
        async for chunk in body:
            *lines, rest = (rest + chunk).split(b"\n")
            yield b"".join(_line(line) + b"\n" for line in lines)
        if rest:
            yield rest
    finally:
        close: Any = getattr(body, "aclose", None)
        if close is not None:
            await close()


def _line(line: bytes) -> bytes:
    if not line.startswith(_DATA):
        return line
    content = line.rstrip()
    try:
        choices = _CHUNK.decode(content[len(_DATA) - 1 :]).choices
    except JSON_ERRORS:
        return line
    delta = choices[0].delta if choices else None
    if delta is None:
        return line
    named = {_NAMES[name]: value for name, value in delta.items() if name in _NAMES}
    return content[:-1] + b',"delta":' + msgspec.json.encode(named) + b"}"
