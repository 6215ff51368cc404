"""Converse's whole answers, and what its content blocks mean, whole or streamed.

House rule: a block means the same events wherever it stands, so `stream` says with these functions what it has put
together.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

import base64
import binascii

import msgspec

from adapters.providers.arguments import arguments_text
from adapters.providers.bedrock.citations import citation_event
from adapters.providers.bedrock.failure import NAME, malformed
from adapters.providers.bedrock.turns import BASE64_MARK
from adapters.providers.bedrock.usage import Service, reported
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.lenient_json import Lenient
from domain.model_api.events import (
    Broken,
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

SERVER_TOOL = "server_tool_use"
"""The type of a tool's use that Bedrock ran itself; the caller's own tools have another, or none."""

STARTED = Started(id="", model="")
"""Converse tells neither an id nor a model."""

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",
    "pause_turn": "pause",
}
# "The model's output is malformed": what was said so far is no answer. https://docs.aws.amazon.com/bedrock/latest/
# userguide/conversation-inference-call.html
_FAULTS = frozenset(("malformed_model_output", "malformed_tool_use"))


class ToolUse(msgspec.Struct, frozen=True, rename="camel"):
    """The model asks for a tool; `type` tells whose it is."""

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
    """A content block: exactly one of these, or one that is new to us."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: _Reasoning | None = None
    citations_content: _Cited | None = None


class _Message(msgspec.Struct, frozen=True):
    content: list[msgspec.Raw]


class _Output(msgspec.Struct, frozen=True):
    message: _Message


class Asides(msgspec.Struct, frozen=True):
    """What the model was asked to say beside its answer; Claude's stop sequence among it."""

    stop_sequence: str | None = None


class _Answer(Service, frozen=True, rename="camel", kw_only=True):
    output: _Output
    stop_reason: str | None = None
    additional_model_response_fields: msgspec.Raw = msgspec.Raw(b"null")
    trace: msgspec.Raw = msgspec.Raw(b"null")


_ANSWER = Lenient(_Answer)
_BLOCK = Lenient(_Block)
_FIELDS = Lenient(dict[str, msgspec.Raw])
_ASIDES: Lenient[Asides | None] = Lenient(Asides | None)


def decode(body: bytes) -> tuple[Event, ...]:
    """A whole 2xx body as the events that the same answer gives when streamed."""
    try:
        answer = _ANSWER.decode(body)
        events: list[Event] = [STARTED]
        tools = 0
        for index, raw in enumerate(answer.output.message.content):
            said = _whole(raw, index, tools)
            events += said
            tools += any(isinstance(event, ToolCallDelta) for event in said)
        is_said = len(events) > 1
        events += asides(answer.additional_model_response_fields, answer.trace)
        counted = reported(answer)
        # The whole body is there, so the model is done, whether it says so or not.
        reason = answer.stop_reason or ("tool_use" if tools else "end_turn" if is_said else None)
        reason = "end_turn" if reason == "tool_use" and not tools else reason
        ending = ended(reason, counted, answer.additional_model_response_fields)
    except DECODE_ERRORS as problem:
        return (Broken(failure=malformed(f"the body is not an answer of Converse's: {problem}")),)
    return (*events, *ending)


def asides(fields: msgspec.Raw, trace: msgspec.Raw) -> tuple[Event, ...]:
    """What stands beside the message, kept as it came: the fields that a caller asked for, and a guardrail's trace."""
    told: list[Event] = []
    if set(_FIELDS.part(fields) or ()) - {"stop_sequence"}:
        told.append(_aside("additionalModelResponseFields", fields))
    if bytes(trace) != b"null":
        told.append(_aside("trace", trace))
    return tuple(told)


def _aside(name: str, said: msgspec.Raw) -> Event:
    return ProviderBlock(dialect=NAME, name=name, block=msgspec.Raw(bytes(said)), generated=False)


def ended(reason: str | None, counted: tuple[Event, ...], fields: msgspec.Raw) -> tuple[Event, ...]:
    """How the answer ended. A reason that is new to us is still the model's own, unforced end."""
    if reason in _FAULTS:
        return (*counted, Broken(failure=malformed(f"the model ended its answer with {reason}")))
    said = _ASIDES.part(fields)
    met = said.stop_sequence if said is not None else None
    finished = () if reason is None else (Finished(reason=_FINISH.get(reason, "stop"), stop_sequence=met),)
    return (*counted, *finished, Ended())


def text(said: str, index: int) -> tuple[Event, ...]:
    """Text, if there is some."""
    return (TextDelta(text=said, block=index),) if said else ()


def redacted(data: str, index: int) -> Event:
    """An encrypted block: on the wire base64 of what Anthropic calls its data, here that data itself."""
    try:
        decoded = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        decoded = BASE64_MARK + data
    return ReasoningDelta(redacted=decoded, block=index)


def provider_block(name: str, block: msgspec.Raw) -> Event:
    """What only Bedrock has a word for: a tool that it ran itself, an image, a trace."""
    return ProviderBlock(dialect=NAME, name=name, block=msgspec.Raw(bytes(block)))


def _whole(raw: msgspec.Raw, index: int, tool: int) -> tuple[Event, ...]:
    block = _BLOCK.part(raw) or _Block()
    if block.text is not None:
        return text(block.text, index)
    if block.tool_use is not None and block.tool_use.type != SERVER_TOOL:
        use = block.tool_use
        return (
            ToolCallDelta(index=tool, id=use.tool_use_id, name=use.name),
            ToolCallDelta(index=tool, arguments=arguments_text(use.input)),
        )
    if block.reasoning_content is not None and (thought := _thought(block.reasoning_content, index)) is not None:
        return thought
    if block.citations_content is not None:
        cited = block.citations_content
        said = text("".join(part.text for part in cited.content or ()), index)
        return (*said, *map(citation_event, cited.citations or ()))
    name = kind(_FIELDS.part(raw) or {})
    return () if not name else (provider_block(SERVER_TOOL if name == "toolUse" else name, raw),)


def kind(block: dict[str, msgspec.Raw]) -> str:
    """What a block is: the one member that says something, or a tool's use, whatever stands beside it."""
    said = [name for name, value in block.items() if bytes(value) != b"null"]
    return "toolUse" if "toolUse" in said else next(iter(said), "")


def _thought(said: _Reasoning, index: int) -> tuple[Event, ...] | None:
    if said.redacted_content is not None:
        return (redacted(said.redacted_content, index),)
    if said.reasoning_text is None:
        return None
    thought, signature = said.reasoning_text.text, said.reasoning_text.signature
    spoken = (ReasoningDelta(text=thought, block=index),) if thought else ()
    return (*spoken, ReasoningDelta(signature=signature, block=index)) if signature else spoken
