"""Anthropic's whole answers, and what its content blocks mean, whole or streamed.

House rule: a block means the same events wherever it stands, so `stream` says with these functions what
it has put together.
"""

from typing import Annotated

import msgspec

from adapters.providers.anthropic.failure import error_event, malformed
from adapters.providers.anthropic.usage import reported
from adapters.providers.arguments import arguments_text
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.lenient_json import SPELLED, Lenient
from adapters.providers.usage_counts import UNREPORTED
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    FinishReason,
    ProviderBlock,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)

# https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}


class Block(msgspec.Struct, frozen=True):
    """A content block; which fields it has depends on its type."""

    type: str = ""
    text: Annotated[str, SPELLED] = ""
    citations: list[msgspec.Raw] | None = None
    thinking: str = ""
    signature: str | None = None
    data: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


_UNSAID = msgspec.Raw(b"null")


class Beside(msgspec.Struct, frozen=True):
    """What stands beside the content: where its code ran, what was cleared from its context, why it was refused."""

    container: msgspec.Raw = _UNSAID
    context_management: msgspec.Raw = _UNSAID
    stop_details: msgspec.Raw = _UNSAID


class Message(Beside, frozen=True):
    """A whole answer, or the empty one in `message_start`."""

    type: str = "message"
    id: str = ""
    model: str = ""
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: msgspec.Raw = UNREPORTED


# Of a context that nothing was cleared from, each request tells that with an empty list.
_NOTHING_DONE = (b"null", b'{"applied_edits":[]}', b'{"applied_edits": []}')

BLOCK = Lenient(Block)
_MESSAGE = Lenient(Message)
_FIELDS = Lenient(dict[str, msgspec.Raw])


def decode(body: bytes) -> tuple[Event, ...]:
    """A whole 2xx body as the events that the same answer gives when streamed."""
    try:
        message = _MESSAGE.decode(body)
        if message.type == "error":
            return (Broken(failure=error_event(body)),)
        if message.content is None:
            return (Broken(failure=malformed("the body is JSON, but not a message with its content")),)
        events: list[Event] = [Started(id=message.id, model=message.model)]
        tools = 0
        for index, raw in enumerate(message.content):
            block = BLOCK.decode(raw)
            events += _whole(block, raw, index, tools)
            tools += block.type == "tool_use"
        is_said = len(events) > 1
        events += asides(message)
        events += reported(message.usage)[1]
    except DECODE_ERRORS as problem:
        return (Broken(failure=malformed(f"the body is not a message: {problem}")),)
    # A look-alike may leave the reason out. The whole body is there, so the model is done, if it was at work at all.
    reason = message.stop_reason or (("tool_use" if tools else "end_turn") if is_said else None)
    return (*events, *finished(reason, message.stop_sequence, tools), Ended())


def _whole(block: Block, raw: msgspec.Raw, index: int, tool: int) -> tuple[Event, ...]:
    match block.type:
        case "text":
            return (*text(block, index), *citations(block.citations or ()))
        case "thinking" | "redacted_thinking":
            return reasoning(block, index)
        case "tool_use":
            return (
                ToolCallDelta(index=tool, id=block.id, name=block.name),
                ToolCallDelta(index=tool, arguments=arguments_text(block.input)),
            )
        case "":
            return text(block, index)
        case name:
            return (provider_block(name, raw),)


def text(block: Block, index: int) -> tuple[Event, ...]:
    """A block's text, if it has some."""
    return (TextDelta(text=block.text, block=index),) if block.text else ()


def citations(sources: list[msgspec.Raw] | tuple[msgspec.Raw, ...]) -> tuple[Event, ...]:
    """The sources for the text before them."""
    return tuple(CitationDelta(citation=source, dialect="anthropic") for source in sources)


def reasoning(block: Block, index: int) -> tuple[Event, ...]:
    """What a thinking block holds; at its start in a stream that is nothing yet.

    The text is empty, but signed, where the caller asked for `display: omitted`.
    """
    if block.type == "redacted_thinking":
        return (ReasoningDelta(redacted=block.data, block=index),)
    said = (ReasoningDelta(text=block.thinking, block=index),) if block.thinking else ()
    return (*said, ReasoningDelta(signature=block.signature, block=index)) if block.signature else said


def provider_block(name: str, block: msgspec.Raw) -> Event:
    """A block that only Anthropic has a word for: a hosted tool's use or result, a compaction, a container's file."""
    return ProviderBlock(dialect="anthropic", name=name, block=block)


def asides(said: Beside) -> tuple[Event, ...]:
    """What an answer tells of itself that only Anthropic has a word for, where it tells it."""
    told = ((name, getattr(said, name)) for name in Beside.__struct_fields__)
    return tuple(
        ProviderBlock(dialect="anthropic", name=name, block=msgspec.Raw(bytes(value)), generated=False)
        for name, value in told
        if bytes(value) not in _NOTHING_DONE
    )


def with_input(block: msgspec.Raw, spelled: str) -> msgspec.Raw:
    """A block with the input that was streamed for it.

    Text that is no JSON is kept under the name that Anthropic gives it, so that it is still an object:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    fields = _FIELDS.decode(block)
    try:
        _FIELDS.decode(spelled.encode())
        fields["input"] = msgspec.Raw(spelled)
    except DECODE_ERRORS:
        fields["input"] = msgspec.Raw(msgspec.json.encode({"INVALID_JSON": spelled}))
    return msgspec.Raw(msgspec.json.encode(fields))


def finished(reason: str | None, stop_sequence: str | None, tools: int) -> tuple[Event, ...]:
    """How the model ended, if told. A reason that is new to us is still the model's own, unforced end.

    It ends in calls only if there are `tools` that it called: agents would wait for them, or ask for ever.
    """
    if reason is None:
        return ()
    told: FinishReason = "stop" if reason == "tool_use" and not tools else _FINISH.get(reason, "stop")
    return (Finished(reason=told, stop_sequence=stop_sequence),)
