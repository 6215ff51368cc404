"""What only another dialect has a word for, in the extension field `foreign_blocks`: told, and handed back.

House rule: what is told in it names the dialect whose it is, and goes back to a provider of that dialect alone; another
refuses it by name.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.chat import CitationDelta, Foreign, ForeignBlock
from entrypoints.http.openai.problem import JSON_ERRORS

_NAME = "openai"
# Parts of Google's that it wants back on the next turn: its tools' calls and results, code that it ran, pictures.
_GOOGLE = "google"


class WireForeign(msgspec.Struct):
    """A block as it was told."""

    dialect: str = ""
    name: str = ""
    block: msgspec.Raw = msgspec.Raw()


def foreign(event: CitationDelta | ForeignBlock) -> dict[str, Any]:
    """OpenAI's own citation is an annotation; everything else is a foreign block that names its dialect."""
    if isinstance(event, ForeignBlock):
        return {"foreign_blocks": [{"dialect": event.dialect, "name": event.name, "block": event.block}]}
    if event.dialect == _NAME:
        return {"annotations": [event.citation]}
    return {"foreign_blocks": [{"dialect": event.dialect, "name": "citation", "block": event.citation}]}


def returned(blocks: Sequence[WireForeign] | None) -> list[Foreign]:
    """The blocks that are parts of what was said; what was told about it, such as its sources, is left out."""
    return [
        Foreign(dialect=block.dialect, name=block.name, block=block.block)
        for block in blocks or ()
        if block.dialect == _GOOGLE and block.name in _fields(block.block)
    ]


def _fields(block: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(block, type=dict[str, msgspec.Raw])
    except JSON_ERRORS:
        return {}
