"""Citations, which Converse and Anthropic tell of the same documents in words of their own.

House rule: a citation whose place Anthropic has a word for is told as Anthropic's, so that a caller of that dialect
reads it; a page on the web as a `Source`, which every caller's dialect has words for; any other is told
as it came. What goes back with the next turn is told in Converse's words again.

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
    """Anthropic's citation, as its caller hands it back."""

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
    """A citation of Converse's as an event."""
    said = _CITATION.decode(raw)
    if (theirs := _as_anthropic(said)) is not None:
        return CitationDelta(citation=msgspec.Raw(msgspec.json.encode(theirs)), dialect="anthropic")
    web = said.location.web if said.location is not None else None
    if web is None or web.url is None:
        return CitationDelta(citation=msgspec.Raw(bytes(raw)), dialect=NAME)
    source = Source(url=web.url, title=said.title, text=_quoted(said))
    return CitationDelta(citation=msgspec.Raw(msgspec.json.encode(source)), dialect=NAME)


def cited_text(text: str, citations: msgspec.Raw) -> dict[str, Any] | None:
    """Text with Anthropic's citations as a block of Converse's; None if one of them has no word there."""
    try:
        told = [_as_converse(citation) for citation in _THEIRS.decode(citations)]
    except DECODE_ERRORS:
        return None
    if not all(told):
        return None
    return {"citationsContent": {"content": [{"text": text}], "citations": told}}


def _quoted(said: _Citation) -> str:
    return "".join(part.text for part in said.source_content or ())


def _as_anthropic(said: _Citation) -> dict[str, Any] | None:
    quoted = _quoted(said)
    if said.location is None:
        return None
    for field, _, kind, unit in _PLACES:
        place: _Place | None = getattr(said.location, field)
        if place is not None:
            return {
                "type": kind,
                "cited_text": quoted,
                "document_index": place.document_index,
                "document_title": said.title,
                f"start_{unit}": place.start,
                f"end_{unit}": place.end,
            }
    place = said.location.search_result_location
    if place is None:
        return None
    return {
        "type": "search_result_location",
        "cited_text": quoted,
        "source": said.source or "",
        "title": said.title,
        "search_result_index": place.search_result_index,
        "start_block_index": place.start,
        "end_block_index": place.end,
    }


def _as_converse(theirs: _Theirs) -> dict[str, Any] | None:
    told: dict[str, Any] = {"sourceContent": [{"text": theirs.cited_text}]} if theirs.cited_text else {}
    if (title := theirs.document_title or theirs.title) is not None:
        told["title"] = title
    for _, ours, kind, unit in _PLACES:
        if theirs.type == kind:
            start, end = getattr(theirs, f"start_{unit}"), getattr(theirs, f"end_{unit}")
            place = {"documentIndex": theirs.document_index or 0, "start": start or 0, "end": end or 0}
            return {**told, "location": {ours: place}}
    if theirs.type != "search_result_location":
        return None
    if theirs.source is not None:
        told["source"] = theirs.source
    place = {
        "searchResultIndex": theirs.search_result_index or 0,
        "start": theirs.start_block_index or 0,
        "end": theirs.end_block_index or 0,
    }
    return {**told, "location": {"searchResultLocation": place}}
