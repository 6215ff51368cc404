"""ConverseStream's answers: a fold that says what each event of the stream means.

House rule: whatever the bytes, a step gives a state and events; nonsense is one `Broken`, never an exception. What
was streamed means what the same answer means whole:
- A tool call without pieces of input has the empty object for its input, and gives `{}` at its stop.
- Citations come among their text, but a `CitationDelta` names a source for the text before it, so they wait for the
  block to stop.
- A block we have no word for becomes one `ProviderBlock` when it stops, with all that it got.
- Why the model stopped and what was counted come last, in two events; the answer has ended when both are there.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from adapters.providers.bedrock.blocks import (
    SERVER_TOOL,
    STARTED,
    ToolUse,
    asides,
    ended,
    kind,
    provider_block,
    redacted,
    text,
)
from adapters.providers.bedrock.citations import citation_event
from adapters.providers.bedrock.failure import exception, malformed
from adapters.providers.bedrock.framing import EXCEPTION, MALFORMED
from adapters.providers.bedrock.usage import Service, reported
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient, plain
from domain.model_api.events import Broken, Event, ReasoningDelta, ToolCallDelta

_Json = dict[str, Any]


class _Start(msgspec.Struct, frozen=True, rename="camel"):
    content_block_index: int | None = None
    start: dict[str, msgspec.Raw] = {}


class _ToolDelta(msgspec.Struct, frozen=True):
    input: str = ""


class _ReasoningDelta(msgspec.Struct, frozen=True, rename="camel"):
    text: str = ""
    signature: str = ""
    redacted_content: str = ""


class _Delta(msgspec.Struct, frozen=True, rename="camel"):
    text: str | None = None
    tool_use: _ToolDelta | None = None
    reasoning_content: _ReasoningDelta | None = None
    citation: msgspec.Raw = msgspec.Raw(b"")


class _BlockDelta(msgspec.Struct, frozen=True, rename="camel"):
    content_block_index: int | None = None
    delta: _Delta = _Delta()


class _AnyDelta(msgspec.Struct, frozen=True):
    delta: dict[str, Any] = {}


class _Stop(msgspec.Struct, frozen=True, rename="camel"):
    content_block_index: int | None = None


class _MessageStop(msgspec.Struct, frozen=True, rename="camel"):
    stop_reason: str | None = None
    additional_model_response_fields: msgspec.Raw = msgspec.Raw(b"null")


class _Metadata(Service, frozen=True, rename="camel"):
    trace: msgspec.Raw = msgspec.Raw(b"null")


_START = Lenient(_Start)
_BLOCK_DELTA = Lenient(_BlockDelta)
_ANY_DELTA = Lenient(_AnyDelta)
_STOP = Lenient(_Stop)
_MESSAGE_STOP = Lenient(_MessageStop)
_METADATA = Lenient(_Metadata)
_TOOL_USE = Lenient(ToolUse)
_OBJECT = Lenient(dict[str, msgspec.Raw])


class _Open(msgspec.Struct, frozen=True):
    """A block which its stop has something to say about; `pieces` are its input's JSON text so far."""

    kind: Literal["tool", "foreign", "cited"]
    tool: int = 0
    name: str = ""
    block: _Json = {}
    pieces: tuple[str, ...] = ()
    citations: tuple[msgspec.Raw, ...] = ()


class State(msgspec.Struct, frozen=True):
    """What a stream said so far: how many tools it called, the blocks that are not done, and the two last events.

    `last` is the block that was spoken of last, and meant where none is named.
    """

    tools: int = 0
    open: dict[int, _Open] = {}
    stopped: _MessageStop | None = None
    counted: _Metadata | None = None
    last: int = 0


_Step: TypeAlias = tuple[State, tuple[Event, ...]]


def start() -> State:
    """Before the first event."""
    return State()


def step(state: State, event: ServerEvent) -> _Step:
    """One event of a stream; what nobody promised to send means nothing."""
    name = event.name
    if name.startswith(EXCEPTION):
        return state, (Broken(failure=exception(name.removeprefix(EXCEPTION), event.data)),)
    handle = _HANDLERS.get(name)
    if handle is None:
        return state, ()
    try:
        return handle(state, event.data)
    except DECODE_ERRORS as problem:
        return state, (Broken(failure=malformed(f"{name} makes no sense: {problem}")),)


def _message_start(state: State, data: bytes) -> _Step:
    return state, (STARTED,)


def _block_start(state: State, data: bytes) -> _Step:
    event = _START.decode(data)
    named = event.content_block_index
    state, index = _placed(state, state.last + 1 if named is None else named)
    if kind(event.start) == "toolUse":
        use = _TOOL_USE.part(event.start["toolUse"]) or ToolUse()
        if use.type != SERVER_TOOL:
            opened = _with_open(state, index, _Open(kind="tool", tool=state.tools))
            called = ToolCallDelta(index=state.tools, id=use.tool_use_id, name=use.name)
            return msgspec.structs.replace(opened, tools=state.tools + 1), (called,)
    name = kind(event.start)
    if not name:
        return state, ()
    block = {name: plain(event.start[name])}
    told = SERVER_TOOL if name == "toolUse" else name
    return _with_open(state, index, _Open(kind="foreign", name=told, block=block)), ()


