"""OpenAI's embeddings, for OpenAI and every server that speaks the same: they pass through, and only the usage is read.

https://developers.openai.com/api/reference/resources/embeddings/methods/create
"""

from typing import Any

import msgspec

from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import passing, read, with_model_renamed
from adapters.providers.wire import Count
from domain.chat import Broken, Ended, Event, UsageReported
from domain.usage import Usage

NAME = "openai-embeddings"


class _Usage(msgspec.Struct):
    prompt_tokens: Count = 0
    total_tokens: Count = 0


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    usage: _Usage | None = None
    error: Any = None


_ANSWER = msgspec.json.Decoder(_Answer)


def decode(body: bytes) -> tuple[Event, ...]:
    """The usage of a list of vectors; the vectors go by as they are. A count of 0 is none, and is estimated."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.data:
        return (malformed("it has no vectors"),)
    tokens = answer.usage and (answer.usage.prompt_tokens or answer.usage.total_tokens)
    return (UsageReported(usage=Usage(input_tokens=tokens)), Ended()) if tokens else (Ended(),)


OPENAI_EMBEDDINGS = passing(NAME, "embeddings", decode, with_model_renamed)
