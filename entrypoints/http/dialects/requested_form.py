"""A fold over events that gives an answer the requested form, where the provider's API has no option for it.

- A request for one call at a time gets only the first call.
- A call of the function that replaces a custom tool becomes a call of that tool, sent when its input is complete.
- A call of a tool in a group has the tool's own name and, in another field, that of the group.
- Reasoning that the request hides is left out; its signature is not.

Events that are left out here were generated, so they are charged.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from domain.model_api.events import (
    Broken,
    Ended,
    Event,
    Finished,
    FinishReason,
    ProviderBlock,
    ReasoningDelta,
    ToolCallDelta,
)
from domain.model_api.requests import ChatRequest, ModelRequest, Tool
from domain.model_api.tools import input_of
from entrypoints.http.dialects.dialect import CallerDialect, ErrorBody, Rendering

_NAME, _CUSTOM_CALL = "openai", "custom_tool_call"
_HIDDEN = b'"omitted"'


class _Buffered(msgspec.Struct, frozen=True):
    """The call of a custom tool so far; `pieces` are those of its arguments."""

    tool: Tool
    id: str | None
    pieces: tuple[str, ...]


class _State(msgspec.Struct, frozen=True):
    """`inner` is the dialect's own; `first` the first call of each choice; `buffered` calls by choice and index."""

    inner: Any
    first: dict[int, int | str] = {}
    buffered: dict[tuple[int, int], _Buffered] = {}


class _Requested(msgspec.Struct, frozen=True):
    """The fields of the request that change the form of its answer."""

    one_call: bool
    hides_thinking: bool
    tools: dict[str, Tool]


def in_requested_form(dialect: CallerDialect, request: ModelRequest | None) -> CallerDialect:
    """The caller's dialect with answers in the requested form; the same dialect where nothing is hidden or renamed."""
    if not isinstance(request, ChatRequest):
        return dialect
    requested = _Requested(
        one_call=request.parallel_tool_calls is False,
        hides_thinking=bytes(request.extra.get("thinking.display", b"")) == _HIDDEN,
        tools={tool.name: tool for tool in request.tools if tool.custom is not None or tool.group is not None},
    )
    if not (requested.one_call or requested.hides_thinking or requested.tools):
        return dialect
    failed = dialect.stream_failed

    def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
        state, reported = _State(None), list[Event]()
        for event in events:
            state, more = _received(requested, state, event)
            reported += more
        return dialect.whole(tuple(reported), rendering)

    def render(state: _State, event: Event) -> tuple[_State, bytes]:
        state, events = _received(requested, state, event)
        inner, written = state.inner, b""
        for each in events:
            inner, piece = dialect.render(inner, each)
            written += piece
        return msgspec.structs.replace(state, inner=inner), written

    def stream_failed(state: _State, error: ErrorBody) -> bytes:
        return dialect.stream_error(error) if failed is None else failed(state.inner, error)

    return msgspec.structs.replace(
        dialect,
        whole=whole,
        start=lambda rendering: _State(dialect.start(rendering)),
        render=render,
        stream_failed=stream_failed,
    )


def _received(requested: _Requested, state: _State, event: Event) -> tuple[_State, tuple[Event, ...]]:
    """The state after one event, and the events that the caller receives for it."""
    match event:
        case ReasoningDelta() if requested.hides_thinking:
            kept = event.signature is not None or event.redacted is not None
            return state, (msgspec.structs.replace(event, text=""),) if kept else ()
        case ToolCallDelta():
            if requested.one_call and state.first.get(event.choice, event.index) != event.index:
                return state, ()
            return _called(requested, _with_first(state, event.choice, event.index), event)
        case ProviderBlock(dialect="openai", name="custom_tool_call"):
            if requested.one_call and event.choice in state.first:
                return state, ()
            return _with_first(state, event.choice, ""), (_renamed(requested, event),)
        case Finished():
            reported: list[Event] = [*_given(state, event.choice, event.reason), event]
            left = {at: call for at, call in state.buffered.items() if at[0] != event.choice}
            return msgspec.structs.replace(state, buffered=left), tuple(reported)
        case Ended() | Broken():
            reported = [
                call for choice in sorted({at[0] for at in state.buffered}) for call in _given(state, choice, "length")
            ]
            return msgspec.structs.replace(state, buffered={}), (*reported, event)
        case _:
            return state, (event,)


def _with_first(state: _State, choice: int, index: int | str) -> _State:
    return state if choice in state.first else msgspec.structs.replace(state, first={**state.first, choice: index})


def _called(requested: _Requested, state: _State, event: ToolCallDelta) -> tuple[_State, tuple[Event, ...]]:
    at = event.choice, event.index
    call, tool = state.buffered.get(at), requested.tools.get(event.name or "")
    if call is not None:
        call = msgspec.structs.replace(call, pieces=(*call.pieces, event.arguments))
    elif tool is None:
        return state, (event,)
    elif tool.custom is None:
        assert tool.group is not None
        return state, (msgspec.structs.replace(event, name=tool.group[1], group=tool.group[0]),)
    else:
        call = _Buffered(tool, event.id, (event.arguments,))
    return msgspec.structs.replace(state, buffered={**state.buffered, at: call}), ()


def _given(state: _State, choice: int, reason: FinishReason) -> Iterator[ProviderBlock]:
    """The complete calls of custom tools; a truncated call is left out, since half a patch is useless.

    A model may ignore the form and write only the input.
    """
    for at, call in sorted(state.buffered.items()):
        arguments = "".join(call.pieces)
        text = input_of(arguments)
        if at[0] == choice and (text is not None or reason != "length"):
            yield _block(call.tool, call.id, arguments if text is None else text, choice)


class _Called(msgspec.Struct, frozen=True):
    name: str = ""
    input: str = ""


class _CustomCall(msgspec.Struct, frozen=True):
    id: str | None = None
    custom: _Called = _Called()


def _renamed(requested: _Requested, event: ProviderBlock) -> ProviderBlock:
    """A custom tool's call by a server that knows such tools; a tool of a group gets its own name."""
    try:
        call = msgspec.json.decode(event.block, type=_CustomCall)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return event
    tool = requested.tools.get(call.custom.name)
    return event if tool is None else _block(tool, call.id, call.custom.input, event.choice)


def _block(tool: Tool, call_id: str | None, text: str, choice: int) -> ProviderBlock:
    group, name = tool.group or (None, tool.name)
    custom = {"name": name, "input": text} | ({} if group is None else {"namespace": group})
    block = msgspec.json.encode({"id": call_id, "type": "custom", "custom": custom})
    return ProviderBlock(dialect=_NAME, name=_CUSTOM_CALL, block=msgspec.Raw(block), choice=choice)
