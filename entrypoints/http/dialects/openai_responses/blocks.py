"""Content of other dialects besides text, thoughts and functions, as items and annotations of the Responses API.

House rule: content that this API can express takes its form; any other is an extension that names its dialect and has
the block as it came: an item or an annotation of type `provider_block`.
"""

from typing import Any

import msgspec

from domain.model_api.citations import Passage, source_of
from domain.model_api.events import CitationDelta, ProviderBlock
from entrypoints.http import one_line_json as lines
from entrypoints.http.dialects.openai_responses.wire import NAME

PROVIDER_BLOCK = "provider_block"
# The types under which callers send such an item back: conversations of an older version have the second.
RETURNED_TYPES = (PROVIDER_BLOCK, "foreign")


class _Custom(msgspec.Struct, frozen=True):
    name: str = ""
    input: str = ""
    namespace: str | None = None


class _CustomCall(msgspec.Struct, frozen=True):
    id: str | None = None
    custom: _Custom = _Custom()


def annotation(event: CitationDelta, passage: Passage) -> Any:
    """A source as an annotation: a page in OpenAI's own fields, and another vendor's citation if that has more.

    Every page has a place: its own, or that of the passage.
    """
    if event.dialect == NAME:
        return one_line(event.citation)
    source = source_of(event)
    if source is not None:
        source = passage.of(source)
        result: dict[str, Any] = {"type": "url_citation", "url": source.url, "title": source.title or ""}
        places = {"start_index": source.start, "end_index": source.end}
        result |= {name: place for name, place in places.items() if place is not None}
        if event.dialect == "anthropic":
            result["provider_block"] = {"dialect": event.dialect, "name": "citation", "block": one_line(event.citation)}
        return result
    return {"type": PROVIDER_BLOCK, "dialect": event.dialect, "name": "citation", "block": one_line(event.citation)}


def provider_item(event: ProviderBlock, mark: str) -> dict[str, Any]:
    """A block as an item; its id is made of `mark`. Both of OpenAI's dialects have calls of custom tools."""
    if (event.dialect, event.name) == ("openai", "custom_tool_call"):
        try:
            call = msgspec.json.decode(event.block, type=_CustomCall)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            call = _CustomCall()
        grouped = {} if call.custom.namespace is None else {"namespace": call.custom.namespace}
        return {
            "id": f"ctc_{mark}",
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": call.id or f"call_{mark}",
            "name": call.custom.name,
            "input": call.custom.input,
            **grouped,
        }
    block = one_line(event.block)
    return {"id": f"fb_{mark}", "type": PROVIDER_BLOCK, "dialect": event.dialect, "name": event.name, "block": block}


def one_line(raw: msgspec.Raw) -> msgspec.Raw:
    """JSON on one line, as an event requires."""
    return msgspec.Raw(lines.one_line(bytes(raw)))
