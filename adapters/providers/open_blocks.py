"""Content blocks of a streamed answer that give their events when they stop, as Anthropic and Bedrock stream them."""

from typing import Any, Literal, TypeAlias

import msgspec

from domain.model_api.events import Event, ToolCallDelta


class OpenBlock(msgspec.Struct, frozen=True):
    """A block that has not stopped.

    `tool` is the number of a tool's call. `name` and `block` are of a block that has no event of its own. `chunks` are
    the JSON text of the input so far; of a tool's only the first, to record that the input is not empty.
    """

    kind: Literal["tool", "unknown", "cited"]
    tool: int = 0
    name: str = ""
    block: Any = None
    chunks: tuple[str, ...] = ()
    citations: tuple[msgspec.Raw, ...] = ()


Blocks: TypeAlias = dict[int, OpenBlock]


def add_input(blocks: Blocks, index: int, chunk: str) -> tuple[Blocks, tuple[Event, ...]]:
    """Add a chunk to the input of a tool's block; ValueError if there is none that it can belong to.

    Where the index is invalid, the chunk belongs to the latest block with an input.
    """
    block = blocks.get(index)
    if block is None or block.kind == "cited":
        index = next((at for at, other in reversed(blocks.items()) if other.kind != "cited"), index)
        block = blocks.get(index)
    if block is None or block.kind == "cited":
        raise ValueError(f"it adds to the input of block {index}, which did not start as a tool's")
    if not chunk:
        return blocks, ()
    if block.kind == "unknown":
        return {**blocks, index: msgspec.structs.replace(block, chunks=(*block.chunks, chunk))}, ()
    if not block.chunks:
        blocks = {**blocks, index: msgspec.structs.replace(block, chunks=(chunk,))}
    return blocks, (ToolCallDelta(index=block.tool, arguments=chunk),)


def add_citation(blocks: Blocks, index: int, citation: msgspec.Raw) -> Blocks:
    """Add a citation to a block of text."""
    block = blocks.get(index, OpenBlock(kind="cited"))
    return {**blocks, index: msgspec.structs.replace(block, citations=(*block.citations, citation))}


def stopped(blocks: Blocks, index: int) -> tuple[Blocks, OpenBlock | None]:
    """Remove a block, and return it; None if it gives no events."""
    return {at: other for at, other in blocks.items() if at != index}, blocks.get(index)
