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
    """What one read from the provider brought: `raw` for a caller of the same dialect, `events` for everyone.

    `raw` is whole server-sent events (or the whole JSON body), already without what the caller must not see; None where
    the answer has not the form that was asked for, whole or streamed, and its events have to be rendered in that form.
    The events of one read that holds the terminal word end with `Ended` and come as a chunk of their own, so
    that the books can be settled between what comes before it and the terminal bytes.
    """

    raw: bytes | None
    events: tuple[Event, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The provider accepted the attempt. `chunks` ends after an `Ended` or a `Broken` event, always one of them.

    `headers` are those worth relaying (lower case), never the provider's cookies or framing headers. `content_type`
    is what the provider calls its body.
    """

    status: int
    content_type: str = ""
    headers: tuple[tuple[str, str], ...]
    chunks: AsyncIterator[Chunk]


class Providers(Protocol):
    """Every provider of the hub, reached through its dialect."""

    def unsupported(self, dialect: str, request: ModelRequest) -> UnsupportedParameter | tuple[str, ...]:
        """The promise of the request that the provider's dialect would break, or else the fields that it leaves out.

        Only fields that the caller should hear of are named. Pure.
        """
        ...

    def open(
        self, attempt: Attempt, call: ModelCall, request: ModelRequest | None
    ) -> AbstractAsyncContextManager[Answer | Failure]:
        """Make the attempt; leaving the context closes the provider's connection.

        `request` is None if both sides use the same dialect: then the call's own fields pass through, with the model's
        name, the usage option and the output cap replaced. Never raises for what a provider does.
        """
        ...
