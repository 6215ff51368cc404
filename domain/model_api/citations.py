"""Sources on the web, which every dialect cites in words of its own.

A `CitationDelta` keeps its provider's JSON. `source_of` tells what of it other dialects have words for too: where the
source is, and which words of the answer, or of the source, are meant.
"""

import msgspec

from domain.model_api.events import CitationDelta, TextDelta


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page: its `url` and `title`, and the `text` that is cited.

    `start` and `end` are where the answer's text rests on it, counted in characters, where that is told.
    """

    url: str
    title: str | None = None
    text: str = ""
    start: int | None = None
    end: int | None = None


class Passage(msgspec.Struct, frozen=True):
    """The text block that was said last, from `start` to `end`, in characters of all the text before and in it.

    A source that does not say which words rest on it is a source of that block, as Anthropic's are.
    """

    block: int = 0
    start: int = 0
    end: int = 0

    def with_more(self, said: TextDelta) -> "Passage":
        """The passage after more text, of the same block or of the next."""
        start = self.start if said.block == self.block else self.end
        return Passage(said.block, start, self.end + len(said.text))

    def of(self, source: Source) -> Source:
        """The source with its place, where it told none itself."""
        if source.start is not None:
            return source
        return msgspec.structs.replace(source, start=self.start, end=self.end)


class _OpenAIUrl(msgspec.Struct, frozen=True):
    url: str
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _OpenAI(msgspec.Struct, frozen=True):
    url_citation: _OpenAIUrl


class _Anthropic(msgspec.Struct, frozen=True):
    url: str
    title: str | None = None
    cited_text: str = ""


def source_of(citation: CitationDelta) -> Source | None:
    """The source on the web that is cited; None for a citation of anything else, or by a word that is not known here.

    OpenAI's `url_citation`, Anthropic's `web_search_result_location`, and Google's, which come as a `Source`.
    """
    try:
        match citation.dialect:
            case "openai":
                told = msgspec.json.decode(citation.citation, type=_OpenAI).url_citation
                return Source(url=told.url, title=told.title, start=told.start_index, end=told.end_index)
            case "anthropic":
                said = msgspec.json.decode(citation.citation, type=_Anthropic)
                return Source(url=said.url, title=said.title, text=said.cited_text)
            case _:
                return msgspec.json.decode(citation.citation, type=Source)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
