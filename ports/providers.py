"""Calling a provider: one method opens an attempt, one checks in advance whether it can."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Event
from domain.model_api.requests import ModelRequest
from domain.refusals import UnsupportedParameter


class Chunk(msgspec.Struct, frozen=True):
    """The result of one read from the provider: `raw` for a caller of the same dialect, `events` for all callers.

    `raw` is whole server-sent events (or the whole JSON body), already without the parts that the caller must not see.
    It is None if the answer does not have the requested form, whole or streamed, so its events have to be rendered.
    The events of a read with the terminal marker end with `Ended` and come as a chunk of their own, so that the books
    can be settled before the terminal bytes.
    """

    raw: bytes | None
    events: tuple[Event, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The provider accepted the attempt. `chunks` ends after an `Ended` or a `Broken` event, always one of them.

    `headers` are those worth relaying (lower case), never the provider's cookies or framing headers. `content_type`
    is the provider's.
    """

    status: int
    content_type: str = ""
    headers: tuple[tuple[str, str], ...]
    chunks: AsyncIterator[Chunk]


class Providers(Protocol):
    """Every provider of the hub, reached through its dialect."""

    def unsupported(self, dialect: str, request: ModelRequest) -> UnsupportedParameter | tuple[str, ...]:
        """The promise of the request that the provider's dialect would break, or else the fields that it leaves out.

        Only fields that the caller should know of are named. Pure.
        """
        ...

    def open(
        self, attempt: Attempt, call: ModelCall, request: ModelRequest | None
    ) -> AbstractAsyncContextManager[Answer | Failure]:
        """Make the attempt; leaving the context closes the provider's connection.

        `request` is None if both sides use the same dialect: then the call's own fields pass through, with the model's
        name, the usage option and the output cap replaced. Never raises for a provider's behaviour.
        """
        ...
