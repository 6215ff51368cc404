"""What AIGNE's native calls beside chat have in common: files that come along, and answers that tell their charge."""

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
    """An image that comes along."""

    type: Literal["file", "url", "local"]
    data: str | None = None
    url: str | None = None
    mime_type: str = "image/png"


def misplaced(field: str, file: File | None) -> BadRequest | None:
    """What is wrong with a file that stands on the caller's own disk, where the hub cannot read it."""
    if file is None or file.type != "local":
        return None
    problem = "The hub cannot read files of your machine. Send the data as a file."
    return BadRequest(field=f"{field}.path", problem=problem)


def charged(input_tokens: int, output_tokens: int, headers: Mapping[str, str]) -> dict[str, Any]:
    """The usage as the client wants it, the credits that the headers tell as a JSON number, exact all the same."""
    usage: dict[str, Any] = {"inputTokens": input_tokens, "outputTokens": output_tokens}
    if "x-aihub-charge" in headers:
        usage["aigneHubCredits"] = msgspec.Raw(headers["x-aihub-charge"].encode())
    return usage


def reworded(hub: CallContext, dialect: CallerDialect, in_aignes_words: Callable[[Reply], Reply]) -> Handler:
    """The handler of a call whose answer is put into AIGNE's words once it is settled; an error stays as it is."""
    ask = chat_handler(hub, dialect)

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        async with ask(request) as reply:
            yield in_aignes_words(reply) if reply.status == 200 and isinstance(reply.body, bytes) else reply

    return handle
