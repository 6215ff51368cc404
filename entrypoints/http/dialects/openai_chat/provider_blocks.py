"""What only another dialect has a word for, as it is told in the extension field `provider_blocks`.

House rule: what is told in it names the dialect whose it is; `entrypoints.http.dialects.returned_blocks` reads it
where it comes back.
"""

from typing import Any

from domain.model_api.citations import Passage, Source, source_of
from domain.model_api.events import CitationDelta, ProviderBlock

_NAME = "openai"
_GOOGLE = "google"

# Lists that compatible servers have in a message: OpenRouter's images, what Groq's compound models ran by themselves.
_FIELDS = frozenset(("images", "executed_tools"))


def provider_block(event: CitationDelta | ProviderBlock, passage: Passage) -> dict[str, Any]:
    """A source on the web is an annotation, of the passage or of its own; others are provider-specific blocks.

    Another vendor's citation is both, for its own words may say more, but Google's, which says all in a block.
    """
    if isinstance(event, ProviderBlock) and event.dialect == _NAME and event.name in _FIELDS:
        return {event.name: [event.block]}
    if isinstance(event, ProviderBlock):
        return {"provider_blocks": [{"dialect": event.dialect, "name": event.name, "block": event.block}]}
    if event.dialect == _NAME:
        return {"annotations": [event.citation]}
    source = source_of(event)
    told: dict[str, Any] = {} if source is None else {"annotations": [_annotation(passage.of(source))]}
    if source is None or event.dialect != _GOOGLE:
        told["provider_blocks"] = [{"dialect": event.dialect, "name": "citation", "block": event.citation}]
    return told


def _annotation(source: Source) -> dict[str, Any]:
    """https://developers.openai.com/api/docs/guides/tools-web-search#output-and-citations."""
    told = {"url": source.url, "title": source.title or "", "start_index": source.start, "end_index": source.end}
    return {"type": "url_citation", "url_citation": {name: value for name, value in told.items() if value is not None}}


def is_logprobs(event: CitationDelta | ProviderBlock) -> bool:
    """Whether a block is OpenAI's own `logprobs` of a choice, which stand beside its message."""
    return isinstance(event, ProviderBlock) and (event.dialect, event.name) == (_NAME, "logprobs")


def is_custom_call(event: CitationDelta | ProviderBlock) -> bool:
    """Whether a block is the call of a custom tool, which is a tool call in OpenAI's own dialect."""
    return isinstance(event, ProviderBlock) and (event.dialect, event.name) == (_NAME, "custom_tool_call")
