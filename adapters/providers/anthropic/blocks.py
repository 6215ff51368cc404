"""Convert Anthropic's complete answers and content blocks to events.

House rule: a block gives the same events in a complete answer and in a stream; `stream` uses these functions for the
blocks that it has put together.
"""

from typing import Annotated

import msgspec

from adapters.providers.anthropic.failure import error_event, malformed
from adapters.providers.anthropic.usage import reported
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.lenient_json import SPELLED, Lenient
from adapters.providers.tool_arguments import arguments_text
from adapters.providers.usage_counts import UNREPORTED
from domain.dialects.stop_reasons import ANTHROPIC
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


class Block(msgspec.Struct, frozen=True):
    """A content block; its fields depend on its type."""

    type: str = ""
    text: Annotated[str, SPELLED] = ""
    citations: list[msgspec.Raw] | None = None
    thinking: str = ""
    signature: str | None = None
    data: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


_NOT_SET = msgspec.Raw(b"null")


class MessageExtras(msgspec.Struct, frozen=True):
    """Fields next to the content: the container of its code, the edits of its context, the details of a refusal."""

    container: msgspec.Raw = _NOT_SET
    context_management: msgspec.Raw = _NOT_SET
    stop_details: msgspec.Raw = _NOT_SET


class Message(MessageExtras, frozen=True):
    """A complete answer, or the empty one in `message_start`."""

    type: str = "message"
    id: str = ""
    model: str = ""
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: msgspec.Raw = UNREPORTED


# A request without any context edits reports an empty list of them.
_EMPTY = (b"null", b'{"applied_edits":[]}', b'{"applied_edits": []}')

BLOCK = Lenient(Block)
_MESSAGE = Lenient(Message)
_FIELDS = Lenient(dict[str, msgspec.Raw])


def decode(body: bytes) -> tuple[Event, ...]:
    """Return a complete 2xx body as the events that the same answer gives when streamed."""
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
            events += _block_events(block, raw, index, tools)
            tools += block.type == "tool_use"
        has_blocks = len(events) > 1
        events += extra_blocks(message)
        events += reported(message.usage)[1]
    except DECODE_ERRORS as problem:
        return (Broken(failure=malformed(f"the body is not a message: {problem}")),)
    # A compatible server may leave the reason out. The body is complete, so the model has finished if it produced
    # anything.
    reason = message.stop_reason or (("tool_use" if tools else "end_turn") if has_blocks else None)
    return (*events, *finished(reason, message.stop_sequence, tools), Ended())


def _block_events(block: Block, raw: msgspec.Raw, index: int, tool: int) -> tuple[Event, ...]:
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
    """Return a block's text, if it has any."""
    return (TextDelta(text=block.text, block=index),) if block.text else ()


def citations(sources: list[msgspec.Raw] | tuple[msgspec.Raw, ...]) -> tuple[Event, ...]:
    """Return the sources of the text before them."""
    return tuple(CitationDelta(citation=source, dialect="anthropic") for source in sources)


def reasoning(block: Block, index: int) -> tuple[Event, ...]:
    """Return the content of a thinking block; at its start in a stream there is none yet.

    The text is empty, but signed, if the caller asked for `display: omitted`.
    """
    if block.type == "redacted_thinking":
        return (ReasoningDelta(redacted=block.data, block=index),)
    text_events = (ReasoningDelta(text=block.thinking, block=index),) if block.thinking else ()
    return (*text_events, ReasoningDelta(signature=block.signature, block=index)) if block.signature else text_events


def provider_block(name: str, block: msgspec.Raw) -> Event:
    """Return a block that only Anthropic has: the use or result of a hosted tool, a compaction, a container's file."""
    return ProviderBlock(dialect="anthropic", name=name, block=block)


def extra_blocks(extras: MessageExtras) -> tuple[Event, ...]:
    """Return the fields next to the content that are set; only Anthropic has them."""
    fields = ((name, getattr(extras, name)) for name in MessageExtras.__struct_fields__)
    return tuple(
        ProviderBlock(dialect="anthropic", name=name, block=msgspec.Raw(bytes(value)), generated=False)
        for name, value in fields
        if bytes(value) not in _EMPTY
    )


def with_input(block: msgspec.Raw, spelled: str) -> msgspec.Raw:
    """Return a block with the input that was streamed for it.

    Invalid JSON is kept under the key that Anthropic uses for it, so that the input is still an object:
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
    """Return the finish reason, if reported. An unknown reason counts as a normal stop.

    The reason is `tool_calls` if there are `tools` calls, and only then: an agent would wait for them, or pass over
    them.
    """
    if reason is None:
        return ()
    finish: FinishReason = ANTHROPIC.get(reason, "stop")
    if finish in ("stop", "tool_calls") and stop_sequence is None:
        finish = "tool_calls" if tools else "stop"
    return (Finished(reason=finish, stop_sequence=stop_sequence),)
