"""How long an attempt may take to begin while another can be tried."""

from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

import anyio
import msgspec

from domain.failures import Failure
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call_context import CallContext

HELD_BACK_MS = 2_000

T = TypeVar("T")


class StartTimeout(msgspec.Struct, frozen=True):
    """How long a call's stream may take to begin (None: as long as a provider may be silent).

    An announced text is held back for at most `held_back_ms`, see `first_chunk.py`. A part of an image or of audio is
    no announcement.
    """

    begin_ms: int | None = None
    held_back_ms: int = 0


def start_timeout(context: CallContext, ask: Ask, another: Literal["provider", "candidate"] | None) -> StartTimeout:
    """The start timeout of an attempt, if `another` could be tried instead; otherwise none.

    Silence ends an attempt only for another provider, since one that may have worked is not asked again.
    """
    if another is None or not ask.call.stream:
        return StartTimeout()  # The first piece of a whole answer is its last.
    alias = ask.route.alias if ask.route is not None else None
    own_ms = alias.first_token_timeout_ms if alias is not None else None
    begin_ms = context.first_token_timeout_ms if own_ms is None else own_ms
    begin_ms = begin_ms if another == "provider" else None
    announced = ask.call.kind.text
    return StartTimeout(begin_ms, (HELD_BACK_MS if begin_ms is None else begin_ms) if announced else 0)


def in_time(limit_ms: int | None, begun: Coroutine[Any, Any, T | Failure]) -> Coroutine[Any, Any, T | Failure]:
    """The result of `begun`, or a failure if it took longer than the limit and was cancelled. None is no limit.

    The provider may have worked and may charge for it, as after every time-out.
    """
    return begun if limit_ms is None else _in_time(limit_ms, begun)


async def _in_time(limit_ms: int, begun: Coroutine[Any, Any, T | Failure]) -> T | Failure:
    with anyio.move_on_after(limit_ms / 1000):
        return await begun
    return Failure(kind="timed_out", message=f"the provider brought no first token within {limit_ms} ms")
