"""Blocks that only another dialect has a word for, which callers hand back as the hub gave them.

House rule: only what was part of an answer goes on; what was told about it, such as its sources, is left out, and so is
whatever could hide more input than the bytes that it comes in.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from domain.model_api.requests import ProviderPart

# Parts of Google's that it wants back on the next turn: its tools' calls and results, code that it ran, images. No
# other part may come this way, and nothing beside it: a file by its address would be more than the bytes that it has.
_GOOGLES = frozenset(("toolCall", "toolResponse", "executableCode", "codeExecutionResult", "inlineData"))
_SIGNED = frozenset(("thought", "thoughtSignature"))
# Anthropic's: the use of a tool that it runs itself, what came of it, and what it made of a long conversation.
_ANTHROPICS = ("server_tool_use", "mcp_tool_use", "compaction")
# Converse's, by the member that they have: the use of a tool that Bedrock ran, and what came of it.
_BEDROCKS = {"server_tool_use": "toolUse", "toolUse": "toolUse", "toolResult": "toolResult"}
# What may stand in a result and cost more than its bytes; an escape could spell any word.
_HIDING = (b'"document"', b'"image"', b'"video"', b'"container_upload"', b"\\u")

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NONSENSE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Block(msgspec.Struct):
    """A block as it was told, and as it comes back."""

    dialect: str = ""
    name: str = ""
    block: msgspec.Raw = msgspec.Raw()


def returned(blocks: Iterable[Block]) -> list[ProviderPart]:
    """The blocks that are parts of what was said; what was told about it is left out."""
    return [
        ProviderPart(dialect=block.dialect, name=block.name, block=block.block) for block in blocks if is_part(block)
    ]


def hides(block: Block) -> Literal["image", "more"] | None:
    """What a block costs beside its bytes: it is an image, or holds something that nothing in the request bounds."""
    if not is_part(block):
        return None
    if block.name == "inlineData":
        return "image"
    return "more" if block.dialect != "google" and any(mark in bytes(block.block) for mark in _HIDING) else None


def is_part(block: Block) -> bool:
    """Whether a block is a part of an answer that its own vendor takes back."""
    try:
        fields = _FIELDS.decode(block.block)
    except _NONSENSE:
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
