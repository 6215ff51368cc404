"""ConverseStream's answers as a fold over the events of the stream.

House rule: for any bytes a step returns a state and events; invalid input gives one `Broken`, never an exception. A
streamed answer gives the same events as the same answer complete:

- A tool call without chunks of input has the empty object as its input, and gives `{}` when it stops.
- Citations come within their text, but a `CitationDelta` names a source for the text before it, so citations wait
  until the block stops.
- A block of an unknown type becomes one `ProviderBlock` when it stops, with all its deltas.
- Stop reason and usage come last, in two events; the answer has ended when both have arrived.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from adapters.providers.bedrock.blocks import (
    SERVER_TOOL,
    STARTED,
    ToolUse,
    ended,
    extra_blocks,
    member,
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
from adapters.providers.open_blocks import Blocks, OpenBlock, add_citation, add_input, stopped
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


class State(msgspec.Struct, frozen=True):
    """State of a stream: the number of tool calls, the open blocks, and the two last events.

    `last` is the index of the latest block, used where an event names none.
    """

    tools: int = 0
    open: Blocks = {}
    stopped: _MessageStop | None = None
    counted: _Metadata | None = None
    last: int = 0


_Step: TypeAlias = tuple[State, tuple[Event, ...]]


def start() -> State:
    """Return the state before the first event."""
    return State()


def step(state: State, event: ServerEvent) -> _Step:
    """Fold one event of a stream; events that the API does not document are ignored."""
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
    if member(event.start) == "toolUse":
        use = _TOOL_USE.part(event.start["toolUse"]) or ToolUse()
        if use.type != SERVER_TOOL:
            opened = _with_open(state, index, OpenBlock(kind="tool", tool=state.tools))
            called = ToolCallDelta(index=state.tools, id=use.tool_use_id, name=use.name)
            return msgspec.structs.replace(opened, tools=state.tools + 1), (called,)
    name = member(event.start)
    if not name:
        return state, ()
    block = {name: plain(event.start[name])}
    block_name = SERVER_TOOL if name == "toolUse" else name
    return _with_open(state, index, OpenBlock(kind="unknown", name=block_name, block=block)), ()


def _block_delta(state: State, data: bytes) -> _Step:
    event = _BLOCK_DELTA.decode(data)
    delta = event.delta
    state, index = _placed(state, event.content_block_index)
    if delta.text is not None:
        return state, text(delta.text, index)
    if delta.tool_use is not None:
        return _input_delta(state, index, delta.tool_use.input)
    if (reasoning := delta.reasoning_content) is not None and (
        events := _reasoning_events(reasoning, index)
    ) is not None:
        return state, events
    if bytes(delta.citation):
        return msgspec.structs.replace(state, open=add_citation(state.open, index, delta.citation)), ()
    return _unknown_delta(state, index, _ANY_DELTA.decode(data).delta), ()


def _reasoning_events(delta: _ReasoningDelta, index: int) -> tuple[Event, ...] | None:
    if delta.redacted_content:
        return (redacted(delta.redacted_content, index),)
    text_events: tuple[Event, ...] = (ReasoningDelta(text=delta.text, block=index),) if delta.text else ()
    return (*text_events, ReasoningDelta(signature=delta.signature, block=index)) if delta.signature else text_events


def _input_delta(state: State, index: int, chunk: str) -> _Step:
    blocks, events = add_input(state.open, index, chunk)
    return state if blocks is state.open else msgspec.structs.replace(state, open=blocks), events


def _unknown_delta(state: State, index: int, delta: _Json) -> State:
    """Add a delta to an unknown block: text and lists grow, objects are merged, anything else is replaced.

    The deltas of a result are a list of contents, while the complete result is an object around it.
    """
    block = state.open.get(index, OpenBlock(kind="unknown", name=next(iter(delta), "")))
    if block.kind != "unknown" or not delta:
        return state
    wrapped = {
        name: {"content": value} if isinstance(value, list) else value
        for name, value in delta.items()
        if value is not None
    }
    return _with_open(state, index, msgspec.structs.replace(block, block=_merged(block.block, wrapped)))


def _merged(before: Any, more: Any) -> Any:
    if isinstance(before, dict) and isinstance(more, dict):
        return {
            **before,
            **{name: _merged(before[name], more[name]) if name in before else more[name] for name in more},
        }
    if isinstance(before, str) and isinstance(more, str):
        return before + more
    return [*before, *more] if isinstance(before, list) and isinstance(more, list) else more


def _block_stop(state: State, data: bytes) -> _Step:
    state, index = _placed(state, _STOP.decode(data).content_block_index)
    blocks, block = stopped(state.open, index)
    return (state, ()) if block is None else (msgspec.structs.replace(state, open=blocks), _closing(block))


def _closing(block: OpenBlock) -> tuple[Event, ...]:
    match block.kind:
        case "cited":
            return tuple(map(citation_event, block.citations))
        case "unknown":
            return (provider_block(block.name, msgspec.Raw(msgspec.json.encode(_with_input(block)))),)
        case "tool":
            return () if block.chunks else (ToolCallDelta(index=block.tool, arguments="{}"),)


def _with_input(block: OpenBlock) -> _Json:
    """Return the block of a tool that Bedrock ran, with its streamed input; invalid JSON is kept as text."""
    fields: _Json = block.block
    if not isinstance(fields.get("toolUse"), dict):
        return fields
    spelled = "".join(block.chunks)
    parsed: Any = spelled
    try:
        _OBJECT.decode((spelled or "{}").encode())
        parsed = msgspec.Raw((spelled or "{}").encode())
    except DECODE_ERRORS:
        pass
    return {"toolUse": {**fields["toolUse"], "input": parsed}}


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
    return state, (*extra_blocks(fields, counted.trace), *ended(reason, usage, fields))


def _malformed(state: State, data: bytes) -> _Step:
    problem = msgspec.json.decode(data, type=str)
    return state, (Broken(failure=malformed(f"the event stream is damaged: {problem}")),)


def _placed(state: State, index: int | None) -> tuple[State, int]:
    """Return the index of the event's block, and the state that remembers it."""
    if index is None or index == state.last:
        return state, state.last
    return msgspec.structs.replace(state, last=index), index


def _with_open(state: State, index: int, block: OpenBlock) -> State:
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
