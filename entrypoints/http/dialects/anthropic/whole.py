"""Rendering the events of a finished answer as one message of Anthropic's messages API.

Rule: the message equals what a client puts together from the same answer streamed, event by event.

https://platform.claude.com/docs/en/api/messages/create
"""

import msgspec

from domain.model_api.events import Event, Finished, UsageReported
from domain.usage import Usage
from entrypoints.http.dialects.anthropic.content_block_events import (
    Begin,
    BlockState,
    ContentBlockEvent,
    Piece,
    drain,
    draw,
    is_content,
)
from entrypoints.http.dialects.anthropic.render import message, provider_blocks_field, stop
from entrypoints.http.dialects.dialect import Rendering
from entrypoints.http.dialects.tool_arguments import arguments_object


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The answer as a JSON body. Anthropic's clients expect a tool's input as parsed JSON."""
    block_state = BlockState()
    block_events: list[ContentBlockEvent] = []
    usage, finished = Usage(), None
    for event in events:
        if is_content(event):
            block_state, more = draw(block_state, event)
            block_events += more
        elif isinstance(event, UsageReported):
            usage = event.usage
        elif isinstance(event, Finished) and event.choice == 0:
            finished = event
    block_state, more = drain(block_state)
    content = _blocks([*block_events, *more])
    return msgspec.json.encode(
        message(rendering, usage, content=content, **stop(finished, block_state), **provider_blocks_field(block_state))
    )


def _blocks(block_events: list[ContentBlockEvent]) -> list[object]:
    """One block for each `Begin`, with the pieces that follow it."""
    begun: list[tuple[Begin, list[Piece]]] = []
    for block_event in block_events:
        match block_event:
            case Begin():
                begun.append((block_event, []))
            case Piece():
                begun[-1][1].append(block_event)
    return [_block(begin, pieces) for begin, pieces in begun]


def _block(begin: Begin, pieces: list[Piece]) -> object:
    block = begin.block
    if isinstance(block, msgspec.Raw):
        return block
    match block["type"]:
        case "text":
            cited = [piece.value for piece in pieces if piece.kind == "citations_delta"]
            block = block | {"text": _text(pieces, "text_delta")}
            return block | {"citations": cited} if cited else block
        case "thinking":
            thought = _text(pieces, "thinking_delta")
            return block | {"thinking": thought, "signature": _text(pieces, "signature_delta")}
        case "tool_use":
            return block | {"input": arguments_object(_text(pieces, "input_json_delta"))}
        case _:
            return block


def _text(pieces: list[Piece], kind: str) -> str:
    return "".join(str(piece.value) for piece in pieces if piece.kind == kind)
