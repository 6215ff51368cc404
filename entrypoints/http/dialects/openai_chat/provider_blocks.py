"""Blocks that only another dialect can express, in the extension field `provider_blocks`.

House rule: each block names its dialect; `entrypoints.http.dialects.returned_blocks` reads blocks that clients send
back.
"""

from typing import Any

from domain.model_api.citations import Passage, Source, source_of
from domain.model_api.events import CitationDelta, ProviderBlock

_NAME = "openai"
_GOOGLE = "google"

# Lists that compatible servers have in a message: OpenRouter's images, what Groq's compound models ran by themselves.
_FIELDS = frozenset(("images", "executed_tools"))


def provider_block(event: CitationDelta | ProviderBlock, passage: Passage) -> dict[str, Any]:
    """A web source as an annotation of its own place or of the passage; other sources as provider-specific blocks.

    Another vendor's citation is both, since the vendor's form may have more fields; Google's is only a block.
    """
    if isinstance(event, ProviderBlock) and event.dialect == _NAME and event.name in _FIELDS:
        return {event.name: [event.block]}
    if isinstance(event, ProviderBlock):
        return {"provider_blocks": [{"dialect": event.dialect, "name": event.name, "block": event.block}]}
    if event.dialect == _NAME:
        return {"annotations": [event.citation]}
    source = source_of(event)
    reported: dict[str, Any] = {} if source is None else {"annotations": [_annotation(passage.of(source))]}
    if source is None or event.dialect != _GOOGLE:
        reported["provider_blocks"] = [{"dialect": event.dialect, "name": "citation", "block": event.citation}]
    return reported


def _annotation(source: Source) -> dict[str, Any]:
    """https://developers.openai.com/api/docs/guides/tools-web-search#output-and-citations."""
    reported = {"url": source.url, "title": source.title or "", "start_index": source.start, "end_index": source.end}
    return {
        "type": "url_citation",
        "url_citation": {name: value for name, value in reported.items() if value is not None},
    }


def is_logprobs(event: CitationDelta | ProviderBlock) -> bool:
    """Whether a block is OpenAI's own `logprobs` of a choice, which are next to its message."""
    return isinstance(event, ProviderBlock) and (event.dialect, event.name) == (_NAME, "logprobs")


def is_custom_call(event: CitationDelta | ProviderBlock) -> bool:
    """Whether a block is the call of a custom tool, which is a tool call in OpenAI's own dialect."""
    return isinstance(event, ProviderBlock) and (event.dialect, event.name) == (_NAME, "custom_tool_call")
