"""Wire shapes of the Gemini API's answers, and the events of a candidate's parts, complete or streamed.

House rule: a part gives the same events in a complete answer and in a stream. Parts that only Google has — executed
code, the calls and results of its own tools, images — are kept complete, as a `ProviderBlock` with the part's own name.
https://ai.google.dev/api/caching#Part
"""

from typing import Any

import msgspec

from adapters.providers.google.failure import NAME, Status
from adapters.providers.lenient_json import Lenient
from adapters.providers.usage_counts import UNREPORTED
from domain.dialects.signatures import signed_by_google
from domain.model_api.events import Event, ProviderBlock, ReasoningDelta, TextDelta, ToolCallDelta

# Values that mean that the answer failed: its content is missing.
FAULTS = frozenset(("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE"))
# Values that mean that a part is missing, which is a failure only if there is nothing else.
INCOMPLETE = frozenset(("NO_IMAGE", "IMAGE_OTHER", "TOO_MANY_TOOL_CALLS"))

# A part is of the first of these kinds that it has, whatever other fields it has.
_DATA = (
    "inlineData",
    "fileData",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_NOT_DATA = frozenset(("thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution"))


class _FunctionCall(msgspec.Struct, frozen=True):
    name: str = ""
    id: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """The fields of a part that other dialects can express."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None


class _ToolArgs(msgspec.Struct, frozen=True):
    queries: list[str] | None = None


class _ToolCall(msgspec.Struct, frozen=True, rename="camel"):
    tool_type: str = ""
    args: _ToolArgs | None = None


class _WithToolCall(msgspec.Struct, frozen=True, rename="camel"):
    tool_call: _ToolCall | None = None


class Content(msgspec.Struct, frozen=True):
    """The content of a candidate."""

    parts: list[msgspec.Raw] | None = None


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """One choice of an answer, or a chunk of it. Fields that no other dialect has stay JSON."""

    content: Content | None = None
    index: int | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    safety_ratings: msgspec.Raw = msgspec.Raw()
    citation_metadata: msgspec.Raw = msgspec.Raw()
    grounding_metadata: msgspec.Raw = msgspec.Raw()
    url_context_metadata: msgspec.Raw = msgspec.Raw()
    logprobs_result: msgspec.Raw = msgspec.Raw()


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """A complete answer or a chunk."""

    candidates: list[Candidate] | None = None
    prompt_feedback: msgspec.Raw = msgspec.Raw()
    usage_metadata: msgspec.Raw = UNREPORTED
    model_version: str | None = None
    response_id: str | None = None
    error: Status | None = None


class Choice(msgspec.Struct, frozen=True):
    """State of one choice: the numbers of calls and of reasoning blocks, whether such a block is open, and the end.

    `text` is the chunks of its text, the last one first, so that adding one copies nothing. `has_provider_block` is
    true after a part that only Google has.
    """

    calls: int = 0
    blocks: int = 0
    thinking: bool = False
    finished: bool = False
    has_provider_block: bool = False
    text: "_Text | None" = None

    @property
    def has_content(self) -> bool:
        """Whether it has any content for the caller."""
        return bool(self.calls or self.has_provider_block or self.text is not None)

    @property
    def full_text(self) -> str:
        """All of its text."""
        chunks, node = [], self.text
        while node is not None:
            chunks.append(node.chunk)
            node = node.before
        return "".join(reversed(chunks))


class _Text(msgspec.Struct, frozen=True):
    chunk: str
    before: "_Text | None"


RESPONSE = Lenient(Response)
_PART = Lenient(Part)
_TOOL_CALL = Lenient(_WithToolCall)
_FIELDS = Lenient(dict[str, msgspec.Raw])


def part_events(choice: Choice, index: int, raw: msgspec.Raw, answer_id: str, events: list[Event]) -> Choice:
    """Append the events of a part and return the new state of the choice."""
    part = _PART.decode(raw)
    signature = signed_by_google(part.thought_signature) if part.thought_signature else None
    if part.function_call is not None:
        events.append(_call_event(part.function_call, choice.calls, index, answer_id, signature))
        return _after(choice, calls=choice.calls + 1)
    if part.text is not None:
        return _text_events(choice, index, part, signature, events)
    fields = [name for name, value in _FIELDS.decode(raw).items() if bytes(value) != b"null"]
    name = next((name for name in (*_DATA, *fields) if name in fields and name not in _NOT_DATA), None)
    if name is not None:
        events.append(ProviderBlock(dialect=NAME, name=name, block=msgspec.Raw(bytes(raw)), choice=index))
        return _after(choice, has_provider_block=True)
    if signature is not None:
        events.append(TextDelta(text="", signature=signature, choice=index))
    return _after(choice)


def about(name: str, value: Any, index: int = 0) -> ProviderBlock:
    """Return information about the answer that only Google reports, under Google's own name."""
    raw = msgspec.Raw(bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value))
    return ProviderBlock(dialect=NAME, name=name, block=raw, choice=index, generated=False)


def searched(raw: msgspec.Raw) -> list[str]:
    """Return the queries of Google's own search tool in this part, if it has any."""
    call = _TOOL_CALL.decode(raw).tool_call
    if call is None or call.args is None or not call.tool_type.startswith("GOOGLE_SEARCH"):
        return []
    return call.args.queries or []


def _text_events(choice: Choice, index: int, part: Part, signature: str | None, events: list[Event]) -> Choice:
    """Append text or reasoning. A signature closes its block: Google asks not to merge signed and unsigned text."""
    text = part.text or ""
    if not part.thought:
        if text or signature is not None:
            events.append(TextDelta(text=text, signature=signature, choice=index))
            return _after(choice, text=_Text(text, choice.text) if text else choice.text)
        return choice
    if text:
        events.append(ReasoningDelta(text=text, block=choice.blocks, choice=index))
    if signature is not None:
        events.append(ReasoningDelta(signature=signature, block=choice.blocks, choice=index))
        return msgspec.structs.replace(choice, blocks=choice.blocks + 1, thinking=False)
    return msgspec.structs.replace(choice, thinking=bool(text) or choice.thinking)


def _call_event(call: _FunctionCall, number: int, index: int, answer_id: str, signature: str | None) -> ToolCallDelta:
    """Return a complete call. Older models send no id.

    The hub's own is derived from the answer's id, so it is stable.
    """
    given = call.id or f"call_{answer_id or 'google'}_{f'{index}_' if index else ''}{number}"
    arguments = bytes(call.args)
    return ToolCallDelta(
        index=number,
        id=given,
        name=call.name,
        arguments="{}" if arguments == b"null" else msgspec.json.format(arguments, indent=-1).decode(),
        choice=index,
        signature=signature,
    )


def _after(choice: Choice, **more: Any) -> Choice:
    """Return the choice after other content: an open reasoning block is closed."""
    return msgspec.structs.replace(choice, blocks=choice.blocks + choice.thinking, thinking=False, **more)
