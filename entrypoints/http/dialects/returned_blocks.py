"""Blocks that only another dialect can express, which callers send back as the hub returned them.

House rule: only parts of an answer are sent on. Metadata of an answer, such as its sources, is left out, and so are
blocks that could hide more input than their bytes.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from domain.model_api.requests import ProviderPart
from entrypoints.http.decode_errors import JSON_ERRORS

# Google's parts that it expects back on the next turn: its tools' calls and results, code that it ran, images. No
# other part and no further field may come this way: a file by its URL would be more input than its bytes.
_GOOGLES = frozenset(("toolCall", "toolResponse", "executableCode", "codeExecutionResult", "inlineData"))
_SIGNED = frozenset(("thought", "thoughtSignature"))
# Anthropic's: the use of a tool that it runs itself, its result, and the compaction of a long conversation.
_ANTHROPICS = ("server_tool_use", "mcp_tool_use", "compaction")
# Converse's, by their member: the use of a tool that Bedrock ran, and its result.
_BEDROCKS = {"server_tool_use": "toolUse", "toolUse": "toolUse", "toolResult": "toolResult"}
# Parts of a result that may cost more than their bytes; an escape could spell any of the names.
_HIDING = (b'"document"', b'"image"', b'"video"', b'"container_upload"', b"\\u")

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Block(msgspec.Struct):
    """A block as the hub returned it, and as it comes back."""

    dialect: str = ""
    name: str = ""
    block: msgspec.Raw = msgspec.Raw()


def returned(blocks: Iterable[Block]) -> list[ProviderPart]:
    """The blocks that are parts of an answer; metadata is left out."""
    return [
        ProviderPart(dialect=block.dialect, name=block.name, block=block.block) for block in blocks if is_part(block)
    ]


def hides(block: Block) -> Literal["image", "more"] | None:
    """The input of a block besides its bytes: it is an image, or holds something that nothing in the request bounds."""
    if not is_part(block):
        return None
    if block.name == "inlineData":
        return "image"
    return "more" if block.dialect != "google" and any(mark in bytes(block.block) for mark in _HIDING) else None


def is_part(block: Block) -> bool:
    """Whether a block is a part of an answer that its own vendor accepts back."""
    try:
        fields = _FIELDS.decode(block.block)
    except JSON_ERRORS:
        return False
    match block.dialect:
        case "google":
            return block.name in _GOOGLES and fields.keys() - _SIGNED == {block.name}
        case "anthropic":
            named = fields.get("type") is not None and bytes(fields["type"]) == b'"%b"' % block.name.encode()
            return named and (block.name in _ANTHROPICS or block.name.endswith("_tool_result"))
        case "bedrock":
            return block.name in _BEDROCKS and fields.keys() == {_BEDROCKS[block.name]}
        case _:
            return False
