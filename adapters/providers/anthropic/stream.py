"""Anthropic's streamed answers as events.

House rule: a streamed answer and the same answer complete give the same sequence of events. Only the cuts inside text,
reasoning and arguments may differ, and `message_start` already reports usage.

- An empty input of a tool call is the arguments text "{}": `input: {}` in a complete answer, no `input_json_delta` in
  a stream. Its event is made at `content_block_stop`, when nothing more can follow.
- Citations come before their text in a stream and next to it in a complete answer. A `CitationDelta` names a source
  for the text before it, so citations wait until the block stops.
- A block of an unknown type becomes one `ProviderBlock` when it stops, with its deltas included.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from collections.abc import Callable
from typing import Annotated, TypeAlias

import msgspec

from adapters.providers.anthropic.blocks import (
    BLOCK,
    Block,
    Message,
    MessageExtras,
    citations,
    extra_blocks,
    finished,
    provider_block,
    reasoning,
    text,
    with_input,
)
from adapters.providers.anthropic.failure import error_event, malformed
from adapters.providers.anthropic.usage import Report, reported
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import SPELLED, Lenient
from adapters.providers.open_blocks import Blocks, OpenBlock, add_citation, add_input, stopped
from adapters.providers.tool_arguments import arguments_text
from adapters.providers.usage_counts import UNREPORTED
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event, ReasoningDelta, Started, TextDelta, ToolCallDelta


class _MessageStart(msgspec.Struct, frozen=True):
    message: Message = Message()


class _BlockStart(msgspec.Struct, frozen=True):
    index: int | None = None
    content_block: msgspec.Raw = msgspec.Raw(b"{}")


class _Delta(msgspec.Struct, frozen=True):
    type: str = ""
    text: Annotated[str, SPELLED] = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: msgspec.Raw = msgspec.Raw(b"")


class _BlockDelta(msgspec.Struct, frozen=True):
    index: int | None = None
    delta: _Delta = _Delta()


class _AnyBlockDelta(msgspec.Struct, frozen=True):
    delta: dict[str, msgspec.Raw] = {}


class _BlockStop(msgspec.Struct, frozen=True):
    index: int | None = None


class _Stop(MessageExtras, frozen=True):
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _MessageDelta(MessageExtras, frozen=True):
    delta: _Stop = _Stop()
    usage: msgspec.Raw = UNREPORTED


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


_MESSAGE_START = Lenient(_MessageStart)
_BLOCK_START = Lenient(_BlockStart)
_BLOCK_DELTA = Lenient(_BlockDelta)
_ANY_BLOCK_DELTA = Lenient(_AnyBlockDelta)
_BLOCK_STOP = Lenient(_BlockStop)
_MESSAGE_DELTA = Lenient(_MessageDelta)
_TYPED = Lenient(_Typed)
_FIELDS = Lenient(dict[str, msgspec.Raw])


class State(msgspec.Struct, frozen=True):
    """State of a stream: its usage, the number of tool calls, and the open blocks.

    `last` is the index of the latest block, used where an event names none. `stopped` is true after a stop reason.
    """

    reported: Report | None = None
    tools: int = 0
    open: Blocks = {}
    last: int = -1
    stopped: bool = False


_Step: TypeAlias = tuple[State, tuple[Event, ...]]


def start() -> State:
    """Return the state before the first event."""
    return State()


def step(state: State, event: ServerEvent) -> _Step:
    """Fold one event of a stream; events that the API does not document are ignored."""
    try:
        handle = _HANDLERS.get(event.name)
        # Some proxies drop the event's name, which its data repeats.
        if handle is None and event.data and event.name in ("", "message"):
            handle = _HANDLERS.get(_TYPED.decode(event.data).type)
        return handle(state, event.data) if handle is not None else (state, ())
    except DECODE_ERRORS as problem:
        return state, (Broken(failure=malformed(f"{event.name or 'an event'} makes no sense: {problem}")),)


def _message_start(state: State, data: bytes) -> _Step:
    message = _MESSAGE_START.decode(data).message
    started = Started(id=message.id, model=message.model)
    merged, counted = reported(message.usage, state.reported)
    return msgspec.structs.replace(state, reported=merged), (started, *counted)


def _block_start(state: State, data: bytes) -> _Step:
    event = _BLOCK_START.decode(data)
    block = BLOCK.part(event.content_block) or Block()
    index = state.last + 1 if event.index is None else event.index
    state = msgspec.structs.replace(state, last=index)
    match block.type:
        case "text" | "":
            if block.citations:
                state = _with_open(state, index, OpenBlock(kind="cited", citations=tuple(block.citations)))
            return state, text(block, index)
        case "thinking" | "redacted_thinking":
            return state, reasoning(block, index)
        case "tool_use":
            tool = OpenBlock(kind="tool", block=event.content_block, tool=state.tools)
            opened = msgspec.structs.replace(_with_open(state, index, tool), tools=state.tools + 1)
            return opened, (ToolCallDelta(index=tool.tool, id=block.id, name=block.name),)
        case name:
            return _with_open(state, index, OpenBlock(kind="unknown", block=event.content_block, name=name)), ()


def _block_delta(state: State, data: bytes) -> _Step:
    event = _BLOCK_DELTA.decode(data)
    delta, index = event.delta, state.last if event.index is None else event.index
    match delta.type:
        case "text_delta" | "":
            return state, (TextDelta(text=delta.text, block=index),) if delta.text else ()
        case "thinking_delta":
            return state, (ReasoningDelta(text=delta.thinking, block=index),) if delta.thinking else ()
        case "signature_delta":
            return state, (ReasoningDelta(signature=delta.signature, block=index),) if delta.signature else ()
        case "input_json_delta":
            return _input_delta(state, index, delta.partial_json)
        case "citations_delta":
            return _citations_delta(state, index, delta.citation), ()
        case _:
            return _unknown_delta(state, index, data), ()


def _input_delta(state: State, index: int, chunk: str) -> _Step:
    blocks, events = add_input(state.open, index, chunk)
    return state if blocks is state.open else msgspec.structs.replace(state, open=blocks), events


def _citations_delta(state: State, index: int, citation: msgspec.Raw) -> State:
    if bytes(citation) in (b"", b"null"):
        return state
    return msgspec.structs.replace(state, open=add_citation(state.open, index, citation))


def _unknown_delta(state: State, index: int, data: bytes) -> State:
    """Add an unknown delta to its unknown block."""
    block = state.open.get(index)
    if block is None or block.kind != "unknown":
        return state
    fields = _FIELDS.decode(block.block)
    for name, value in _ANY_BLOCK_DELTA.decode(data).delta.items():
        if name != "type":
            fields[name] = _joined(fields.get(name), value)
    merged = msgspec.Raw(msgspec.json.encode(fields))
    return _with_open(state, index, msgspec.structs.replace(block, block=merged))


def _joined(before: msgspec.Raw | None, value: msgspec.Raw) -> msgspec.Raw:
    """Return text appended; any other value is replaced."""
    if before is None or bytes(before)[:1] != b'"' or bytes(value)[:1] != b'"':
        return value
    return msgspec.Raw(bytes(before)[:-1] + bytes(value)[1:])


def _block_stop(state: State, data: bytes) -> _Step:
    sent_index = _BLOCK_STOP.decode(data).index
    index = state.last if sent_index is None else sent_index
    blocks, block = stopped(state.open, index)
    return (state, ()) if block is None else (msgspec.structs.replace(state, open=blocks), _closing(block))


def _closing(block: OpenBlock) -> tuple[Event, ...]:
    match block.kind:
        case "cited":
            return citations(block.citations)
        case "unknown":
            complete = with_input(block.block, "".join(block.chunks)) if block.chunks else block.block
            return (provider_block(block.name, complete),)
        case "tool":
            if block.chunks:
                return ()
            return (ToolCallDelta(index=block.tool, arguments=arguments_text(BLOCK.decode(block.block).input)),)


def _message_delta(state: State, data: bytes) -> _Step:
    event = _MESSAGE_DELTA.decode(data)
    extras = (*extra_blocks(event.delta), *extra_blocks(event))
    ending = finished(event.delta.stop_reason, event.delta.stop_sequence, state.tools)
    merged, counted = reported(event.usage, state.reported)
    state = msgspec.structs.replace(state, reported=merged, stopped=state.stopped or bool(ending))
    return state, (*extras, *counted, *ending)


def is_complete(state: State, _call: ModelCall) -> bool:
    """Whether a stop reason came: `message_stop`, which a compatible server may leave out, carries nothing more."""
    return state.stopped


def _with_open(state: State, index: int, block: OpenBlock) -> State:
    return msgspec.structs.replace(state, open={**state.open, index: block})


_HANDLERS: dict[str, Callable[[State, bytes], _Step]] = {
    "message_start": _message_start,
    "content_block_start": _block_start,
    "content_block_delta": _block_delta,
    "content_block_stop": _block_stop,
    "message_delta": _message_delta,
    "message_stop": lambda state, data: (state, (Ended(),)),
    "error": lambda state, data: (state, (Broken(failure=error_event(data)),)),
}
