"""What only another dialect has a word for, in the extension field `foreign_blocks`: told, and handed back.

House rule: what is told in it names the dialect whose it is, and goes back to a provider of that dialect alone; another
refuses it by name.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.chat import CitationDelta, Foreign, ForeignBlock
from domain.citations import Passage, Source, source_of
from entrypoints.http.openai.problem import JSON_ERRORS

_NAME = "openai"
_GOOGLE = "google"
# Parts of Google's that it wants back on the next turn: its tools' calls and results, code that it ran, pictures. No
# other part may come this way, and nothing beside it: a file by its address would be more than the bytes that it has.
_PARTS = frozenset(("toolCall", "toolResponse", "executableCode", "codeExecutionResult", "inlineData"))
_SIGNED = frozenset(("thought", "thoughtSignature"))


class WireForeign(msgspec.Struct):
    """A block as it was told."""

    dialect: str = ""
    name: str = ""
    block: msgspec.Raw = msgspec.Raw()


# Lists that compatible servers have in a message: OpenRouter's pictures, what Groq's compound models ran by themselves.
_FIELDS = frozenset(("images", "executed_tools"))


def foreign(event: CitationDelta | ForeignBlock, passage: Passage) -> dict[str, Any]:
    """A source on the web is an annotation, of the passage or of its own; else it is a foreign block with its dialect.

    Another vendor's citation is both, for its own words may say more, but Google's, which says all in a block.
    """
    if isinstance(event, ForeignBlock) and event.dialect == _NAME and event.name in _FIELDS:
        return {event.name: [event.block]}
    if isinstance(event, ForeignBlock):
        return {"foreign_blocks": [{"dialect": event.dialect, "name": event.name, "block": event.block}]}
    if event.dialect == _NAME:
        return {"annotations": [event.citation]}
    source = source_of(event)
    told: dict[str, Any] = {} if source is None else {"annotations": [_annotation(passage.of(source))]}
    if source is None or event.dialect != _GOOGLE:
        told["foreign_blocks"] = [{"dialect": event.dialect, "name": "citation", "block": event.citation}]
    return told


def _annotation(source: Source) -> dict[str, Any]:
    """https://developers.openai.com/api/docs/guides/tools-web-search#output-and-citations."""
    told = {"url": source.url, "title": source.title or "", "start_index": source.start, "end_index": source.end}
    return {"type": "url_citation", "url_citation": {name: value for name, value in told.items() if value is not None}}


def is_logprobs(event: CitationDelta | ForeignBlock) -> bool:
    """Whether a block is OpenAI's own `logprobs` of a choice, which stand beside its message."""
    return isinstance(event, ForeignBlock) and (event.dialect, event.name) == (_NAME, "logprobs")


def is_custom_call(event: CitationDelta | ForeignBlock) -> bool:
    """Whether a block is the call of a custom tool, which is a tool call in OpenAI's own dialect."""
    return isinstance(event, ForeignBlock) and (event.dialect, event.name) == (_NAME, "custom_tool_call")


def returned(blocks: Sequence[WireForeign] | None) -> list[Foreign]:
    """The blocks that are parts of what was said; what was told about it, such as its sources, is left out."""
    return [
        Foreign(dialect=block.dialect, name=block.name, block=block.block)
        for block in blocks or ()
        if block.dialect == _GOOGLE and block.name in _PARTS and _fields(block.block) - _SIGNED == {block.name}
    ]


def _fields(block: msgspec.Raw) -> set[str]:
    try:
        return {*msgspec.json.decode(block, type=dict[str, msgspec.Raw])}
    except JSON_ERRORS:
        return set()
