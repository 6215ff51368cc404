"""What a grounded answer rests on: its sources, as citations of the words that they support.

House rule: `groundingMetadata` itself is kept whole as a block; this says of it what every dialect can say.
https://ai.google.dev/api/generate-content#GroundingMetadata
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
    """A stretch of the answer, counted in bytes; what starts at 0 leaves that out."""

    start_index: int = 0
    end_index: int = 0
    text: str = ""


class _Support(msgspec.Struct, frozen=True, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class Grounding(msgspec.Struct, frozen=True, rename="camel"):
    """What the model searched for, what it found, and which words rest on it."""

    web_search_queries: list[str] | None = None
    image_search_queries: list[str] | None = None
    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None

    @property
    def queries(self) -> set[str]:
        """Every search that was made."""
        return {query for query in (*(self.web_search_queries or ()), *(self.image_search_queries or ())) if query}

    @property
    def places(self) -> bool:
        """Whether a map was asked."""
        return any(chunk.maps is not None for chunk in self.grounding_chunks or ())


GROUNDING = Lenient(Grounding)


def citations(grounding: Grounding, text: str, choice: int) -> tuple[CitationDelta, ...]:
    """One for each source of each supported stretch of the answer's text."""
    chunks, told = grounding.grounding_chunks or [], []
    for support in grounding.grounding_supports or ():
        segment = support.segment or _Segment()
        start = _start(segment, text)
        for index in support.grounding_chunk_indices or ():
            page = (chunks[index].web or chunks[index].maps) if 0 <= index < len(chunks) else None
            if page is None or not page.uri:
                continue
            told.append(
                Source(
                    url=page.uri,
                    title=page.title,
                    text=segment.text,
                    start=start,
                    end=None if start is None else start + len(segment.text),
                )
            )
    return tuple(
        CitationDelta(citation=msgspec.Raw(msgspec.json.encode(source)), dialect=NAME, choice=choice) for source in told
    )


def _start(segment: _Segment, text: str) -> int | None:
    """Where the segment begins, in characters: at its byte if its words stand there, else where they are."""
    if not segment.text:
        return None
    before = text.encode()[: segment.start_index].decode(errors="replace")
    if text.startswith(segment.text, len(before)):
        return len(before)
    found = text.find(segment.text)
    return None if found < 0 else found
