"""Sending a signed message to the operator's webhook."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message: the status of the answer, or why there is none. `error` is None if it was accepted."""

    status: int | None = None
    error: str | None = None


class WebhookSender(Protocol):
    """Sends messages by HTTP; redirects are not followed."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """The outcome, within a few seconds; it raises nothing."""
        ...
