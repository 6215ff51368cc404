"""Answers of the Gemini API as they look on the wire, and what a candidate's parts mean, whole or streamed.

House rule: a part means the same events wherever it stands. What only Google has a word for — code that it ran, its
own tools' calls and results, images — is kept whole, as a `ProviderBlock` by the part's own name.
https://ai.google.dev/api/caching#Part
"""

from typing import Any

import msgspec

from adapters.providers.google.failure import NAME, Status
from adapters.providers.lenient_json import Lenient
from adapters.providers.usage_counts import UNREPORTED
from domain.dialects.signatures import signed_by_google
from domain.model_api.events import Event, FinishReason, ProviderBlock, ReasoningDelta, TextDelta, ToolCallDelta

# https://ai.google.dev/api/generate-content#FinishReason. A word that nobody knows is a plain stop: the text is whole.
FINISHES: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "JAILBREAK": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    # A tool that was never declared. The call is there, and the caller can tell the model what is wrong with it.
    "UNEXPECTED_TOOL_CALL": "tool_calls",
}

# These say that the answer failed: what the model meant to say is not in it.
FAULTS = frozenset(("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE"))
# And these that something is not in it, which is a failure where nothing else is.
LACKS = frozenset(("NO_IMAGE", "IMAGE_OTHER", "TOO_MANY_TOOL_CALLS"))

# A part is one of these, whatever stands beside it.
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
    """A part as far as other dialects have words for it."""

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
    """What a candidate says."""

    parts: list[msgspec.Raw] | None = None


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """One choice of an answer, or a piece of it. What has no word elsewhere stays JSON."""

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
    """A whole answer or a chunk."""

    candidates: list[Candidate] | None = None
    prompt_feedback: msgspec.Raw = msgspec.Raw()
    usage_metadata: msgspec.Raw = UNREPORTED
    model_version: str | None = None
    response_id: str | None = None
    error: Status | None = None


class Choice(msgspec.Struct, frozen=True):
    """What one choice said so far: how many calls, how many blocks of thinking, whether one is open, and the end.

    `text` are the pieces of its text, the last one first: adding one copies nothing. `shown` says that there was a
    part that only Google has a word for.
    """

    calls: int = 0
    blocks: int = 0
    thinking: bool = False
    finished: bool = False
    shown: bool = False
    text: "_Text | None" = None

    @property
    def spoke(self) -> bool:
        """Whether there is anything in it that was meant for somebody."""
        return bool(self.calls or self.shown or self.text is not None)

    @property
    def said(self) -> str:
        """All of its text."""
        pieces, piece = [], self.text
        while piece is not None:
            pieces.append(piece.piece)
            piece = piece.before
        return "".join(reversed(pieces))


class _Text(msgspec.Struct, frozen=True):
    piece: str
    before: "_Text | None"


RESPONSE = Lenient(Response)
_PART = Lenient(Part)
_TOOL_CALL = Lenient(_WithToolCall)
_FIELDS = Lenient(dict[str, msgspec.Raw])


def heard(choice: Choice, index: int, raw: msgspec.Raw, answer_id: str, events: list[Event]) -> Choice:
    """Append what a part says; the choice after it."""
    part = _PART.decode(raw)
    signature = signed_by_google(part.thought_signature) if part.thought_signature else None
    if part.function_call is not None:
        events.append(_called(part.function_call, choice.calls, index, answer_id, signature))
        return _after(choice, calls=choice.calls + 1)
    if part.text is not None:
        return _said(choice, index, part, signature, events)
    said = [name for name, value in _FIELDS.decode(raw).items() if bytes(value) != b"null"]
    name = next((name for name in (*_DATA, *said) if name in said and name not in _NOT_DATA), None)
    if name is not None:
        events.append(ProviderBlock(dialect=NAME, name=name, block=msgspec.Raw(bytes(raw)), choice=index))
        return _after(choice, shown=True)
    if signature is not None:
        events.append(TextDelta(text="", signature=signature, choice=index))
    return _after(choice)


def about(name: str, told: Any, index: int = 0) -> ProviderBlock:
    """Something that only Google has a word for about the answer, by Google's own name."""
    raw = msgspec.Raw(bytes(told) if isinstance(told, msgspec.Raw) else msgspec.json.encode(told))
    return ProviderBlock(dialect=NAME, name=name, block=raw, choice=index, generated=False)


def searched(raw: msgspec.Raw) -> list[str]:
    """What Google's own tool was asked to search for in this part, where the part tells it."""
    call = _TOOL_CALL.decode(raw).tool_call
    if call is None or call.args is None or not call.tool_type.startswith("GOOGLE_SEARCH"):
        return []
    return call.args.queries or []


def _said(choice: Choice, index: int, part: Part, signature: str | None, events: list[Event]) -> Choice:
    """Text or thinking. A signature closes its block: Google asks not to merge what is signed with what is not."""
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


def _called(call: _FunctionCall, number: int, index: int, answer_id: str, signature: str | None) -> ToolCallDelta:
    """A call, whole. Older models give it no id; one of our own is made of the answer's: the same on every reading."""
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
    """The choice after something that is no thinking: a block of thinking that was open is over."""
    return msgspec.structs.replace(choice, blocks=choice.blocks + choice.thinking, thinking=False, **more)
