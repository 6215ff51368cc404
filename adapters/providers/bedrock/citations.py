"""Convert citations between Converse's form and Anthropic's.

House rule: a citation with a location that Anthropic also has becomes Anthropic's, so that a caller of that dialect can
read it. A web page becomes a `Source`, which every caller's dialect can express. Any other stays as it came. On the
next turn citations are converted back to Converse's form.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html
https://platform.claude.com/docs/en/build-with-claude/citations
"""

from typing import Any

import msgspec

from adapters.providers.bedrock.failure import NAME
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.lenient_json import Lenient
from domain.model_api.citations import Source
from domain.model_api.events import CitationDelta, Event


class _Place(msgspec.Struct, frozen=True, rename="camel"):
    document_index: int = 0
    search_result_index: int = 0
    start: int = 0
    end: int = 0


class _Web(msgspec.Struct, frozen=True):
    url: str | None = None


class _Location(msgspec.Struct, frozen=True, rename="camel"):
    document_char: _Place | None = None
    document_page: _Place | None = None
    document_chunk: _Place | None = None
    search_result_location: _Place | None = None
    web: _Web | None = None


class _Text(msgspec.Struct, frozen=True):
    text: str = ""


class _Citation(msgspec.Struct, frozen=True, rename="camel"):
    title: str | None = None
    source: str | None = None
    source_content: list[_Text] | None = None
    location: _Location | None = None


class _Theirs(msgspec.Struct, frozen=True):
    """Anthropic's citation, as its caller sends it back."""

    type: str
    cited_text: str = ""
    document_index: int | None = None
    document_title: str | None = None
    title: str | None = None
    source: str | None = None
    search_result_index: int | None = None
    start_char_index: int | None = None
    end_char_index: int | None = None
    start_page_number: int | None = None
    end_page_number: int | None = None
    start_block_index: int | None = None
    end_block_index: int | None = None


_CITATION = Lenient(_Citation)
_THEIRS = Lenient(list[_Theirs])
_PLACES = (
    ("document_char", "documentChar", "char_location", "char_index"),
    ("document_page", "documentPage", "page_location", "page_number"),
    ("document_chunk", "documentChunk", "content_block_location", "block_index"),
)


def citation_event(raw: msgspec.Raw) -> Event:
    """Return a citation of Converse as an event."""
    decoded = _CITATION.decode(raw)
    if (theirs := _as_anthropic(decoded)) is not None:
        return CitationDelta(citation=msgspec.Raw(msgspec.json.encode(theirs)), dialect="anthropic")
    web = decoded.location.web if decoded.location is not None else None
    if web is None or web.url is None:
        return CitationDelta(citation=msgspec.Raw(bytes(raw)), dialect=NAME)
    source = Source(url=web.url, title=decoded.title, text=_quoted(decoded))
    return CitationDelta(citation=msgspec.Raw(msgspec.json.encode(source)), dialect=NAME)


def cited_text(text: str, citations: msgspec.Raw) -> dict[str, Any] | None:
    """Return text with Anthropic's citations as a Converse block; None if Converse cannot express one of them."""
    try:
        converted = [_as_converse(citation) for citation in _THEIRS.decode(citations)]
    except DECODE_ERRORS:
        return None
    if not all(converted):
        return None
    return {"citationsContent": {"content": [{"text": text}], "citations": converted}}


def _quoted(citation: _Citation) -> str:
    return "".join(part.text for part in citation.source_content or ())


def _as_anthropic(citation: _Citation) -> dict[str, Any] | None:
    quoted = _quoted(citation)
    if citation.location is None:
        return None
    for field, _, kind, unit in _PLACES:
        place: _Place | None = getattr(citation.location, field)
        if place is not None:
            return {
                "type": kind,
                "cited_text": quoted,
                "document_index": place.document_index,
                "document_title": citation.title,
                f"start_{unit}": place.start,
                f"end_{unit}": place.end,
            }
    place = citation.location.search_result_location
    if place is None:
        return None
    return {
        "type": "search_result_location",
        "cited_text": quoted,
        "source": citation.source or "",
        "title": citation.title,
        "search_result_index": place.search_result_index,
        "start_block_index": place.start,
        "end_block_index": place.end,
    }


def _as_converse(theirs: _Theirs) -> dict[str, Any] | None:
    converted: dict[str, Any] = {"sourceContent": [{"text": theirs.cited_text}]} if theirs.cited_text else {}
    if (title := theirs.document_title or theirs.title) is not None:
        converted["title"] = title
    for _, ours, kind, unit in _PLACES:
        if theirs.type == kind:
            start, end = getattr(theirs, f"start_{unit}"), getattr(theirs, f"end_{unit}")
            place = {"documentIndex": theirs.document_index or 0, "start": start or 0, "end": end or 0}
            return {**converted, "location": {ours: place}}
    if theirs.type != "search_result_location":
        return None
    if theirs.source is not None:
        converted["source"] = theirs.source
    place = {
        "searchResultIndex": theirs.search_result_index or 0,
        "start": theirs.start_block_index or 0,
        "end": theirs.end_block_index or 0,
    }
    return {**converted, "location": {"searchResultLocation": place}}
