"""What the output items of an answer mean, whole or as the pieces of a stream left them.

House rule: a whole answer and the same answer streamed give the same events: what a stream's deltas said of an item is
not said again when the item is done, and what they did not say is.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.lenient_json import SPELLED, Lenient
from adapters.providers.openai_responses.failure import NAME
from domain.dialects.openrouter_reasoning import RESPONSES as FORMAT
from domain.dialects.openrouter_reasoning import Detail, thought_of
from domain.model_api.events import (
    CitationDelta,
    Event,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)


class Part(msgspec.Struct, frozen=True):
    """A part of a message (output_text, refusal) or of reasoning (summary_text, reasoning_text)."""

    type: str = ""
    text: Annotated[str | None, SPELLED] = None
    refusal: str | None = None
    annotations: list[msgspec.Raw] | None = None
    logprobs: list[msgspec.Raw] | None = None


class Item(msgspec.Struct, frozen=True):
    """An output item; which fields it has depends on its type."""

    type: str = ""
    id: str | None = None
    content: list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Annotated[str | None, SPELLED] = None


class Seen(msgspec.Struct, frozen=True):
    """What a stream has said of an item: its tool call, whether it said anything, the part it is at, its citations."""

    call: int | None = None
    said: bool = False
    part: tuple[str, int] = ("", 0)
    citations: int = 0


class _UrlCitation(msgspec.Struct, frozen=True):
    type: str = ""
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


_ITEM = Lenient(Item)
_TYPED = Lenient(_Typed)
_READ = frozenset({"message", "reasoning", "function_call"})
_CITATION = Lenient(_UrlCitation)
BETWEEN_PARTS = "\n\n"


def read(raw: msgspec.Raw) -> Item:
    """The item; of one that only this API knows nothing but its type, for its fields have shapes of their own."""
    kind = (_TYPED.part(raw) or _Typed()).type
    return _ITEM.decode(raw) if kind in _READ else Item(type=kind)


def begun(item: Item, calls: int) -> tuple[Event, ...]:
    """The first word about an item: only a tool call has one, its id and name."""
    if item.type != "function_call":
        return ()
    return (ToolCallDelta(index=calls, id=item.call_id or item.id or f"call_{calls}", name=item.name),)


def done(item: Item, raw: msgspec.Raw, index: int, seen: Seen) -> list[Event]:
    """All that was not said of the item before it was done."""
    match item.type:
        case "message":
            return _message(item, index, seen)
        case "reasoning":
            return _reasoning(item, index, seen)
        case "function_call":
            arguments = item.arguments if not seen.said else None
            return [ToolCallDelta(index=seen.call or 0, arguments=arguments)] if arguments else []
        case "custom_tool_call":
            return [custom_tool_call(raw)]
        case "":
            return []
        case name:
            return [ProviderBlock(dialect=NAME, name=name, block=raw)]


def _message(item: Item, index: int, seen: Seen) -> list[Event]:
    events: list[Event] = []
    cited = 0
    for part in item.content or ():
        if part.text and not seen.said:
            events.append(TextDelta(text=part.text, block=index))
        if part.refusal and not seen.said:
            events.append(RefusalDelta(text=part.refusal))
        for annotation in part.annotations or ():
            cited += 1
            if cited > seen.citations:
                events.append(citation(annotation))
    likely = [logprob for part in item.content or () for logprob in part.logprobs or ()]
    if likely:
        block = msgspec.Raw(msgspec.json.encode({"content": likely}))
        events.append(ProviderBlock(dialect="openai", name="logprobs", block=block, generated=False))
    return events


def _reasoning(item: Item, index: int, seen: Seen) -> list[Event]:
    """Its text, summary before content, and the encrypted block with the id under which OpenAI takes it back."""
    texts = [part.text for part in (*(item.summary or ()), *(item.content or ())) if part.text]
    events: list[Event] = []
    if texts and not seen.said:
        events.append(ReasoningDelta(text=BETWEEN_PARTS.join(texts), block=index))
    if item.encrypted_content:
        detail = Detail(type="reasoning.encrypted", data=item.encrypted_content, id=item.id, format=FORMAT)
        events.append(ReasoningDelta(redacted=thought_of(detail).redacted, block=index))
    return events


def citation(annotation: msgspec.Raw) -> CitationDelta:
    """An annotation; a URL's in the shape of chat completions, which nests what is flat here."""
    raw = msgspec.Raw(bytes(annotation))
    try:
        told = _CITATION.decode(raw)
    except DECODE_ERRORS:
        return CitationDelta(citation=raw, dialect=NAME)
    if told.type != "url_citation":
        return CitationDelta(citation=raw, dialect=NAME)
    inner = {name: getattr(told, name) for name in ("url", "title", "start_index", "end_index")}
    nested = {"type": told.type, "url_citation": {name: value for name, value in inner.items() if value is not None}}
    return CitationDelta(citation=msgspec.Raw(msgspec.json.encode(nested)), dialect="openai")


class _Custom(msgspec.Struct, frozen=True):
    call_id: str | None = None
    id: str | None = None
    name: str = ""
    input: Annotated[str, SPELLED] = ""


_CUSTOM = Lenient(_Custom)


def custom_tool_call(raw: msgspec.Raw) -> ProviderBlock:
    """The call of a custom tool, in the shape of chat completions: both of OpenAI's dialects have a word for it."""
    told = _CUSTOM.decode(raw)
    block = {"id": told.call_id or told.id, "type": "custom", "custom": {"name": told.name, "input": told.input}}
    return ProviderBlock(dialect="openai", name="custom_tool_call", block=msgspec.Raw(msgspec.json.encode(block)))


def whole(outputs: Iterable[msgspec.Raw]) -> tuple[list[Event], int]:
    """The events of all items of an answer that nothing was said of, and how many tools were called."""
    events: list[Event] = []
    calls = 0
    for index, output in enumerate(outputs):
        raw = msgspec.Raw(bytes(output))
        item = read(raw)
        events += begun(item, calls)
        events += done(item, raw, index, Seen(call=calls))
        calls += item.type == "function_call"
    return events, calls
