"""Convert the output items of an answer to events, both complete and at the end of their stream.

House rule: a complete answer and the same answer streamed give the same events. When an item is done, only the content
that its deltas did not already give becomes events.
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
    """An output item; its fields depend on its type."""

    type: str = ""
    id: str | None = None
    content: list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Annotated[str | None, SPELLED] = None


class Seen(msgspec.Struct, frozen=True):
    """What a stream has sent of an item: its tool call, whether it has content, its latest part, its citations."""

    call: int | None = None
    has_content: bool = False
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
    """Return the item. For a type that only this API has, only the type is read.

    Its fields have shapes of their own.
    """
    item_type = (_TYPED.part(raw) or _Typed()).type
    return _ITEM.decode(raw) if item_type in _READ else Item(type=item_type)


def started_item(item: Item, calls: int) -> tuple[Event, ...]:
    """Return the first event of an item: only a tool call has one, with its id and name."""
    if item.type != "function_call":
        return ()
    return (ToolCallDelta(index=calls, id=item.call_id or item.id or f"call_{calls}", name=item.name),)


def finished_item(item: Item, raw: msgspec.Raw, index: int, seen: Seen) -> list[Event]:
    """Return the events of a finished item that its deltas did not give."""
    match item.type:
        case "message":
            return _message(item, index, seen)
        case "reasoning":
            return _reasoning(item, index, seen)
        case "function_call":
            arguments = item.arguments if not seen.has_content else None
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
        if part.text and not seen.has_content:
            events.append(TextDelta(text=part.text, block=index))
        if part.refusal and not seen.has_content:
            events.append(RefusalDelta(text=part.refusal))
        for annotation in part.annotations or ():
            cited += 1
            if cited > seen.citations:
                events.append(citation(annotation))
    logprobs = [logprob for part in item.content or () for logprob in part.logprobs or ()]
    if logprobs:
        block = msgspec.Raw(msgspec.json.encode({"content": logprobs}))
        events.append(ProviderBlock(dialect="openai", name="logprobs", block=block, generated=False))
    return events


def _reasoning(item: Item, index: int, seen: Seen) -> list[Event]:
    """Return the text, summary before content, and the encrypted block with the id that OpenAI expects with it."""
    texts = [part.text for part in (*(item.summary or ()), *(item.content or ())) if part.text]
    events: list[Event] = []
    if texts and not seen.has_content:
        events.append(ReasoningDelta(text=BETWEEN_PARTS.join(texts), block=index))
    if item.encrypted_content:
        detail = Detail(type="reasoning.encrypted", data=item.encrypted_content, id=item.id, format=FORMAT)
        events.append(ReasoningDelta(redacted=thought_of(detail).redacted, block=index))
    return events


def citation(annotation: msgspec.Raw) -> CitationDelta:
    """Return an annotation; a URL citation has the nested shape of chat completions, which is flat here."""
    raw = msgspec.Raw(bytes(annotation))
    try:
        decoded = _CITATION.decode(raw)
    except DECODE_ERRORS:
        return CitationDelta(citation=raw, dialect=NAME)
    if decoded.type != "url_citation":
        return CitationDelta(citation=raw, dialect=NAME)
    inner = {name: getattr(decoded, name) for name in ("url", "title", "start_index", "end_index")}
    nested = {"type": decoded.type, "url_citation": {name: value for name, value in inner.items() if value is not None}}
    return CitationDelta(citation=msgspec.Raw(msgspec.json.encode(nested)), dialect="openai")


class _Custom(msgspec.Struct, frozen=True):
    call_id: str | None = None
    id: str | None = None
    name: str = ""
    input: Annotated[str, SPELLED] = ""


_CUSTOM = Lenient(_Custom)


def custom_tool_call(raw: msgspec.Raw) -> ProviderBlock:
    """Return the call of a custom tool in the shape of chat completions; both of OpenAI's dialects have such calls."""
    call = _CUSTOM.decode(raw)
    block = {"id": call.call_id or call.id, "type": "custom", "custom": {"name": call.name, "input": call.input}}
    return ProviderBlock(dialect="openai", name="custom_tool_call", block=msgspec.Raw(msgspec.json.encode(block)))


def complete_items(outputs: Iterable[msgspec.Raw]) -> tuple[list[Event], int]:
    """Return the events of all items of a complete answer, and the number of tool calls."""
    events: list[Event] = []
    calls = 0
    for index, output in enumerate(outputs):
        raw = msgspec.Raw(bytes(output))
        item = read(raw)
        events += started_item(item, calls)
        events += finished_item(item, raw, index, Seen(call=calls))
        calls += item.type == "function_call"
    return events, calls
