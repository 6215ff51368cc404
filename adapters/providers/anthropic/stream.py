"""Anthropic's streamed answers as events.

House rule: what a streamed answer means and what the same answer means whole is one sequence of events; only the
cuts inside text, thinking and arguments may differ, and `message_start` already tells usage.

- A tool call's empty input is the arguments text "{}": whole as `input: {}`, streamed as no `input_json_delta`
  at all. It is said at `content_block_stop`, when it is known that nothing comes.
- Citations come before their text in a stream and beside it in a whole answer. A `CitationDelta` names a source for
  the text before it, so they wait for the block to stop.
- A block we have no word for becomes one `ProviderBlock` when it stops, with the deltas that it got.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

import msgspec

from adapters.providers.anthropic.blocks import (
    BLOCK,
    Beside,
    Block,
    Message,
    asides,
    citations,
    finished,
    provider_block,
    reasoning,
    text,
    with_input,
)
from adapters.providers.anthropic.failure import error_event, malformed
from adapters.providers.anthropic.usage import Report, reported
from adapters.providers.arguments import arguments_text
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import SPELLED, Lenient
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


class _Stop(Beside, frozen=True):
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _MessageDelta(Beside, frozen=True):
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


class _Open(msgspec.Struct, frozen=True):
    """A block which its stop has something to say about; `pieces` are its input's JSON text so far."""

    kind: Literal["tool", "foreign", "cited"]
    block: msgspec.Raw = msgspec.Raw(b"{}")
    name: str = ""
    tool: int = 0
    pieces: tuple[str, ...] = ()
    citations: tuple[msgspec.Raw, ...] = ()


class State(msgspec.Struct, frozen=True):
    """What a stream said so far: its usage, how many tools it called, and the blocks that are not done.

    `last` is the block that was begun last, and meant where none is named. `stopped`: the model said why it stopped.
    """

    told: Report | None = None
    tools: int = 0
    open: dict[int, _Open] = {}
    last: int = -1
    stopped: bool = False


_Step: TypeAlias = tuple[State, tuple[Event, ...]]


def start() -> State:
    """Before the first event."""
    return State()


def step(state: State, event: ServerEvent) -> _Step:
    """One event of a stream; what nobody promised to send means nothing."""
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
    told, counted = reported(message.usage, state.told)
    return msgspec.structs.replace(state, told=told), (started, *counted)


def _block_start(state: State, data: bytes) -> _Step:
    event = _BLOCK_START.decode(data)
    block = BLOCK.part(event.content_block) or Block()
    index = state.last + 1 if event.index is None else event.index
    state = msgspec.structs.replace(state, last=index)
    match block.type:
        case "text" | "":
            if block.citations:
                state = _with_open(state, index, _Open(kind="cited", citations=tuple(block.citations)))
            return state, text(block, index)
        case "thinking" | "redacted_thinking":
            return state, reasoning(block, index)
        case "tool_use":
            tool = _Open(kind="tool", block=event.content_block, tool=state.tools)
            opened = msgspec.structs.replace(_with_open(state, index, tool), tools=state.tools + 1)
            return opened, (ToolCallDelta(index=tool.tool, id=block.id, name=block.name),)
        case name:
            return _with_open(state, index, _Open(kind="foreign", block=event.content_block, name=name)), ()


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
            return _foreign_delta(state, index, data), ()


def _input_delta(state: State, index: int, piece: str) -> _Step:
    block = state.open.get(index)
    if block is None or block.kind == "cited":  # Its place makes no sense: then it is of the tool that was begun last.
        index = next((at for at, other in reversed(state.open.items()) if other.kind != "cited"), index)
        block = state.open.get(index)
    if block is None or block.kind == "cited":
        raise ValueError(f"it adds to the input of block {index}, which did not start as a tool's")
    if not piece:
        return state, ()
    if block.kind == "foreign":
        return _with_open(state, index, msgspec.structs.replace(block, pieces=(*block.pieces, piece))), ()
    if not block.pieces:  # the first piece is kept, to remember that the input is not empty
        state = _with_open(state, index, msgspec.structs.replace(block, pieces=(piece,)))
    return state, (ToolCallDelta(index=block.tool, arguments=piece),)


def _citations_delta(state: State, index: int, citation: msgspec.Raw) -> State:
    if bytes(citation) in (b"", b"null"):
        return state
    before = state.open.get(index, _Open(kind="cited"))
    cited = msgspec.structs.replace(before, citations=(*before.citations, citation))
    return _with_open(state, index, cited)


def _foreign_delta(state: State, index: int, data: bytes) -> State:
    """A delta we have no word for, on a block we have no word for: what it brings is put into the block."""
    block = state.open.get(index)
    if block is None or block.kind != "foreign":
        return state
    fields = _FIELDS.decode(block.block)
    for name, value in _ANY_BLOCK_DELTA.decode(data).delta.items():
        if name != "type":
            fields[name] = _joined(fields.get(name), value)
    merged = msgspec.Raw(msgspec.json.encode(fields))
    return _with_open(state, index, msgspec.structs.replace(block, block=merged))


def _joined(before: msgspec.Raw | None, value: msgspec.Raw) -> msgspec.Raw:
    """Text grows, anything else is replaced."""
    if before is None or bytes(before)[:1] != b'"' or bytes(value)[:1] != b'"':
        return value
    return msgspec.Raw(bytes(before)[:-1] + bytes(value)[1:])


def _block_stop(state: State, data: bytes) -> _Step:
    told = _BLOCK_STOP.decode(data).index
    index = state.last if told is None else told
    block = state.open.get(index)
    if block is None:
        return state, ()
    still_open = {at: other for at, other in state.open.items() if at != index}
    return msgspec.structs.replace(state, open=still_open), _closing(block)


def _closing(block: _Open) -> tuple[Event, ...]:
    match block.kind:
        case "cited":
            return citations(block.citations)
        case "foreign":
            whole = with_input(block.block, "".join(block.pieces)) if block.pieces else block.block
            return (provider_block(block.name, whole),)
        case "tool":
            if block.pieces:
                return ()
            return (ToolCallDelta(index=block.tool, arguments=arguments_text(BLOCK.decode(block.block).input)),)


def _message_delta(state: State, data: bytes) -> _Step:
    event = _MESSAGE_DELTA.decode(data)
    beside = (*asides(event.delta), *asides(event))
    ending = finished(event.delta.stop_reason, event.delta.stop_sequence, state.tools)
    told, counted = reported(event.usage, state.told)
    state = msgspec.structs.replace(state, told=told, stopped=state.stopped or bool(ending))
    return state, (*beside, *counted, *ending)


def is_complete(state: State, _call: ModelCall) -> bool:
    """Whether the model said why it stopped: `message_stop`, which a look-alike may leave out, tells nothing more."""
    return state.stopped


def _with_open(state: State, index: int, block: _Open) -> State:
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
