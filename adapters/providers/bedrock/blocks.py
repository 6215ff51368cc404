"""Convert Converse's complete answers and content blocks to events.

House rule: a block gives the same events in a complete answer and in a stream; `stream` uses these functions for the
blocks that it has put together.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

import base64
import binascii

import msgspec

from adapters.providers.bedrock.citations import citation_event
from adapters.providers.bedrock.failure import NAME, malformed
from adapters.providers.bedrock.turns import BASE64_MARK
from adapters.providers.bedrock.usage import Service, reported
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.lenient_json import Lenient
from adapters.providers.tool_arguments import arguments_text
from domain.dialects.stop_reasons import BEDROCK
from domain.model_api.events import (
    Broken,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)

SERVER_TOOL = "server_tool_use"
"""The type of a tool use that Bedrock ran itself; the caller's own tools have another type, or none."""

STARTED = Started(id="", model="")
"""Converse reports neither an id nor a model."""

# "The model's output is malformed": the content before it is no answer. https://docs.aws.amazon.com/bedrock/latest/
# userguide/conversation-inference-call.html
_FAULTS = frozenset(("malformed_model_output", "malformed_tool_use"))


class ToolUse(msgspec.Struct, frozen=True, rename="camel"):
    """The model calls a tool; `type` distinguishes Bedrock's tools from the caller's."""

    tool_use_id: str = ""
    name: str = ""
    type: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _ReasoningText(msgspec.Struct, frozen=True):
    text: str = ""
    signature: str | None = None


class _Reasoning(msgspec.Struct, frozen=True, rename="camel"):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None


class _Text(msgspec.Struct, frozen=True):
    text: str = ""


class _Cited(msgspec.Struct, frozen=True):
    content: list[_Text] | None = None
    citations: list[msgspec.Raw] | None = None


class _Block(msgspec.Struct, frozen=True, rename="camel"):
    """A content block: exactly one of these, or an unknown one."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: _Reasoning | None = None
    citations_content: _Cited | None = None


class _Message(msgspec.Struct, frozen=True):
    content: list[msgspec.Raw]


class _Output(msgspec.Struct, frozen=True):
    message: _Message


class ResponseFields(msgspec.Struct, frozen=True):
    """Additional fields that the caller requested next to the answer, such as Claude's stop sequence."""

    stop_sequence: str | None = None


class _Answer(Service, frozen=True, rename="camel", kw_only=True):
    output: _Output
    stop_reason: str | None = None
    additional_model_response_fields: msgspec.Raw = msgspec.Raw(b"null")
    trace: msgspec.Raw = msgspec.Raw(b"null")


_ANSWER = Lenient(_Answer)
_BLOCK = Lenient(_Block)
_FIELDS = Lenient(dict[str, msgspec.Raw])
_RESPONSE_FIELDS: Lenient[ResponseFields | None] = Lenient(ResponseFields | None)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return a complete 2xx body as the events that the same answer gives when streamed."""
    try:
        answer = _ANSWER.decode(body)
        events: list[Event] = [STARTED]
        tools = 0
        for index, raw in enumerate(answer.output.message.content):
            block_events = _block_events(raw, index, tools)
            events += block_events
            tools += any(isinstance(event, ToolCallDelta) for event in block_events)
        has_blocks = len(events) > 1
        events += extra_blocks(answer.additional_model_response_fields, answer.trace)
        counted = reported(answer)
        # The body is complete, so the model has finished even without a stop reason.
        reason = answer.stop_reason or ("tool_use" if tools else "end_turn" if has_blocks else None)
        reason = "end_turn" if reason == "tool_use" and not tools else reason
        ending = ended(reason, counted, answer.additional_model_response_fields)
    except DECODE_ERRORS as problem:
        return (Broken(failure=malformed(f"the body is not an answer of Converse's: {problem}")),)
    return (*events, *ending)


def extra_blocks(fields: msgspec.Raw, trace: msgspec.Raw) -> tuple[Event, ...]:
    """Return the fields next to the message unchanged: those that a caller requested, and a guardrail's trace."""
    blocks: list[Event] = []
    if set(_FIELDS.part(fields) or ()) - {"stop_sequence"}:
        blocks.append(_extra_block("additionalModelResponseFields", fields))
    if bytes(trace) != b"null":
        blocks.append(_extra_block("trace", trace))
    return tuple(blocks)


def _extra_block(name: str, value: msgspec.Raw) -> Event:
    return ProviderBlock(dialect=NAME, name=name, block=msgspec.Raw(bytes(value)), generated=False)


def ended(reason: str | None, counted: tuple[Event, ...], fields: msgspec.Raw) -> tuple[Event, ...]:
    """Return the finish reason. An unknown reason counts as a normal stop."""
    if reason in _FAULTS:
        return (*counted, Broken(failure=malformed(f"the model ended its answer with {reason}")))
    extra = _RESPONSE_FIELDS.part(fields)
    met = extra.stop_sequence if extra is not None else None
    finished = () if reason is None else (Finished(reason=BEDROCK.get(reason, "stop"), stop_sequence=met),)
    return (*counted, *finished, Ended())


def text(content: str, index: int) -> tuple[Event, ...]:
    """Return text, if there is any."""
    return (TextDelta(text=content, block=index),) if content else ()


def redacted(data: str, index: int) -> Event:
    """Return an encrypted block: base64 of Anthropic's data on the wire, that data itself here."""
    try:
        decoded = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        decoded = BASE64_MARK + data
    return ReasoningDelta(redacted=decoded, block=index)


def provider_block(name: str, block: msgspec.Raw) -> Event:
    """Return a block that only Bedrock has: a tool that it ran itself, an image, a trace."""
    return ProviderBlock(dialect=NAME, name=name, block=msgspec.Raw(bytes(block)))


def _block_events(raw: msgspec.Raw, index: int, tool: int) -> tuple[Event, ...]:
    block = _BLOCK.part(raw) or _Block()
    if block.text is not None:
        return text(block.text, index)
    if block.tool_use is not None and block.tool_use.type != SERVER_TOOL:
        use = block.tool_use
        return (
            ToolCallDelta(index=tool, id=use.tool_use_id, name=use.name),
            ToolCallDelta(index=tool, arguments=arguments_text(use.input)),
        )
    if (
        block.reasoning_content is not None
        and (reasoning := _reasoning_events(block.reasoning_content, index)) is not None
    ):
        return reasoning
    if block.citations_content is not None:
        cited = block.citations_content
        cited_events = text("".join(part.text for part in cited.content or ()), index)
        return (*cited_events, *map(citation_event, cited.citations or ()))
    name = member(_FIELDS.part(raw) or {})
    return () if not name else (provider_block(SERVER_TOOL if name == "toolUse" else name, raw),)


def member(block: dict[str, msgspec.Raw]) -> str:
    """Return the kind of a block: its one member that is set, or a tool use, whatever else is set."""
    present = [name for name, value in block.items() if bytes(value) != b"null"]
    return "toolUse" if "toolUse" in present else next(iter(present), "")


def _reasoning_events(block: _Reasoning, index: int) -> tuple[Event, ...] | None:
    if block.redacted_content is not None:
        return (redacted(block.redacted_content, index),)
    if block.reasoning_text is None:
        return None
    content, signature = block.reasoning_text.text, block.reasoning_text.signature
    text_events = (ReasoningDelta(text=content, block=index),) if content else ()
    return (*text_events, ReasoningDelta(signature=signature, block=index)) if signature else text_events
