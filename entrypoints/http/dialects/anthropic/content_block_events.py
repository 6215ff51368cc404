"""The content of an answer as content-block events: begin a block, add a piece to it, end it.

Rule: at any time at most one block is open, its events are consecutive, and indexes count from 0 without a gap, for any
order of the answer's events.
"""

from typing import Literal, TypeAlias, TypeGuard

import msgspec

from domain.dialects.signatures import is_carrier
from domain.model_api.citations import Source, source_of
from domain.model_api.events import (
    CitationDelta,
    Event,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from entrypoints.http.dialects.signatures import of_call, of_text

Content: TypeAlias = TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta | CitationDelta | ProviderBlock

PieceKind = Literal["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta"]


class Begin(msgspec.Struct, frozen=True):
    """A block begins, as in `content_block_start`: empty, or whole if it gets no pieces."""

    index: int
    block: dict[str, object] | msgspec.Raw


class Piece(msgspec.Struct, frozen=True):
    """The open block grows by text, or by a citation as JSON."""

    index: int
    kind: PieceKind
    value: str | msgspec.Raw


class End(msgspec.Struct, frozen=True):
    """The open block is done."""

    index: int


ContentBlockEvent: TypeAlias = Begin | Piece | End


class _Open(msgspec.Struct, frozen=True):
    """The open block. `key` distinguishes blocks of its type; a `sealed` one takes no more text."""

    kind: Literal["text", "thinking", "tool"]
    key: int = 0
    sealed: bool = False


class _Waiting(msgspec.Struct, frozen=True):
    """Events that wait for the open tool call, the last one first: adding one copies nothing."""

    event: Content
    before: "_Waiting | None"


class BlockState(msgspec.Struct, frozen=True):
    """The open block, the waiting events, the number of blocks, and whether a tool was called or an answer refused.

    `provider_block` has the blocks of other vendors that Anthropic cannot express: they follow the content.
    """

    blocks: int = 0
    open: _Open | None = None
    waiting: _Waiting | None = None
    called: bool = False
    refused: bool = False
    provider_block: tuple[dict[str, object], ...] = ()


_CONTENT = (TextDelta, RefusalDelta, ReasoningDelta, ToolCallDelta, CitationDelta, ProviderBlock)


def is_content(event: Event) -> TypeGuard[Content]:
    """Whether an event is part of the answer's content."""
    return isinstance(event, _CONTENT)


def draw(block_state: BlockState, event: Content) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    """The content-block events of one event; none if it waits, is empty, or is of a choice other than the first."""
    if event.choice != 0:
        return block_state, ()
    open_ = block_state.open
    if open_ is not None and open_.kind == "tool":
        if isinstance(event, ToolCallDelta) and event.index == open_.key:
            return block_state, _arguments(block_state, event.arguments)
        return msgspec.structs.replace(block_state, waiting=_Waiting(event, block_state.waiting)), ()
    return _draw(block_state, event)


def drain(block_state: BlockState) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    """The last events of an answer: the end of the open block, then the events that waited for it."""
    block_state, block_events = _end(block_state)
    waiting, block_state = _in_order(block_state.waiting), msgspec.structs.replace(block_state, waiting=None)
    drawn: set[int] = set()
    for event in waiting:
        if not isinstance(event, ToolCallDelta):
            block_state, more = _draw(block_state, event)
            block_events += more
        elif event.index not in drawn:
            drawn.add(event.index)
            call = [e for e in waiting if isinstance(e, ToolCallDelta) and e.index == event.index]
            block_state, more = _draw(block_state, _joined(call))
            block_state, end = _end(block_state)
            block_events += more + end
    block_state, end = _end(block_state)
    return block_state, block_events + end


def _in_order(waiting: _Waiting | None) -> list[Content]:
    events: list[Content] = []
    while waiting is not None:
        events.append(waiting.event)
        waiting = waiting.before
    return events[::-1]


def _joined(pieces: list[ToolCallDelta]) -> ToolCallDelta:
    """All waiting arguments of one call, as one piece."""
    return ToolCallDelta(
        index=pieces[0].index,
        id=next((piece.id for piece in pieces if piece.id), None),
        name=next((piece.name for piece in pieces if piece.name), None),
        arguments="".join(piece.arguments for piece in pieces),
        signature=next((piece.signature for piece in pieces if piece.signature), None),
    )


def _draw(block_state: BlockState, event: Content) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    """The content-block events of an event while no tool call is open."""
    match event:
        case TextDelta():
            block_state, block_events = _text(block_state, event.text, event.block)
            return _signed(block_state, block_events, None if event.signature is None else of_text(event.signature))
        case RefusalDelta():
            return _text(msgspec.structs.replace(block_state, refused=True), event.text, 0)
        case ReasoningDelta():
            return _reasoning(block_state, event)
        case ToolCallDelta():
            block: dict[str, object] = {
                "type": "tool_use",
                # Some providers give their calls no id, but the result must name one.
                "id": event.id or f"toolu_{event.index}",
                "name": event.name or "",
                "input": {},
            }
            block_state, signed = _signed(
                block_state, (), None if event.signature is None else of_call(event.signature)
            )
            block_state, block_events = _begin(block_state, _Open(kind="tool", key=event.index), block)
            block_state = msgspec.structs.replace(block_state, called=True)
            return block_state, signed + block_events + _arguments(block_state, event.arguments)
        case CitationDelta(dialect="anthropic"):
            return _citation(block_state, event.citation)
        case ProviderBlock(dialect="anthropic", generated=True):
            return _only(block_state, event.block)
        case CitationDelta():
            source = source_of(event)
            if source is not None:
                return _citation(block_state, _web_citation(source))
            return _provider_part(block_state, event.dialect, "citation", event.citation), ()
        case ProviderBlock():
            return _provider_part(block_state, event.dialect, event.name, event.block), ()


def _text(block_state: BlockState, text: str, block: int) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    """A citation is for all the text of its block, so text after one begins another block."""
    if not text:
        return block_state, ()
    open_ = block_state.open
    if open_ is not None and open_.kind == "text" and open_.key == block and not open_.sealed:
        return block_state, (Piece(block_state.blocks - 1, "text_delta", text),)
    block_state, block_events = _begin(block_state, _Open(kind="text", key=block), {"type": "text", "text": ""})
    return block_state, (*block_events, Piece(block_state.blocks - 1, "text_delta", text))


def _provider_part(block_state: BlockState, dialect: str, name: str, block: msgspec.Raw) -> BlockState:
    reported: dict[str, object] = {"dialect": dialect, "name": name, "block": block}
    return msgspec.structs.replace(block_state, provider_block=(*block_state.provider_block, reported))


def _web_citation(source: Source) -> msgspec.Raw:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool#citations."""
    reported = {"type": "web_search_result_location", "url": source.url, "title": source.title,
            "cited_text": source.text, "encrypted_index": ""}  # fmt: skip
    return msgspec.Raw(msgspec.json.encode(reported))


def _citation(block_state: BlockState, citation: msgspec.Raw) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    block_events: tuple[ContentBlockEvent, ...] = ()
    if block_state.open is None or block_state.open.kind != "text":
        block_state, block_events = _begin(block_state, _Open(kind="text"), {"type": "text", "text": ""})
    block_state = msgspec.structs.replace(block_state, open=_Open(kind="text", sealed=True))
    return block_state, (*block_events, Piece(block_state.blocks - 1, "citations_delta", citation))


def _reasoning(block_state: BlockState, event: ReasoningDelta) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    """Reasoning of one block until its signature, which ends a thinking block.

    What the hub carries for a vendor with encrypted signatures signs the summary before it: many clients return only
    signed thinking blocks.
    """
    if event.redacted is not None:
        if block_state.open == _Open(kind="thinking", key=event.block) and is_carrier(event.redacted):
            return _reasoning(block_state, msgspec.structs.replace(event, signature=event.redacted, redacted=None))
        return _only(block_state, {"type": "redacted_thinking", "data": event.redacted})
    if not event.text and not event.signature:
        return block_state, ()
    block_events: tuple[ContentBlockEvent, ...] = ()
    if block_state.open != _Open(kind="thinking", key=event.block):
        empty: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
        block_state, block_events = _begin(block_state, _Open(kind="thinking", key=event.block), empty)
    at = block_state.blocks - 1
    if event.text:
        block_events = (*block_events, Piece(at, "thinking_delta", event.text))
    if event.signature:
        block_events = (*block_events, Piece(at, "signature_delta", event.signature))
        block_state = msgspec.structs.replace(block_state, open=_Open(kind="thinking", key=event.block, sealed=True))
    return block_state, block_events


def _signed(
    block_state: BlockState, before: tuple[ContentBlockEvent, ...], signature: str | None
) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    """An empty thinking block with the signature of a text or a call, after the events before it."""
    if signature is None:
        return block_state, before
    empty: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
    block_state, block_events = _begin(block_state, _Open(kind="thinking", key=-1, sealed=True), empty)
    return block_state, (*before, *block_events, Piece(block_state.blocks - 1, "signature_delta", signature))


def _arguments(block_state: BlockState, arguments: str) -> tuple[ContentBlockEvent, ...]:
    return (Piece(block_state.blocks - 1, "input_json_delta", arguments),) if arguments else ()


def _begin(
    block_state: BlockState, opened: _Open, block: dict[str, object]
) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    block_state, end = _end(block_state)
    return (
        msgspec.structs.replace(block_state, open=opened, blocks=block_state.blocks + 1),
        (*end, Begin(block_state.blocks, block)),
    )


def _only(
    block_state: BlockState, block: dict[str, object] | msgspec.Raw
) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    """A block that is whole when it begins."""
    block_state, end = _end(block_state)
    at = block_state.blocks
    return msgspec.structs.replace(block_state, blocks=at + 1), (*end, Begin(at, block), End(at))


def _end(block_state: BlockState) -> tuple[BlockState, tuple[ContentBlockEvent, ...]]:
    if block_state.open is None:
        return block_state, ()
    return msgspec.structs.replace(block_state, open=None), (End(block_state.blocks - 1),)