def _block_delta(state: State, data: bytes) -> _Step:
    event = _BLOCK_DELTA.decode(data)
    delta = event.delta
    state, index = _placed(state, event.content_block_index)
    if delta.text is not None:
        return state, text(delta.text, index)
    if delta.tool_use is not None:
        return _input_delta(state, index, delta.tool_use.input)
    if (thought := delta.reasoning_content) is not None and (told := _thought(thought, index)) is not None:
        return state, told
    if bytes(delta.citation):
        before = state.open.get(index, _Open(kind="cited"))
        cited = msgspec.structs.replace(before, citations=(*before.citations, delta.citation))
        return _with_open(state, index, cited), ()
    return _foreign_delta(state, index, _ANY_DELTA.decode(data).delta), ()


def _thought(delta: _ReasoningDelta, index: int) -> tuple[Event, ...] | None:
    if delta.redacted_content:
        return (redacted(delta.redacted_content, index),)
    said: tuple[Event, ...] = (ReasoningDelta(text=delta.text, block=index),) if delta.text else ()
    return (*said, ReasoningDelta(signature=delta.signature, block=index)) if delta.signature else said


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


def _foreign_delta(state: State, index: int, delta: _Json) -> State:
    """What a block we have no word for gets: text and lists grow, objects are joined, anything else is replaced.

    A result's deltas are a list of contents, though the whole result is an object around it.
    """
    block = state.open.get(index, _Open(kind="foreign", name=next(iter(delta), "")))
    if block.kind != "foreign" or not delta:
        return state
    wrapped = {
        name: {"content": value} if isinstance(value, list) else value
        for name, value in delta.items()
        if value is not None
    }
    return _with_open(state, index, msgspec.structs.replace(block, block=_grown(block.block, wrapped)))


def _grown(before: Any, more: Any) -> Any:
    if isinstance(before, dict) and isinstance(more, dict):
        return {**before, **{name: _grown(before[name], more[name]) if name in before else more[name] for name in more}}
    if isinstance(before, str) and isinstance(more, str):
        return before + more
    return [*before, *more] if isinstance(before, list) and isinstance(more, list) else more


def _block_stop(state: State, data: bytes) -> _Step:
    state, index = _placed(state, _STOP.decode(data).content_block_index)
    block = state.open.get(index)
    if block is None:
        return state, ()
    still_open = {at: other for at, other in state.open.items() if at != index}
    return msgspec.structs.replace(state, open=still_open), _closing(block)


def _closing(block: _Open) -> tuple[Event, ...]:
    match block.kind:
        case "cited":
            return tuple(map(citation_event, block.citations))
        case "foreign":
            return (provider_block(block.name, msgspec.Raw(msgspec.json.encode(_with_input(block)))),)
        case "tool":
            return () if block.pieces else (ToolCallDelta(index=block.tool, arguments="{}"),)


def _with_input(block: _Open) -> _Json:
    """The block of a tool that Bedrock ran, with the input that was streamed for it; no JSON is kept as the text."""
    if not isinstance(block.block.get("toolUse"), dict):
        return block.block
    spelled = "".join(block.pieces)
    given: Any = spelled
    try:
        _OBJECT.decode((spelled or "{}").encode())
        given = msgspec.Raw((spelled or "{}").encode())
    except DECODE_ERRORS:
        pass
    return {"toolUse": {**block.block["toolUse"], "input": given}}


def _message_stop(state: State, data: bytes) -> _Step:
    return _over(msgspec.structs.replace(state, stopped=_MESSAGE_STOP.decode(data)))


def _metadata(state: State, data: bytes) -> _Step:
    return _over(msgspec.structs.replace(state, counted=_METADATA.decode(data)))


def _over(state: State) -> _Step:
    stopped, counted = state.stopped, state.counted
    if stopped is None or counted is None:
        return state, ()
    fields = stopped.additional_model_response_fields
    usage = reported(counted)
    reason = "end_turn" if stopped.stop_reason == "tool_use" and not state.tools else stopped.stop_reason
    return state, (*asides(fields, counted.trace), *ended(reason, usage, fields))


def _malformed(state: State, data: bytes) -> _Step:
    said = msgspec.json.decode(data, type=str)
    return state, (Broken(failure=malformed(f"the event stream is damaged: {said}")),)


def _placed(state: State, index: int | None) -> tuple[State, int]:
    """The block that is spoken of, and the state that remembers it."""
    if index is None or index == state.last:
        return state, state.last
    return msgspec.structs.replace(state, last=index), index


def _with_open(state: State, index: int, block: _Open) -> State:
    return msgspec.structs.replace(state, open={**state.open, index: block})


_HANDLERS: dict[str, Callable[[State, bytes], _Step]] = {
    "messageStart": _message_start,
    "contentBlockStart": _block_start,
    "contentBlockDelta": _block_delta,
    "contentBlockStop": _block_stop,
    "messageStop": _message_stop,
    "metadata": _metadata,
    MALFORMED: _malformed,
}
