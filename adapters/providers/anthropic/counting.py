"""Anthropic's count of a request's tokens: asked by Anthropic's callers alone, free, and passed through.

https://platform.claude.com/docs/en/api/messages-count-tokens
"""

from typing import Annotated, Any, NoReturn

import msgspec

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.anthropic.failure import malformed
from adapters.providers.wire import NONSENSE
from domain.chat import Broken, Ended, Event
from domain.usage import UNITS_MAX
from domain.vendors import COUNT_TOKENS


class _Counted(msgspec.Struct, frozen=True):
    input_tokens: Annotated[int, msgspec.Meta(ge=0, le=UNITS_MAX)]


_COUNTED = msgspec.json.Decoder(_Counted)


def _path(_model: str, _stream: bool) -> str:
    return "messages/count_tokens"


def _decode(body: bytes) -> tuple[Event, ...]:
    """The count itself is for the caller, who gets it as it came; it is no usage."""
    try:
        _COUNTED.decode(body)
    except NONSENSE as problem:
        return (Broken(failure=malformed(f"the body is not a count of tokens: {problem}")),)
    return (Ended(),)


def _never(*_: Any) -> NoReturn:
    raise AssertionError("a count is not translated and does not stream")


ANTHROPIC_COUNT_TOKENS = msgspec.structs.replace(
    ANTHROPIC, name=COUNT_TOKENS, path=_path, encode=_never, refuses=_never, decode=_decode, start=_never, step=_never
)
