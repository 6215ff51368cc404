"""The content of an answer as strokes: begin a block, add a piece to it, end it.

House rule: at any time at most one block is open, its strokes are consecutive, and indexes count from 0 without a gap,
whatever the order of the events.
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
    """A block begins, as `content_block_start` shows it: empty, or whole if it gets no pieces."""

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


Stroke: TypeAlias = Begin | Piece | End


class _Open(msgspec.Struct, frozen=True):
    """The open block. `key` tells blocks of its kind apart; a `sealed` one takes no more text."""

    kind: Literal["text", "thinking", "tool"]
    key: int = 0
    sealed: bool = False


class _Waiting(msgspec.Struct, frozen=True):
    """Events that wait for the open tool call, the last one first: adding one copies nothing."""

    event: Content
    before: "_Waiting | None"


class BlockState(msgspec.Struct, frozen=True):
    """What is open, what waits, how many blocks there are, and whether a tool was called or an answer refused.

    `provider_block` is what another vendor said and Anthropic has no block for: it stands beside the content, at the
    end.
    """

    blocks: int = 0
    open: _Open | None = None
    waiting: _Waiting | None = None
    called: bool = False
    refused: bool = False
    provider_block: tuple[dict[str, object], ...] = ()


_CONTENT = (TextDelta, RefusalDelta, ReasoningDelta, ToolCallDelta, CitationDelta, ProviderBlock)


def is_content(event: Event) -> TypeGuard[Content]:
    """Whether an event is part of what the answer says."""
    return isinstance(event, _CONTENT)


def draw(desk: BlockState, event: Content) -> tuple[BlockState, tuple[Stroke, ...]]:
    """The strokes of one event; none if it waits, says nothing, or is of a choice that Anthropic has no place for."""
    if event.choice != 0:
        return desk, ()
    open_ = desk.open
    if open_ is not None and open_.kind == "tool":
        if isinstance(event, ToolCallDelta) and event.index == open_.key:
            return desk, _arguments(desk, event.arguments)
        return msgspec.structs.replace(desk, waiting=_Waiting(event, desk.waiting)), ()
    return _draw(desk, event)


def drain(desk: BlockState) -> tuple[BlockState, tuple[Stroke, ...]]:
    """What is left at the end: the open block is ended, and what waited for it follows."""
    desk, strokes = _end(desk)
    waiting, desk = _in_order(desk.waiting), msgspec.structs.replace(desk, waiting=None)
    drawn: set[int] = set()
    for event in waiting:
        if not isinstance(event, ToolCallDelta):
            desk, more = _draw(desk, event)
            strokes += more
        elif event.index not in drawn:
            drawn.add(event.index)
            call = [e for e in waiting if isinstance(e, ToolCallDelta) and e.index == event.index]
            desk, more = _draw(desk, _joined(call))
            desk, end = _end(desk)
            strokes += more + end
    desk, end = _end(desk)
    return desk, strokes + end


def _in_order(waiting: _Waiting | None) -> list[Content]:
    events: list[Content] = []
    while waiting is not None:
        events.append(waiting.event)
        waiting = waiting.before
    return events[::-1]


def _joined(pieces: list[ToolCallDelta]) -> ToolCallDelta:
    """All that waited of one call, as its one piece."""
    return ToolCallDelta(
        index=pieces[0].index,
        id=next((piece.id for piece in pieces if piece.id), None),
        name=next((piece.name for piece in pieces if piece.name), None),
        arguments="".join(piece.arguments for piece in pieces),
        signature=next((piece.signature for piece in pieces if piece.signature), None),
    )


def _draw(desk: BlockState, event: Content) -> tuple[BlockState, tuple[Stroke, ...]]:
    """The strokes of an event while no tool call is open."""
    match event:
        case TextDelta():
            desk, strokes = _text(desk, event.text, event.block)
            return _signed(desk, strokes, None if event.signature is None else of_text(event.signature))
        case RefusalDelta():
            return _text(msgspec.structs.replace(desk, refused=True), event.text, 0)
        case ReasoningDelta():
            return _reasoning(desk, event)
        case ToolCallDelta():
            block: dict[str, object] = {
                "type": "tool_use",
                # Some providers give their calls no id, but the result must name one.
                "id": event.id or f"toolu_{event.index}",
                "name": event.name or "",
                "input": {},
            }
            desk, signed = _signed(desk, (), None if event.signature is None else of_call(event.signature))
            desk, strokes = _begin(desk, _Open(kind="tool", key=event.index), block)
            desk = msgspec.structs.replace(desk, called=True)
            return desk, signed + strokes + _arguments(desk, event.arguments)
        case CitationDelta(dialect="anthropic"):
            return _citation(desk, event.citation)
        case ProviderBlock(dialect="anthropic", generated=True):
            return _only(desk, event.block)
        case CitationDelta():
            source = source_of(event)
            if source is not None:
                return _citation(desk, _web_citation(source))
            return _provider_part(desk, event.dialect, "citation", event.citation), ()
        case ProviderBlock():
            return _provider_part(desk, event.dialect, event.name, event.block), ()


def _text(desk: BlockState, text: str, block: int) -> tuple[BlockState, tuple[Stroke, ...]]:
    """A citation is for all the text of its block, so text after one begins another block."""
    if not text:
        return desk, ()
    open_ = desk.open
    if open_ is not None and open_.kind == "text" and open_.key == block and not open_.sealed:
        return desk, (Piece(desk.blocks - 1, "text_delta", text),)
    desk, strokes = _begin(desk, _Open(kind="text", key=block), {"type": "text", "text": ""})
    return desk, (*strokes, Piece(desk.blocks - 1, "text_delta", text))


def _provider_part(desk: BlockState, dialect: str, name: str, block: msgspec.Raw) -> BlockState:
    told: dict[str, object] = {"dialect": dialect, "name": name, "block": block}
    return msgspec.structs.replace(desk, provider_block=(*desk.provider_block, told))


def _web_citation(source: Source) -> msgspec.Raw:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool#citations."""
    told = {"type": "web_search_result_location", "url": source.url, "title": source.title,
            "cited_text": source.text, "encrypted_index": ""}  # fmt: skip
    return msgspec.Raw(msgspec.json.encode(told))


