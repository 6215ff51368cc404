"""Anthropic's count of a request's tokens: for callers of Anthropic's dialect only, free, and passed through.

https://platform.claude.com/docs/en/api/messages-count-tokens
"""

import msgspec

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.anthropic.failure import malformed
from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import never
from adapters.providers.lenient_json import Lenient
from domain.model_api.events import Broken, Ended, Event
from domain.model_api.operations import COUNT_TOKENS


class _Counted(msgspec.Struct, frozen=True):
    input_tokens: Count


_COUNTED = Lenient(_Counted)


def _decode(body: bytes) -> tuple[Event, ...]:
    """Check the count, which is passed to the caller unchanged; it is not usage."""
    try:
        _COUNTED.decode(body)
    except DECODE_ERRORS as problem:
        return (Broken(failure=malformed(f"the body is not a count of tokens: {problem}")),)
    return (Ended(),)


ANTHROPIC_COUNT_TOKENS = msgspec.structs.replace(
    ANTHROPIC,
    name=COUNT_TOKENS,
    path=lambda model, stream: "messages/count_tokens",
    encode=never,
    refuses=never,
    decode=_decode,
    start=never,
    step=never,
)
