"""Convert the sources of a grounded answer to citations of the text that they support.

House rule: `groundingMetadata` itself is kept complete as a provider-specific block; the citations are what every
dialect can express. https://ai.google.dev/api/generate-content#GroundingMetadata
"""

import msgspec

from adapters.providers.google.failure import NAME
from adapters.providers.lenient_json import Lenient
from domain.model_api.citations import Source
from domain.model_api.events import CitationDelta


class _Web(msgspec.Struct, frozen=True):
    uri: str = ""
    title: str | None = None


class _Chunk(msgspec.Struct, frozen=True):
    web: _Web | None = None
    maps: _Web | None = None


class _Segment(msgspec.Struct, frozen=True, rename="camel"):
    """A segment of the answer, counted in bytes; Google leaves a start of 0 out."""

    start_index: int = 0
    end_index: int = 0
    text: str = ""


class _Support(msgspec.Struct, frozen=True, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class Grounding(msgspec.Struct, frozen=True, rename="camel"):
    """The model's searches, their results, and the segments that rest on them."""

    web_search_queries: list[str] | None = None
    image_search_queries: list[str] | None = None
    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None

    @property
    def queries(self) -> set[str]:
        """Return every search that was made."""
        return {query for query in (*(self.web_search_queries or ()), *(self.image_search_queries or ())) if query}

    @property
    def places(self) -> bool:
        """Whether Google Maps was used."""
        return any(chunk.maps is not None for chunk in self.grounding_chunks or ())


GROUNDING = Lenient(Grounding)


def citations(grounding: Grounding, text: str, choice: int) -> tuple[CitationDelta, ...]:
    """Return a citation for each source of each supported segment of the answer's text."""
    chunks, found = grounding.grounding_chunks or [], []
    for support in grounding.grounding_supports or ():
        segment = support.segment or _Segment()
        start = _start(segment, text)
        for index in support.grounding_chunk_indices or ():
            page = (chunks[index].web or chunks[index].maps) if 0 <= index < len(chunks) else None
            if page is None or not page.uri:
                continue
            found.append(
                Source(
                    url=page.uri,
                    title=page.title,
                    text=segment.text,
                    start=start,
                    end=None if start is None else start + len(segment.text),
                )
            )
    return tuple(
        CitationDelta(citation=msgspec.Raw(msgspec.json.encode(source)), dialect=NAME, choice=choice)
        for source in found
    )


def _start(segment: _Segment, text: str) -> int | None:
    """Return where the segment begins, in characters.

    At its byte if its text is there, else where its text is found.
    """
    if not segment.text:
        return None
    before = text.encode()[: segment.start_index].decode(errors="replace")
    if text.startswith(segment.text, len(before)):
        return len(before)
    found = text.find(segment.text)
    return None if found < 0 else found
