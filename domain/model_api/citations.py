"""Sources on the web, which every dialect cites in a form of its own.

A `CitationDelta` keeps its provider's JSON. `source_of` returns the part that other dialects can express, too: the
place of the source, and the cited passage of the answer or of the source.
"""

import msgspec

from domain.model_api.events import CitationDelta, TextDelta


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page: its `url` and `title`, and the `text` that is cited.

    `start` and `end` delimit the passage of the answer that cites it, in characters, if the provider reports them.
    """

    url: str
    title: str | None = None
    text: str = ""
    start: int | None = None
    end: int | None = None


class Passage(msgspec.Struct, frozen=True):
    """The last text block of the answer, from `start` to `end`, in characters of all text so far.

    A source without a passage of its own belongs to that block, as Anthropic's do.
    """

    block: int = 0
    start: int = 0
    end: int = 0

    def with_more(self, text: TextDelta) -> "Passage":
        """The passage after more text, of the same block or of the next."""
        start = self.start if text.block == self.block else self.end
        return Passage(text.block, start, self.end + len(text.text))

    def of(self, source: Source) -> Source:
        """The source with this passage, if it has none itself."""
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
    """The cited source on the web; None for a citation of anything else, or of an unknown type.

    OpenAI's `url_citation`, Anthropic's `web_search_result_location`, and Google's, which come as a `Source`.
    """
    try:
        match citation.dialect:
            case "openai":
                cited = msgspec.json.decode(citation.citation, type=_OpenAI).url_citation
                return Source(url=cited.url, title=cited.title, start=cited.start_index, end=cited.end_index)
            case "anthropic":
                location = msgspec.json.decode(citation.citation, type=_Anthropic)
                return Source(url=location.url, title=location.title, text=location.cited_text)
            case _:
                return msgspec.json.decode(citation.citation, type=Source)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
