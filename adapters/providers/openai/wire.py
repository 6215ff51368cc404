"""Wire shapes of answers in OpenAI's dialect, limited to the fields that the hub uses.

The shapes are those of https://developers.openai.com/api/reference/resources/chat, widened for compatible servers.
"""

from typing import Annotated, Any

import msgspec

from adapters.providers.lenient_json import SPELLED
from adapters.providers.openai.tool_calls import FunctionChunk, ToolCallChunk
from adapters.providers.usage_counts import UNREPORTED, is_reported
from domain.dialects.openrouter_reasoning import Detail


class ContentPart(msgspec.Struct, frozen=True):
    """A part of a content list: Mistral sends `text` and `thinking` parts, OpenAI may send `refusal`.

    A part of another type is kept unchanged, such as Mistral's `reference` to a source.
    """

    type: str = ""
    text: str | None = None
    thinking: "str | list[ContentPart] | None" = None
    refusal: str | None = None


class Delta(msgspec.Struct, frozen=True):
    """The delta of a chunk, or the message of a complete answer."""

    content: Annotated[str | list[msgspec.Raw] | None, SPELLED] = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    refusal: str | None = None
    annotations: list[msgspec.Raw] | None = None
    audio: Any = None
    images: Any = None
    executed_tools: Any = None
    tool_calls: list[ToolCallChunk] | None = None
    function_call: FunctionChunk | None = None


class Choice(msgspec.Struct, frozen=True):
    """One choice, of a chunk (`delta`) or of a complete answer (`message`). Moonshot reports the usage in it."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    error: Any = None
    logprobs: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = UNREPORTED


class Groq(msgspec.Struct, frozen=True):
    """Groq's object for fields that other servers put next to the choices."""

    usage: msgspec.Raw = UNREPORTED
    error: Any = None


class Answer(msgspec.Struct, frozen=True):
    """A chunk or a complete answer."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: msgspec.Raw = UNREPORTED
    error: Any = None
    x_groq: Groq | None = None
    service_tier: Any = None
    citations: Any = None


def usage_elsewhere(chunk: Answer) -> msgspec.Raw:
    """Return the usage object if it is not on the chunk itself: in Groq's object or in a choice."""
    if chunk.x_groq is not None and is_reported(chunk.x_groq.usage):
        return chunk.x_groq.usage
    for choice in chunk.choices or ():
        if is_reported(choice.usage):
            return choice.usage
    return UNREPORTED
