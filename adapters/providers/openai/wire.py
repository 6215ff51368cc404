"""What answers in OpenAI's dialect look like on the wire, where it means something.

The shapes are those of https://developers.openai.com/api/reference/resources/chat, stretched to what compatible servers
send.
"""

from typing import Annotated, Any

import msgspec

from adapters.providers.lenient_json import SPELLED
from adapters.providers.openai.tool_calls import Piece, PieceFunction
from adapters.providers.usage_counts import UNTOLD, is_told
from domain.dialects.openrouter_reasoning import Detail


class ContentPart(msgspec.Struct, frozen=True):
    """A piece of content that is a list: Mistral sends `text` and `thinking` parts, OpenAI may send `refusal`.

    One that says none of these is kept as it came, such as Mistral's `reference` to what it rests on.
    """

    type: str = ""
    text: str | None = None
    thinking: "str | list[ContentPart] | None" = None
    refusal: str | None = None


class Delta(msgspec.Struct, frozen=True):
    """A delta of a chunk, or the message of a whole answer."""

    content: Annotated[str | list[msgspec.Raw] | None, SPELLED] = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    refusal: str | None = None
    annotations: list[msgspec.Raw] | None = None
    audio: Any = None
    images: Any = None
    executed_tools: Any = None
    tool_calls: list[Piece] | None = None
    function_call: PieceFunction | None = None


class Choice(msgspec.Struct, frozen=True):
    """One choice, of a chunk (`delta`) or of a whole answer (`message`). Moonshot tells the usage in it."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    error: Any = None
    logprobs: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = UNTOLD


class Groq(msgspec.Struct, frozen=True):
    """Where Groq puts what others put beside the choices."""

    usage: msgspec.Raw = UNTOLD
    error: Any = None


class Answer(msgspec.Struct, frozen=True):
    """A chunk or a whole answer."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: msgspec.Raw = UNTOLD
    error: Any = None
    x_groq: Groq | None = None
    service_tier: Any = None
    citations: Any = None


def usage_elsewhere(chunk: Answer) -> msgspec.Raw:
    """The usage object where it is not on the chunk: in Groq's own part, in a choice."""
    if chunk.x_groq is not None and is_told(chunk.x_groq.usage):
        return chunk.x_groq.usage
    for choice in chunk.choices or ():
        if is_told(choice.usage):
            return choice.usage
    return UNTOLD