def _citation(desk: BlockState, citation: msgspec.Raw) -> tuple[BlockState, tuple[Stroke, ...]]:
    strokes: tuple[Stroke, ...] = ()
    if desk.open is None or desk.open.kind != "text":
        desk, strokes = _begin(desk, _Open(kind="text"), {"type": "text", "text": ""})
    desk = msgspec.structs.replace(desk, open=_Open(kind="text", sealed=True))
    return desk, (*strokes, Piece(desk.blocks - 1, "citations_delta", citation))


def _reasoning(desk: BlockState, event: ReasoningDelta) -> tuple[BlockState, tuple[Stroke, ...]]:
    """Thinking of one block until its signature, which is the last that a thinking block says.

    What the hub carries for a vendor whose proof is encrypted signs the summary before it: clients hand back a thinking
    block that is signed, and many no other.
    """
    if event.redacted is not None:
        if desk.open == _Open(kind="thinking", key=event.block) and is_carrier(event.redacted):
            return _reasoning(desk, msgspec.structs.replace(event, signature=event.redacted, redacted=None))
        return _only(desk, {"type": "redacted_thinking", "data": event.redacted})
    if not event.text and not event.signature:
        return desk, ()
    strokes: tuple[Stroke, ...] = ()
    if desk.open != _Open(kind="thinking", key=event.block):
        empty: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
        desk, strokes = _begin(desk, _Open(kind="thinking", key=event.block), empty)
    at = desk.blocks - 1
    if event.text:
        strokes = (*strokes, Piece(at, "thinking_delta", event.text))
    if event.signature:
        strokes = (*strokes, Piece(at, "signature_delta", event.signature))
        desk = msgspec.structs.replace(desk, open=_Open(kind="thinking", key=event.block, sealed=True))
    return desk, strokes


def _signed(
    desk: BlockState, before: tuple[Stroke, ...], signature: str | None
) -> tuple[BlockState, tuple[Stroke, ...]]:
    """An empty thinking block with the signature of a text or a call, after what was drawn before."""
    if signature is None:
        return desk, before
    empty: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
    desk, strokes = _begin(desk, _Open(kind="thinking", key=-1, sealed=True), empty)
    return desk, (*before, *strokes, Piece(desk.blocks - 1, "signature_delta", signature))


def _arguments(desk: BlockState, arguments: str) -> tuple[Stroke, ...]:
    return (Piece(desk.blocks - 1, "input_json_delta", arguments),) if arguments else ()


def _begin(desk: BlockState, opened: _Open, block: dict[str, object]) -> tuple[BlockState, tuple[Stroke, ...]]:
    desk, end = _end(desk)
    return (
        msgspec.structs.replace(desk, open=opened, blocks=desk.blocks + 1),
        (*end, Begin(desk.blocks, block)),
    )


def _only(desk: BlockState, block: dict[str, object] | msgspec.Raw) -> tuple[BlockState, tuple[Stroke, ...]]:
    """A block that is whole when it begins."""
    desk, end = _end(desk)
    at = desk.blocks
    return msgspec.structs.replace(desk, blocks=at + 1), (*end, Begin(at, block), End(at))


def _end(desk: BlockState) -> tuple[BlockState, tuple[Stroke, ...]]:
    if desk.open is None:
        return desk, ()
    return msgspec.structs.replace(desk, open=None), (End(desk.blocks - 1),)
