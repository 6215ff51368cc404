"""The common parts of AIGNE's native calls besides chat: files in requests, and answers that report their charge."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec

from domain.refusals import BadRequest
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.model_call import chat_handler
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext


class File(msgspec.Struct, rename="camel"):
    """An image in the request."""

    type: Literal["file", "url", "local"]
    data: str | None = None
    url: str | None = None
    mime_type: str = "image/png"


def misplaced(field: str, file: File | None) -> BadRequest | None:
    """The problem with a file on the caller's own disk, where the hub cannot read it."""
    if file is None or file.type != "local":
        return None
    problem = "The hub cannot read files of your machine. Send the data as a file."
    return BadRequest(field=f"{field}.path", problem=problem)


def charged(input_tokens: int, output_tokens: int, headers: Mapping[str, str]) -> dict[str, Any]:
    """The usage as the client expects it, with the credits of the headers as an exact JSON number."""
    usage: dict[str, Any] = {"inputTokens": input_tokens, "outputTokens": output_tokens}
    if "x-aihub-charge" in headers:
        usage["aigneHubCredits"] = msgspec.Raw(headers["x-aihub-charge"].encode())
    return usage


def reworded(hub: CallContext, dialect: CallerDialect, in_aignes_shape: Callable[[Reply], Reply]) -> Handler:
    """The handler of a call whose answer gets AIGNE's shape once it is settled; an error stays as it is."""
    ask = chat_handler(hub, dialect)

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        async with ask(request) as reply:
            yield in_aignes_shape(reply) if reply.status == 200 and isinstance(reply.body, bytes) else reply

    return handle
